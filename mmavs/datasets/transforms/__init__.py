"""Transforms of clips: frames, sound, packing."""

from .affine import RandomAffine
from .audio import (
    AudioSegments,
    BEATsFbank,
    VGGishLogMel,
)
from .categories import LoadCategoryMap, MergeClasses, PickFrame
from .change_sound import ChangeSound
from .clip_time import CropClip, RollClip
from .color import ClipColorJitter
from .formatting import PackAVSInputs
from .frames import LoadFrame, LoadFrameMask
from .geometry import ResizeShortEdge
from .loading import LoadAudio, LoadReleasedLogMel
from .other_sound import MixAudio, ReplaceAudio
from .waveform import AddNoise, MuteAudio, ShiftAudio
from .wrappers import ForEachFrame

__all__ = [
    'AddNoise',
    'AudioSegments',
    'BEATsFbank',
    'ChangeSound',
    'ClipColorJitter',
    'CropClip',
    'ForEachFrame',
    'LoadAudio',
    'LoadCategoryMap',
    'LoadFrame',
    'LoadFrameMask',
    'LoadReleasedLogMel',
    'MergeClasses',
    'MixAudio',
    'MuteAudio',
    'PackAVSInputs',
    'PickFrame',
    'RandomAffine',
    'ReplaceAudio',
    'ResizeShortEdge',
    'RollClip',
    'ShiftAudio',
    'VGGishLogMel',
]
