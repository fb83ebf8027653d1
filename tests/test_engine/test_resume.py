"""A resumed run gives bit for bit what an unbroken one gives."""

import itertools
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmavs.compat.seeding import Draw, SeededDataset, SeededSampler, seeded
from mmavs.datasets.transforms.formatting import CLIP_KEYS
from mmavs.engine.run_config import load_config
from mmavs.registry import HOOKS, TRANSFORMS

CONFIG = 'configs/synthetic/film_tiny_ms3.py'
ROOT = Path(__file__).resolve().parents[2]
_names = itertools.count()


def numbers():
    """One of each generator."""
    return random.random(), np.random.rand(), torch.rand(1).item()


@TRANSFORMS.register_module()
class DrawForResume(BaseTransform):
    """Scale the sound by numbers of all three generators, and note them."""

    def transform(self, results: dict) -> dict:
        drawn = numbers()
        results['audio'] = results['audio'] * (1 + 0.1 * sum(drawn))
        results['drawn'] = (results['clip_id'], *drawn)
        return results


@HOOKS.register_module()
class NoteDraws(Hook):
    """Keep what the samples of each step drew, and what the step draws."""

    def before_train(self, runner):
        runner.drawn, runner.steps = [], []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        samples = data_batch['data_samples']
        runner.drawn.append([sample.drawn for sample in samples])
        runner.steps.append(numbers())


def configure(root: Path, work_dir: Path, workers: int, iters: int = 0):
    config = load_config(ROOT / CONFIG)
    for name in ('train', 'val', 'test'):
        loader = config[f'{name}_dataloader']
        count = workers if name == 'train' else 0
        loader.update(num_workers=count, batch_size=2)
        loader.dataset.data_root = f'{root}/'
        loader.dataset.pipeline[1].cache_dir = None
    pipeline = config.train_dataloader.dataset.pipeline
    assert pipeline[2].transforms[-1].type == 'RandomFlip'
    pipeline.insert(-1, dict(type='DrawForResume'))
    pipeline[-1]['clip_keys'] = (*CLIP_KEYS, 'drawn')
    config.train_cfg.update(max_epochs=3, val_interval=3)
    if iters:
        config.train_cfg = dict(
            type='IterBasedTrainLoop', max_iters=iters, val_interval=iters
        )
        config.train_dataloader.sampler.type = 'InfiniteSampler'
        config.default_hooks.checkpoint.update(by_epoch=False, interval=2)
        config.log_processor.by_epoch = False
    config.param_scheduler = [
        dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=6)
    ]
    config.custom_hooks = [dict(type='NoteDraws')]
    config.work_dir, config.launcher = str(work_dir), 'none'
    config.experiment_name = f'resume_{next(_names)}'
    return config


def train(config, resume: str = None) -> Runner:
    config.resume, config.load_from = resume is not None, resume
    runner = Runner.from_cfg(config)
    runner.train()
    runner.train_dataloader._iterator = None  # its workers end now
    return runner


def equal(a: Runner, b: Runner) -> bool:
    ours, theirs = a.model.state_dict(), b.model.state_dict()
    return all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.fixture(scope='module')
def unbroken(tiny_ms3, tmp_path_factory):
    return train(configure(tiny_ms3, tmp_path_factory.mktemp('whole'), 0))


@pytest.mark.parametrize('workers', [0, 1, 2])
def test_a_resumed_run_is_the_unbroken_one(
    unbroken, tiny_ms3, tmp_path, workers
):
    work_dir = Path(unbroken.work_dir)
    config = configure(tiny_ms3, tmp_path, workers)
    config.default_hooks.checkpoint.max_keep_ckpts = 5
    resumed = train(config, str(work_dir / 'epoch_2.pth'))
    # two steps of two clips per epoch: the order, and what each clip draws
    assert resumed.drawn == unbroken.drawn[4:] and len(resumed.drawn) == 2
    assert equal(resumed, unbroken)
    epochs = [sorted(sum(unbroken.drawn[i : i + 2], [])) for i in (0, 2, 4)]
    clips = [[drawn[0] for drawn in epoch] for epoch in epochs]
    assert clips[0] == clips[1] == clips[2] and len(set(clips[0])) == 4
    drawn = {number for epoch in epochs for row in epoch for number in row}
    assert len(drawn) == 4 + 3 * 4 * 3  # no number twice
    assert resumed.steps == unbroken.steps[4:]
    assert len(set(unbroken.steps)) == 6


def test_a_run_by_iterations_too(tiny_ms3, tmp_path):
    """Four steps of two are two rounds through the four clips."""
    whole = train(configure(tiny_ms3, tmp_path / 'a', 0, iters=4))
    config = configure(tiny_ms3, tmp_path / 'b', 0, iters=4)
    resumed = train(config, str(tmp_path / 'a' / 'iter_2.pth'))
    assert resumed.drawn == whole.drawn[2:]
    assert equal(resumed, whole)
    assert resumed.steps == whole.steps[2:]
    drawn = {n for step in whole.drawn for row in step for n in row[1:]}
    assert len(drawn) == 4 * 2 * 3


def test_without_a_seed_that_of_the_checkpoint_is_taken(tiny_ms3, tmp_path):
    configs = [configure(tiny_ms3, tmp_path / name, 0) for name in 'ab']
    for config in configs:
        config.randomness = dict(seed=None)
        config.train_cfg.update(max_epochs=2, val_interval=2)
    whole = train(configs[0])
    resumed = train(configs[1], str(tmp_path / 'a' / 'epoch_1.pth'))
    assert resumed.drawn == whole.drawn[2:]
    assert equal(resumed, whole)


def test_seeded_leaves_the_generators_as_they_were():
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    undisturbed = [numbers(), numbers()]
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    first = numbers()
    with seeded(123, 0, 7):
        inside = numbers()
    assert [first, numbers()] == undisturbed
    with seeded(123, 0, 7):
        assert numbers() == inside
    for other in ((123, 1, 7), (123, 0, 8), (124, 0, 7)):
        with seeded(*other):
            assert not set(numbers()) & set(inside)


class Squares(torch.utils.data.Dataset):
    unit = 'px'

    def __len__(self):
        return 5

    def __getitem__(self, index):
        assert type(index) is int
        return index * index, np.random.rand()


def test_the_wrapped_data_set_is_seen_through():
    dataset = SeededDataset(Squares(), 3)
    assert len(dataset) == 5 and dataset.unit == 'px'
    assert dataset[2] == dataset[Draw(2, 0)] != dataset[Draw(2, 1)]
    assert dataset[2][0] == 4


@pytest.mark.parametrize('ranks', [1, 2])
def test_rounds_of_an_endless_sampler_count_as_epochs(monkeypatch, ranks):
    """Five clips: draws 0 to 4 are of round 0, 5 to 9 of round 1, ..."""
    found = {}
    for rank in range(ranks):
        for module in ('mmavs.compat.seeding', 'mmengine.dataset.sampler'):
            name = f'{module}.get_dist_info'
            monkeypatch.setattr(name, lambda rank=rank: (rank, ranks))
        config = dict(type='InfiniteSampler', shuffle=True)
        sampler = SeededSampler(config, Squares(), 1)
        draws = list(itertools.islice(sampler, 10 // ranks))
        found.update({rank + ranks * i: d for i, d in enumerate(draws)})
    order = [found[place] for place in range(10)]
    assert [draw.epoch for draw in order] == [0] * 5 + [1] * 5
    assert sorted(order[:5]) == sorted(order[5:]) == [0, 1, 2, 3, 4]
