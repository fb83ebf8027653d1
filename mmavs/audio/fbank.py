"""The Kaldi filterbank that BEATs was trained on."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .resampling import import_torchaudio, resample, to_mono
from .samples import check_scale

SAMPLE_RATE = 16000  # Hz
WINDOW_LENGTH = 400  # samples, 25 ms
HOP_LENGTH = 160  # samples, 10 ms
NUM_MEL_BINS = 128
MEAN, STD = 15.41663, 6.55582  # over AudioSet, constants of the release
AMPLITUDE = 2**15  # Kaldi counts amplitude in 16-bit steps


def beats_fbank(waveform: Tensor, sample_rate: int) -> Tensor:
    """Normalised filterbank as the released BEATs front end gives it.

    "BEATs: Audio Pre-Training with Acoustic Tokenizers",
    https://arxiv.org/abs/2212.09058, section 4.1; by torchaudio's Kaldi
    filterbank: 16 kHz, 25 ms Povey window, 10 ms hop, whole windows only,
    pre-emphasis 0.97, 128 bands over 20..8000 Hz, log power, amplitude in
    16-bit steps; then (x - 15.41663) / (2 * 6.55582), with the factor 2 of
    the released code. Equal to the released figures to 1e-4.

    Args:
        waveform (Tensor): (S,) or (channels, S) float in [-1, 1].
        sample_rate (int): Of ``waveform``, in Hz.

    Returns:
        Tensor: (frames, 128) float32, frames = 1 + (S - 400) // 160 at
        16 kHz (98 for one second); -2.39 (silence) to about 1.

    Raises:
        ImportError: torchaudio cannot be imported.
        ValueError: The sound is shorter than one window (25 ms), of another
            shape, or its samples are integers or were scaled as integers,
            NaN or infinite.
    """
    check_scale(waveform)
    waveform = resample(to_mono(waveform), sample_rate, SAMPLE_RATE)
    return fbank_of_segments(waveform[None])[0]


def fbank_of_segments(waveform: Tensor) -> Tensor:
    """Filterbank of N pieces of sound at once, on their device.

    Kaldi's windows do not see each other, so all pieces are laid out in one
    long waveform, each starting on a multiple of the hop, and the windows
    that straddle a border are dropped.

    Args:
        waveform (Tensor): (N, S) float at 16 kHz in [-1, 1].

    Returns:
        Tensor: (N, 1 + (S - 400) // 160, 128) float32, normalised.

    Raises:
        ValueError: S is shorter than one window; see also
            :func:`~mmavs.audio.samples.check_scale`.
    """
    check_scale(waveform)
    num_segments, length = waveform.shape
    if length < WINDOW_LENGTH:
        raise ValueError(
            f'sound of {length} samples ({1000 * length / SAMPLE_RATE:.1f} '
            f'ms) is shorter than one analysis window of {WINDOW_LENGTH} '
            'samples (25 ms at 16 kHz)'
        )
    hops = -(-length // HOP_LENGTH)
    frames = 1 + (length - WINDOW_LENGTH) // HOP_LENGTH
    if num_segments == 0:
        return waveform.new_zeros(0, frames, NUM_MEL_BINS)
    # all segments in one row, each padded to whole hops: a single call
    row = F.pad(waveform.float(), (0, hops * HOP_LENGTH - length)).flatten()
    row = F.pad(row, (0, WINDOW_LENGTH))[None] * AMPLITUDE
    kaldi = import_torchaudio().compliance.kaldi
    # Power in 16-bit steps exceeds what half precision can hold.
    with torch.autocast(waveform.device.type, enabled=False):
        fbank = kaldi.fbank(
            row,
            num_mel_bins=NUM_MEL_BINS,
            sample_frequency=SAMPLE_RATE,
            frame_length=1000 * WINDOW_LENGTH / SAMPLE_RATE,
            frame_shift=1000 * HOP_LENGTH / SAMPLE_RATE,
        )
    # (N, hops, 128)
    fbank = fbank[: num_segments * hops].unflatten(0, (num_segments, hops))
    return (fbank[:, :frames] - MEAN) / (2 * STD)
