"""Data that travels between the parts of mmavs."""

from .clip_data_sample import (
    DEFAULT_THRESHOLD,
    AVSDataSample,
    FramePixelData,
)
from .features import AVFeatures, AVHeadOutput, mean_token
from .labeled_frames import LabeledFrames

__all__ = [
    'AVFeatures',
    'AVHeadOutput',
    'AVSDataSample',
    'DEFAULT_THRESHOLD',
    'FramePixelData',
    'LabeledFrames',
    'mean_token',
]
