"""Scores of audio-visual segmentation."""

from .functional import f_measure_curve, jaccard
from .metrics import AVSMetric

__all__ = ['AVSMetric', 'f_measure_curve', 'jaccard']
