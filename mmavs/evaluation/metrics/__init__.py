"""Metrics for mmengine's evaluator."""

from .avs_metric import AVSMetric
from .avss_metric import AVSSMetric

__all__ = ['AVSMetric', 'AVSSMetric']
