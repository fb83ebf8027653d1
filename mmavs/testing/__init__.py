"""Helpers for tests, of this project and of plug-ins."""

from .gradients import check_gradients
from .labels import labels_of
from .ranks import on_ranks
from .trees import tiny_avsbench, tiny_copy
from .waking import wake

__all__ = [
    'check_gradients',
    'labels_of',
    'on_ranks',
    'tiny_avsbench',
    'tiny_copy',
    'wake',
]
