"""Transforms of clips: frames, sound, packing."""

from .audio import LoadReleasedLogMel, VGGishLogMel
from .formatting import PackAVSInputs
from .frames import LoadFrame, LoadFrameMask
from .loading import LoadAudio
from .wrappers import ForEachFrame

__all__ = [
    'ForEachFrame',
    'LoadAudio',
    'LoadFrame',
    'LoadFrameMask',
    'LoadReleasedLogMel',
    'PackAVSInputs',
    'VGGishLogMel',
]
