"""Scores of audio-visual segmentation.

Numbers from arrays, NumPy or PyTorch, without a model or a data set:

>>> from mmavs.evaluation import evaluate_binary, f_measure_curve, jaccard
>>> jaccard(logits, target)             # (N, H, W) twice -> (N,)
>>> f_measure_curve(logits, target)     # -> (N, 255)
>>> evaluate_binary(zip(predictions, targets), clips_per_batch=4)
{'mIoU': ..., 'mFscore': ...}

and the metrics of a config, :class:`AVSMetric` and :class:`AVSSMetric`.
``docs/en/metrics.md`` gives formulas and protocols.
"""

from .functional import (
    confusion_counts,
    evaluate_binary,
    evaluate_semantic,
    f_measure_curve,
    jaccard,
)
from .metrics import AVSMetric, AVSSMetric

__all__ = [
    'AVSMetric',
    'AVSSMetric',
    'confusion_counts',
    'evaluate_binary',
    'evaluate_semantic',
    'f_measure_curve',
    'jaccard',
]
