"""Transforms of clips: frames, sound, packing."""

from .audio import LoadReleasedLogMel, VGGishLogMel
from .loading import LoadAudio

__all__ = [
    'LoadAudio',
    'LoadReleasedLogMel',
    'VGGishLogMel',
]
