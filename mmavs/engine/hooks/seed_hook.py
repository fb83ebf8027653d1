"""A training step draws what its number says, however the run came there."""

import random

import numpy as np
import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook

from mmavs.compat.seeding import SeededDataset, seeds_of
from mmavs.registry import HOOKS

_STEP = 1  # tells the numbers of a step from those of a sample


@HOOKS.register_module()
class SeedHook(Hook):
    """Seeds the generators of all devices before each training step.

    What a model draws (dropout, points to sample) then depends on the run's
    seed and the number of the step, and not on what was drawn before: a
    resumed run goes on as if it had not been broken off. Samples are seeded
    apart, see :mod:`mmavs.compat.seeding`.

    Ranks draw alike, as in mmengine, unless ``randomness`` says
    ``diff_rank_seed=True``.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner) -> None:
        """Take the seed of the checkpoint, where a config names none."""
        dataset = runner.train_dataloader.dataset
        sampler = runner.train_dataloader.sampler
        if not isinstance(dataset, SeededDataset):
            return
        if dataset.seed != runner.seed and get_world_size() == 1:
            dataset.seed = sampler.sampler.seed = runner.seed

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Seed a step."""
        seeds = seeds_of(runner.seed, runner.iter, 0, _STEP)
        random.seed(seeds[0])
        np.random.seed(seeds[1])
        torch.manual_seed(seeds[2])
