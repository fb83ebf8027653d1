"""Sound as pure functions: reading, front ends, perturbations."""

from .fbank import beats_fbank
from .log_mel import vggish_log_mel
from .pickled import read_log_mel_pickle
from .resampling import resample, to_mono
from .wav import decode_wav, read_wav

__all__ = [
    'beats_fbank',
    'decode_wav',
    'read_log_mel_pickle',
    'read_wav',
    'resample',
    'to_mono',
    'vggish_log_mel',
]
