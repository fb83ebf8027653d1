"""Datasets of mmavs; importing this package registers every component."""

from .avs_dataset import AVSDataset
from .avsbench import (
    AVSBenchMS3Dataset,
    AVSBenchS4Dataset,
    AVSBenchSemanticDataset,
)
from .base import AVSClipDataset
from .transforms import *  # noqa: F401,F403

__all__ = [
    'AVSBenchMS3Dataset',
    'AVSBenchS4Dataset',
    'AVSBenchSemanticDataset',
    'AVSClipDataset',
    'AVSDataset',
]
