"""Metrics for mmengine's evaluator."""

from .audio_sensitivity_metric import AudioSensitivityMetric
from .avs_metric import AVSMetric
from .avss_metric import AVSSMetric
from .dump_clips import DumpClips
from .instance_writer import InstanceWriter

__all__ = [
    'AVSMetric',
    'AVSSMetric',
    'AudioSensitivityMetric',
    'DumpClips',
    'InstanceWriter',
]
