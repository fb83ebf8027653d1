"""The log-mel spectrogram that VGGish was trained on."""

import functools
import math

import torch
from torch import Tensor

from .resampling import resample, to_mono
from .samples import check_scale

SAMPLE_RATE = 16000  # Hz
WINDOW_LENGTH = 400  # samples, 25 ms
HOP_LENGTH = 160  # samples, 10 ms
FFT_LENGTH = 512
NUM_MEL_BINS = 64
MIN_HZ, MAX_HZ = 125.0, 7500.0
LOG_OFFSET = 0.01
EXAMPLE_FRAMES = 96  # spectra in one example
EXAMPLE_HOP = EXAMPLE_FRAMES * HOP_LENGTH  # 15360 samples, 0.96 s
EXAMPLE_LENGTH = EXAMPLE_HOP - HOP_LENGTH + WINDOW_LENGTH  # 15600, 0.975 s


def vggish_log_mel(waveform: Tensor, sample_rate: int) -> Tensor:
    """Log-mel examples as the released VGGish front end gives them.

    "CNN Architectures for Large-Scale Audio Classification",
    https://arxiv.org/abs/1609.09430, section 3.1; constants of the released
    AudioSet code: 16 kHz, 25 ms periodic Hann window, 10 ms hop, no centre
    padding, magnitude of a 512-point FFT, 64 HTK mel bands over
    125..7500 Hz, ln(x + 0.01). Example i covers seconds 0.96 i to
    0.96 i + 0.975; what remains at the end is dropped, so 5 s give 5
    examples and 4.8 s give 4.

    Inside, float64 as in the released code: equal to it to 1e-5 at 16 kHz,
    to 2e-3 where the sound is resampled (see
    :func:`~mmavs.audio.resample`).

    Args:
        waveform (Tensor): (S,) or (channels, S) float in [-1, 1].
        sample_rate (int): Of ``waveform``, in Hz.

    Returns:
        Tensor: (n, 1, 96, 64) float32; about -4.605 (silence) to 4. n is 0
        for sound shorter than 15600 samples at 16 kHz.

    Raises:
        ValueError: Samples are integers or were scaled as integers, are NaN
            or infinite, or of another shape.
    """
    check_scale(waveform)
    waveform = resample(to_mono(waveform), sample_rate, SAMPLE_RATE)
    if waveform.shape[-1] < EXAMPLE_LENGTH:
        return waveform.new_zeros(
            0, 1, EXAMPLE_FRAMES, NUM_MEL_BINS, dtype=torch.float32
        )
    examples = waveform.unfold(-1, EXAMPLE_LENGTH, EXAMPLE_HOP)
    return log_mel(examples.double()).float().unsqueeze(1)


def log_mel(waveform: Tensor) -> Tensor:
    """Log-mel spectra of many pieces of sound at once, on their device.

    Args:
        waveform (Tensor): (..., S) float at 16 kHz in [-1, 1].

    Returns:
        Tensor: (..., 1 + (S - 400) // 160, 64) of the same dtype.

    Raises:
        ValueError: See :func:`~mmavs.audio.samples.check_scale`.
    """
    check_scale(waveform)
    # (..., frames, WINDOW_LENGTH)
    frames = waveform.unfold(-1, WINDOW_LENGTH, HOP_LENGTH)
    if len(waveform) == 0:  # some FFTs do not take a batch of nothing
        return frames.new_zeros(*frames.shape[:-1], NUM_MEL_BINS)
    window = torch.hann_window(
        WINDOW_LENGTH, dtype=waveform.dtype, device=waveform.device
    )
    # Half precision would cost the quiet bands their digits.
    with torch.autocast(waveform.device.type, enabled=False):
        magnitude = torch.fft.rfft(frames * window, FFT_LENGTH).abs()
        bands = magnitude @ mel_matrix().to(magnitude)  # (..., frames, 64)
        return torch.log(bands + LOG_OFFSET)


@functools.lru_cache(maxsize=1)
def mel_matrix() -> Tensor:
    """Triangular HTK mel bands.

    Triangles are linear in mel (not in Hz), of height 1 and without area
    normalisation; the DC row is zero.

    Returns:
        Tensor: (257, 64) float64, spectrum bin to band.
    """
    bins = FFT_LENGTH // 2 + 1
    hertz = torch.linspace(0, SAMPLE_RATE / 2, bins, dtype=torch.float64)
    mels = 1127.0 * torch.log1p(hertz / 700.0)
    edges = torch.linspace(
        1127.0 * math.log1p(MIN_HZ / 700.0),
        1127.0 * math.log1p(MAX_HZ / 700.0),
        NUM_MEL_BINS + 2,
        dtype=torch.float64,
    )
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (mels[:, None] - low) / (centre - low)
    falling = (high - mels[:, None]) / (high - centre)
    matrix = torch.minimum(rising, falling).clamp(min=0)  # (bins, 64)
    matrix[0] = 0
    return matrix
