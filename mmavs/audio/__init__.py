"""Sound as pure functions: reading, front ends, perturbations."""

from typing import TYPE_CHECKING

from mmavs.lazy_names import lazy_names

if TYPE_CHECKING:
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

# what an exported model needs is there without torch
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        'fbank': ['beats_fbank'],
        'log_mel': ['vggish_log_mel'],
        'pickled': ['read_log_mel_pickle'],
        'resampling': ['resample', 'to_channels', 'to_mono'],
        'sound_track': [
            *('SoundTrack', 'decode_sound'),
            *('read_sound', 'read_sound_track'),
        ],
        'wav': ['decode_wav', 'read_wav'],
    },
)
