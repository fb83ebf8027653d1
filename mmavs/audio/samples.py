"""What samples must be to count as sound: floats with full scale at 1."""

import math
from typing import TYPE_CHECKING, Union

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Samples = Union[np.ndarray, 'Tensor']
MAX_PEAK = 16.0  # float samples above this were scaled as integers
RATES = range(1_000, 1_000_001)  # Hz; others are damaged headers
FIX = (
    'Fix: extract the sound again, e.g. '
    '"ffmpeg -i clip.mp4 -c:a pcm_s16le clip.wav".'
)
_TO_FLOAT = {
    'uint8': '(waveform.float() - 128) / 128',
    'int32': 'waveform.double() / 2147483648',
}


def check_samples(waveform: Samples, name: str) -> None:
    """Refuse samples that are not sound.

    Args:
        waveform (ndarray or Tensor): (..., S) float, full scale at 1.
        name (str): What errors call it.

    Raises:
        ValueError: Samples are integers or were scaled as integers, are NaN
            or infinite, or there are none.
    """
    _check_dtype(waveform, name)
    if 0 in waveform.shape:
        raise no_samples(name)
    # One pass over the samples: NaN and infinity both end up in the peak.
    peak = float(abs(waveform).max())
    if not math.isfinite(peak):
        # both less themselves are NaN
        count = int((waveform - waveform != 0).sum())
        raise ValueError(
            f'{name} holds {count} samples that are NaN or infinite. {FIX}'
        )
    if peak > MAX_PEAK:
        raise ValueError(
            f'{name} holds float samples up to {peak:.6g}; full scale is 1. '
            'Fix: divide by 32768, or by the full scale of the integers '
            'they were made from.'
        )


def check_scale(waveform: 'Tensor') -> None:
    """Check what enters a front end; there, no sound at all is not an error.

    On a GPU only the dtype, which is known without waiting for the device:
    what the data pipeline loads was checked before.

    Args:
        waveform (Tensor): (..., S) float, full scale at 1.

    Raises:
        ValueError: As :func:`check_samples`.
    """
    if waveform.numel() and waveform.device.type == 'cpu':
        check_samples(waveform, 'the waveform')
    else:
        _check_dtype(waveform, 'the waveform')


def check_rate(sample_rate: int, name: str) -> None:
    """Refuse what is not a sample rate of sound.

    Args:
        sample_rate (int): In Hz.
        name (str): What errors call the sound.

    Raises:
        ValueError: It is outside ``RATES``.
    """
    if sample_rate not in RATES:
        raise ValueError(
            f'{name} states a sample rate of {sample_rate} Hz; sound has '
            f'{RATES[0]} to {RATES[-1]} Hz. {FIX}'
        )


def no_samples(name: str) -> ValueError:
    """Make the error of a sound of zero length."""
    return ValueError(f'{name} holds no samples (zero length). {FIX}')


def _check_dtype(waveform: Samples, name: str) -> None:
    dtype = str(waveform.dtype).removeprefix('torch.')
    if 'float' not in dtype:
        to_float = _TO_FLOAT.get(dtype, 'waveform.float() / 32768')
        raise ValueError(
            f'{name} holds {dtype} samples, but full scale is 1. Fix: '
            f'{to_float}.'
        )
