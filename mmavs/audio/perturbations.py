"""Changes to a sound: mute, mix, noise, shift.

All functions take and give float waveforms, (S,) or (channels, S), with full
scale at 1, never change their input or its length, and draw from the generator
they are given.
"""

from typing import Optional

import torch
from torch import Tensor

COLORS = ('white', 'pink')
# Level that stands in for a silent sound, which has no level to compare with.
REFERENCE_RMS = 0.1  # -20 dB of full scale


def mute(waveform: Tensor) -> Tensor:
    """Digital silence of the same length.

    Args:
        waveform (Tensor): (..., S).

    Returns:
        Tensor: (..., S) zeros.
    """
    return torch.zeros_like(waveform)


def fit_length(waveform: Tensor, num_samples: int) -> Tensor:
    """Repeat or cut a sound.

    Args:
        waveform (Tensor): (..., S), S > 0.
        num_samples (int): Wanted length.

    Returns:
        Tensor: (..., num_samples).
    """
    times = -(-num_samples // waveform.shape[-1])
    parts = [waveform] * times
    return torch.cat(parts, dim=-1)[..., :num_samples]


def mix(waveform: Tensor, other: Tensor, snr_db: float) -> Tensor:
    """Add another sound at a signal-to-noise ratio.

    ``other`` is scaled so that 10 log10(P / P_other) = ``snr_db``, P being
    mean squares over the whole sound; if ``waveform`` is silent, P is that of
    -20 dB. A sum that exceeds full scale is turned down as a whole, which
    keeps the ratio.

    Args:
        waveform (Tensor): (..., S) in [-1, 1].
        other (Tensor): (S',), of any length; repeated or cut to S, and added
            to all channels alike.
        snr_db (float): 0: equally loud; 20: ``other`` at a tenth of the
            amplitude; negative: ``other`` is louder.

    Returns:
        Tensor: (..., S) in [-1, 1]; ``waveform`` itself if ``other`` is
        silent.
    """
    other = fit_length(other, waveform.shape[-1]).to(waveform)
    level = _rms(other)
    if level == 0:
        return waveform.clone()
    wanted = (_rms(waveform) or REFERENCE_RMS) * 10 ** (-snr_db / 20)
    return _limit(waveform + other * (wanted / level))


def noise(
    num_samples: int,
    color: str = 'white',
    generator: Optional[torch.Generator] = None,
) -> Tensor:
    """Gaussian noise.

    Args:
        num_samples (int): S.
        color (str): ``'white'``, or ``'pink'`` (power falls by 3 dB per
            octave, as in many natural sounds).
        generator (torch.Generator, optional): For repeatable noise.

    Returns:
        Tensor: (S,) float32, mean square 1 (so *not* in [-1, 1]).

    Raises:
        ValueError: Unknown colour.
    """
    if color not in COLORS:
        raise ValueError(f'color must be one of {COLORS}, got {color!r}')
    samples = torch.randn(num_samples, generator=generator)
    if color == 'pink':
        spectrum = torch.fft.rfft(samples)
        rank = torch.arange(len(spectrum)).clamp(min=1)
        samples = torch.fft.irfft(spectrum / rank.sqrt(), num_samples)
    return samples / _rms(samples)


def add_noise(
    waveform: Tensor,
    snr_db: float,
    color: str = 'white',
    generator: Optional[torch.Generator] = None,
) -> Tensor:
    """Add noise at a signal-to-noise ratio.

    Args:
        waveform (Tensor): (..., S) in [-1, 1].
        snr_db (float): See :func:`mix`.
        color (str): See :func:`noise`.
        generator (torch.Generator, optional): See :func:`noise`.

    Returns:
        Tensor: (..., S) in [-1, 1].

    Raises:
        ValueError: Unknown colour.
    """
    other = noise(waveform.shape[-1], color, generator)
    return mix(waveform, other, snr_db)


def shift(waveform: Tensor, num_samples: int) -> Tensor:
    """Move a sound in time; silence enters.

    Args:
        waveform (Tensor): (..., S).
        num_samples (int): Later by so many samples; earlier if negative.

    Returns:
        Tensor: (..., S).
    """
    size = waveform.shape[-1]
    kept = max(size - abs(num_samples), 0)
    to, source = max(num_samples, 0), max(-num_samples, 0)
    moved = torch.zeros_like(waveform)
    moved[..., to : to + kept] = waveform[..., source : source + kept]
    return moved


def _rms(waveform: Tensor) -> float:
    """Root of the mean square, in float64."""
    return float(waveform.double().square().mean().sqrt())


def _limit(waveform: Tensor) -> Tensor:
    """Turn a sound down to full scale if it exceeds it."""
    peak = float(waveform.abs().max())
    return waveform / peak if peak > 1 else waveform
