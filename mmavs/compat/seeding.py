"""What is random about a sample depends on the run's seed alone.

Random transforms draw from the global generators, whose state depends on all
that was drawn before, on the number of worker processes, and on whether a run
was resumed. Here they are seeded for each sample by (seed, epoch, index), so
that none of these matters: a resumed run sees what an unbroken one sees.
"""

import random
from contextlib import contextmanager
from typing import Any, Iterator, Optional

import numpy as np
import torch
from mmengine.dist import get_dist_info
from torch.utils.data import Dataset, Sampler

from mmavs.registry import DATA_SAMPLERS, DATASETS


class Draw(int):
    """An index into a data set that knows the epoch of its draw.

    Args:
        index (int): Into the data set.
        epoch (int): Counted from 0. Defaults to 0.
    """

    def __new__(cls, index: int, epoch: int = 0) -> 'Draw':
        draw = super().__new__(cls, index)
        draw.epoch = epoch
        return draw


@contextmanager
def seeded(*entropy: int) -> Iterator[None]:
    """Seed the CPU's generators for a while: random, NumPy's and torch's.

    Args:
        *entropy (int): Each at least 0; equal ones give equal numbers.

    Yields:
        None: Afterwards the generators go on as if nothing had been drawn.
    """
    state = random.getstate()
    numpy_state = np.random.get_state()
    torch_state = torch.get_rng_state()
    try:
        seeds = seeds_of(*entropy)
        random.seed(seeds[0])
        np.random.seed(seeds[1])
        torch.default_generator.manual_seed(seeds[2])
        yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)
        torch.set_rng_state(torch_state)


def seeds_of(*entropy: int) -> list:
    """Give three independent seeds below 2**32, for random, NumPy, torch."""
    return np.random.SeedSequence(entropy).generate_state(3).tolist()


class SeededDataset(Dataset):
    """A data set whose samples depend on (seed, epoch, index) alone.

    Everything else is the wrapped data set's own.

    Args:
        dataset (dict or Dataset): The data set.
        seed (int): Of the run.
    """

    def __init__(self, dataset, seed: int) -> None:
        if isinstance(dataset, dict):
            dataset = DATASETS.build(dataset)
        self.dataset = dataset
        self.seed = seed

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        """Give a sample.

        Args:
            index (int): A :class:`Draw`, or a plain index of epoch 0.
        """
        with seeded(self.seed, getattr(index, 'epoch', 0), int(index)):
            return self.dataset[int(index)]

    def __getattr__(self, name: str) -> Any:
        if name == 'dataset':  # while it is unpickled
            raise AttributeError(name)
        return getattr(self.dataset, name)


class SeededSampler(Sampler):
    """A sampler that says of each index in which epoch it is drawn.

    Of an endless sampler, an epoch is a round through the data set.

    Args:
        sampler (dict): Of the wrapped sampler.
        dataset (Sized): What is drawn from.
        seed (int, optional): Of the order; see the wrapped sampler.
    """

    def __init__(self, sampler: dict, dataset, seed: Optional[int]) -> None:
        self.sampler = DATA_SAMPLERS.build(
            sampler, default_args=dict(dataset=dataset, seed=seed)
        )
        self.size = len(dataset)
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[Draw]:
        rank, ranks = get_dist_info()
        for place, index in enumerate(self.sampler):
            rounds = (place * ranks + rank) // self.size
            yield Draw(index, self.epoch + rounds)

    def set_epoch(self, epoch: int) -> None:
        """Go on with another order, and other random numbers."""
        self.epoch = epoch
        if hasattr(self.sampler, 'set_epoch'):
            self.sampler.set_epoch(epoch)

    def __getattr__(self, name: str) -> Any:
        if name == 'sampler':  # while it is unpickled
            raise AttributeError(name)
        return getattr(self.sampler, name)
