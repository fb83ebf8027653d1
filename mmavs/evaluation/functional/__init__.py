"""Formulas of audio-visual segmentation scores, for NumPy or PyTorch."""

from .binary import binary_sums, f_measure_curve, jaccard
from .clips import evaluate_binary, evaluate_semantic
from .protocols import binary_scores, class_scores, semantic_scores
from .semantic import confusion_counts, semantic_sums

__all__ = [
    'binary_scores',
    'binary_sums',
    'class_scores',
    'confusion_counts',
    'evaluate_binary',
    'evaluate_semantic',
    'f_measure_curve',
    'jaccard',
    'semantic_scores',
    'semantic_sums',
]
