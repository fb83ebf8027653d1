"""Metrics for mmengine's evaluator."""

from .avs_metric import AVSMetric
from .avss_metric import AVSSMetric
from .dump_clips import DumpClips

__all__ = ['AVSMetric', 'AVSSMetric', 'DumpClips']
