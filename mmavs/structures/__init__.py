"""Data that travels between the parts of mmavs."""

from .clip_data_sample import (
    DEFAULT_THRESHOLD,
    AVSDataSample,
    FramePixelData,
)
from .features import AVFeatures, AVHeadOutput

__all__ = [
    'AVFeatures',
    'AVHeadOutput',
    'AVSDataSample',
    'DEFAULT_THRESHOLD',
    'FramePixelData',
]
