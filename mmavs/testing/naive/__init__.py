"""Textbook forms of what mmavs computes otherwise, for tests and benchmarks.

Each is the equation of its paper with every intermediate tensor whole. They
are correct and expensive; nothing but tests and ``tools/analysis_tools/
benchmark.py`` uses them.
"""

from .motion_correlation import naive_neighbour_response

__all__ = ['naive_neighbour_response']
