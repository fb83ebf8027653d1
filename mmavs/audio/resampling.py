"""Channels to mono, and any sample rate to another."""

import functools
from fractions import Fraction

import torch
from torch import Tensor

from .samples import check_rate

# The filter of resampy's "kaiser_best" (0.4): 50 zero crossings at the
# Nyquist rate, i.e. 45.87 of the rolled-off sinc.
_KAISER_BEST = dict(
    lowpass_filter_width=46,
    rolloff=0.917347,
    resampling_method='sinc_interp_kaiser',
    beta=12.9846,
)
_MAX_DENOMINATOR = 1000


def to_mono(waveform: Tensor) -> Tensor:
    """Average the channels.

    Args:
        waveform (Tensor): (S,) or (channels, S).

    Returns:
        Tensor: (S,).

    Raises:
        ValueError: Another number of dimensions, or samples-first layout.
    """
    if waveform.ndim == 1:
        return waveform
    if waveform.ndim != 2:
        raise ValueError(
            f'a waveform is (S,) or (channels, S), got {tuple(waveform.shape)}'
        )
    if waveform.shape[0] > 64 >= waveform.shape[1]:
        raise ValueError(
            f'a waveform is (channels, S); {tuple(waveform.shape)} looks '
            'like (S, channels). Fix: transpose it.'
        )
    return waveform.mean(dim=0)


def to_channels(waveform: Tensor, channels: int) -> Tensor:
    """Mix or choose channels.

    Args:
        waveform (Tensor): (S,) or (channels, S).
        channels (int): 1 averages all; 2 keeps the first two, and takes a
            mono sound for both.

    Returns:
        Tensor: (S,) of one channel, (2, S) of two.

    Raises:
        ValueError: See :func:`to_mono`.
    """
    mono = to_mono(waveform)
    if channels == 1:
        return mono
    if waveform.ndim == 1 or len(waveform) == 1:
        waveform = mono[None]
    return waveform[:2].expand(2, -1)


def resample(waveform: Tensor, sample_rate: int, new_rate: int) -> Tensor:
    """Change the sample rate, band-limited.

    The filter is resampy's ``kaiser_best``, which the released VGGish front
    end resamples with. Measured on 5 s of 44.1 kHz noise and tones: samples
    differ from resampy 0.4.3 by at most 4e-5 (full scale 1), log-mel values
    by at most 2e-3 (mean 6e-5).

    Args:
        waveform (Tensor): (..., S) float, full scale at 1.
        sample_rate (int): Rate of ``waveform`` in Hz.
        new_rate (int): Wanted rate in Hz.

    Returns:
        Tensor: (..., ceil(S * new_rate / sample_rate)) of the same dtype.

    Raises:
        ImportError: torchaudio cannot be imported.
        ValueError: A rate is none of sound, see
            :func:`~mmavs.audio.samples.check_rate`.
    """
    for rate in (sample_rate, new_rate):
        check_rate(rate, 'the waveform')
    if sample_rate == new_rate:
        return waveform
    # Rates without a small common ratio (44101 : 16000) would need a filter
    # of billions of taps. The nearest ratio of small numbers is less than
    # 1e-6 off: 10 microseconds over ten seconds.
    ratio = Fraction(sample_rate, new_rate).limit_denominator(_MAX_DENOMINATOR)
    resampler = _resampler(ratio, waveform.dtype, waveform.device)
    return resampler(waveform)


@functools.lru_cache(maxsize=8)
def _resampler(
    ratio: Fraction, dtype: torch.dtype, device: torch.device
) -> torch.nn.Module:
    """The filter of a ratio; to compute it takes longer than to apply it."""
    transforms = import_torchaudio().transforms
    resampler = transforms.Resample(
        ratio.numerator,
        ratio.denominator,
        **_KAISER_BEST,
        # None: computed in float64 and rounded, for float32 waveforms.
        dtype=None if dtype == torch.float32 else dtype,
    )
    return resampler.to(device)


def import_torchaudio():
    """Import torchaudio with its submodules, or say what to do.

    Raises:
        ImportError: It is absent, or built for another PyTorch.
    """
    try:
        import torchaudio
        import torchaudio.compliance.kaldi
        import torchaudio.transforms
    except (ImportError, OSError) as error:
        raise ImportError(
            'torchaudio, which resamples sound and computes BEATs '
            f'filterbanks, cannot be imported ({error}). Fix: pip install '
            'torchaudio of the release that goes with the installed torch '
            '(same version number, same index).'
        ) from error
    return torchaudio
