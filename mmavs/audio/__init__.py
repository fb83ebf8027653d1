"""Sound as pure functions: reading, front ends, perturbations."""

from .fbank import beats_fbank
from .log_mel import vggish_log_mel
from .pickled import read_log_mel_pickle
from .resampling import resample, to_channels, to_mono
from .sound_track import (
    SoundTrack,
    decode_sound,
    read_sound,
    read_sound_track,
)
from .wav import decode_wav, read_wav

__all__ = [
    'SoundTrack',
    'beats_fbank',
    'decode_sound',
    'decode_wav',
    'read_log_mel_pickle',
    'read_sound',
    'read_sound_track',
    'read_wav',
    'resample',
    'to_channels',
    'to_mono',
    'vggish_log_mel',
]
