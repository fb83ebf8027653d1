"""Formulas of audio-visual segmentation scores, for NumPy or PyTorch."""

from .binary import binary_sums, f_measure_curve, jaccard

__all__ = ['binary_sums', 'f_measure_curve', 'jaccard']
