"""Textbook forms of what mmavs computes otherwise, for tests and benchmarks.

Each is the equation of its paper with every intermediate tensor whole. They
are correct and expensive; nothing but tests and ``tools/analysis_tools/
benchmark.py`` uses them.
"""

from .motion_correlation import (
    NaiveMotionCorrelation,
    naive_neighbour_response,
)
from .substitute import naive_copy
from .tpavi import NaiveTPAVIBlock

__all__ = [
    'NaiveMotionCorrelation',
    'NaiveTPAVIBlock',
    'naive_copy',
    'naive_neighbour_response',
]
