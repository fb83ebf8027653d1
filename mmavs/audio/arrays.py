"""Resampling and the log-mel of VGGish on arrays; torch is not needed.

The figures are those of :mod:`mmavs.audio.resampling` and
:mod:`mmavs.audio.log_mel` to 1e-5.
"""

import functools
from fractions import Fraction

import numpy as np

from .samples import check_rate

SAMPLE_RATE = 16000  # Hz
WINDOW_LENGTH, HOP_LENGTH, FFT_LENGTH = 400, 160, 512
EXAMPLE_FRAMES, NUM_MEL_BINS = 96, 64
EXAMPLE_LENGTH = (EXAMPLE_FRAMES - 1) * HOP_LENGTH + WINDOW_LENGTH  # 15600
MIN_HZ, MAX_HZ = 125.0, 7500.0
LOG_OFFSET = 0.01
# resampy's "kaiser_best"
_ZEROS, _ROLLOFF, _BETA = 46, 0.917347, 12.9846
_MAX_DENOMINATOR = 1000


def log_mel(waveform: np.ndarray) -> np.ndarray:
    """As :func:`mmavs.audio.log_mel.log_mel`, in float64.

    Args:
        waveform (ndarray): (..., S) float at 16 kHz in [-1, 1], S >= 400.

    Returns:
        ndarray: (..., 1 + (S - 400) // 160, 64) float32.
    """
    frames = np.lib.stride_tricks.sliding_window_view(
        waveform.astype(np.float64), WINDOW_LENGTH, axis=-1
    )[..., ::HOP_LENGTH, :]
    turns = np.arange(WINDOW_LENGTH) / WINDOW_LENGTH
    window = 0.5 - 0.5 * np.cos(2 * np.pi * turns)  # periodic Hann
    magnitude = np.abs(np.fft.rfft(frames * window, FFT_LENGTH))
    bands = magnitude @ mel_matrix()
    return np.log(bands + LOG_OFFSET).astype(np.float32)


@functools.lru_cache(maxsize=1)
def mel_matrix() -> np.ndarray:
    """As :func:`mmavs.audio.log_mel.mel_matrix`, (257, 64) float64."""
    hertz = np.linspace(0, SAMPLE_RATE / 2, FFT_LENGTH // 2 + 1)
    mels = 1127.0 * np.log1p(hertz / 700.0)
    ends = 1127.0 * np.log1p(np.array([MIN_HZ, MAX_HZ]) / 700.0)
    edges = np.linspace(*ends, NUM_MEL_BINS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (mels[:, None] - low) / (centre - low)
    falling = (high - mels[:, None]) / (high - centre)
    matrix = np.minimum(rising, falling).clip(min=0)
    matrix[0] = 0
    return matrix


def cut_examples(
    waveform: np.ndarray, num_frames: int, hop: int
) -> np.ndarray:
    """Give every frame its piece of sound.

    Args:
        waveform (ndarray): (..., S) at 16 kHz, S of ``num_frames`` seconds.
        num_frames (int): T.
        hop (int): Samples from one piece's start to the next.

    Returns:
        ndarray: (T, ..., 15600); the last piece stands for one that is
        missing, as a hop of more than 15360 samples may leave it.

    Raises:
        ValueError: More than one piece is missing.
    """
    count = 1 + (waveform.shape[-1] - EXAMPLE_LENGTH) // hop
    if count < num_frames - 1 or waveform.shape[-1] < EXAMPLE_LENGTH:
        raise ValueError(
            f'{waveform.shape[-1]} samples of sound are too few for '
            f'{num_frames} frames'
        )
    starts = hop * np.minimum(np.arange(num_frames), count - 1)
    pieces = [waveform[..., s : s + EXAMPLE_LENGTH] for s in starts]
    return np.stack(pieces)


def resample(
    waveform: np.ndarray, sample_rate: int, new_rate: int
) -> np.ndarray:
    """As :func:`mmavs.audio.resample`, of float32.

    Args:
        waveform (ndarray): (..., S) float32, full scale at 1.
        sample_rate (int): Rate of ``waveform`` in Hz.
        new_rate (int): Wanted rate in Hz.

    Returns:
        ndarray: (..., ceil(S * new_rate / sample_rate)) float32.

    Raises:
        ValueError: A rate is none of sound.
    """
    for rate in (sample_rate, new_rate):
        check_rate(rate, 'the waveform')
    if sample_rate == new_rate:
        return waveform
    ratio = Fraction(sample_rate, new_rate).limit_denominator(_MAX_DENOMINATOR)
    old, new = ratio.numerator, ratio.denominator
    filters = _filters(old, new)  # (new, taps)
    width = (filters.shape[1] - old) // 2
    length = waveform.shape[-1]
    edges = [(0, 0)] * (waveform.ndim - 1) + [(width, width + old)]
    padded = np.pad(waveform.astype(np.float32), edges)
    pieces = np.lib.stride_tricks.sliding_window_view(
        padded, filters.shape[1], axis=-1
    )[..., ::old, :]
    found = (pieces @ filters.T).reshape(*waveform.shape[:-1], -1)
    return found[..., : -(-length * new // old)]


@functools.lru_cache(maxsize=8)
def _filters(old: int, new: int) -> np.ndarray:
    """A windowed sinc for each of ``new`` phases, (new, taps) float32."""
    cutoff = min(old, new) * _ROLLOFF
    width = int(np.ceil(_ZEROS * old / cutoff))
    places = np.arange(-width, width + old) / old
    # float32, as torchaudio's, so that the filters are the same
    phases = np.arange(new, dtype=np.float32) / np.float32(new)
    times = places - phases[:, None].astype(np.float64)
    times = (times * cutoff).clip(-_ZEROS, _ZEROS)
    window = np.i0(_BETA * np.sqrt(1 - (times / _ZEROS) ** 2)) / np.i0(_BETA)
    return (np.sinc(times) * window * cutoff / old).astype(np.float32)
