"""Datasets of mmavs; importing this package registers every component."""

from .avs_dataset import AVSDataset
from .avsbench import (
    AVSBenchMS3Dataset,
    AVSBenchS4Dataset,
    AVSBenchSemanticDataset,
)
from .base import AVSClipDataset
from .s4_categories import AVSS_TO_S4, S4_CATEGORIES
from .single_frames import SingleFrames
from .transforms import *  # noqa: F401,F403

__all__ = [
    'AVSS_TO_S4',
    'AVSBenchMS3Dataset',
    'AVSBenchS4Dataset',
    'AVSBenchSemanticDataset',
    'AVSClipDataset',
    'AVSDataset',
    'S4_CATEGORIES',
    'SingleFrames',
]
