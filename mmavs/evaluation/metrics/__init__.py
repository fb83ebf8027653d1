"""Metrics for mmengine's evaluator."""

from .avs_metric import AVSMetric

__all__ = ['AVSMetric']
