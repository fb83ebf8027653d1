"""From a script to sound: recordings, mixed in a room."""

import functools
from pathlib import Path

import numpy as np
from scipy.signal import fftconvolve, lfilter

from mmavs.audio.wav import read_wav

from ..synthetic.scene import gate_seconds
from ..synthetic.script import ClipScript
from ..synthetic.timbres import SAMPLE_RATE
from .material import Material

BASE_DB = (-25, -19)  # RMS of the mixture's sources, before their own gains
GAIN_DB = (-3, 3)  # of a source: pairs differ by -6 to 6 dB
RATE = (0.95, 1.05)  # played slower or faster: pitch and tempo at once
_NOISE_DB = (-58, -40)
_PAUSE_SECONDS = 0.12  # between repetitions
_FADES = (0.01, 0.08)  # seconds
_REVERB_RATIO = 0.5  # of clips
_STREAM = 2  # of the script's random numbers


@functools.lru_cache(maxsize=256)
def _read(path: Path) -> np.ndarray:
    """Read a prepared recording, of RMS 1, with a pause at its end."""
    wave = read_wav(path)[0].numpy().reshape(-1)
    wave = wave / np.sqrt(np.mean(wave**2))
    return np.pad(wave, (0, int(_PAUSE_SECONDS * SAMPLE_RATE)))


def play(path: Path, rng: np.random.Generator, num_samples: int) -> np.ndarray:
    """Play a recording over and over, from somewhere on, at another rate.

    Returns:
        np.ndarray: (num_samples,) float32, of RMS about 1.
    """
    wave = _read(path)
    start, rate = rng.integers(len(wave)), rng.uniform(*RATE)
    places = start + np.arange(num_samples) * rate
    first = places.astype(np.int64)
    share = (places - first).astype(np.float32)
    before = wave[first % len(wave)]
    after = wave[(first + 1) % len(wave)]
    return before + share * (after - before)


def mix(script: ClipScript, material: Material) -> np.ndarray:
    """Mix what is heard in a clip.

    Args:
        script (ClipScript): Who sounds when.
        material (Material): Recordings by class and split.

    Returns:
        np.ndarray: (S,) float32 in [-1, 1] at 16 kHz, S = 16000 * T.
    """
    rng = script.rng(_STREAM)
    num_samples = script.num_frames * SAMPLE_RATE
    mixed = np.zeros(num_samples, np.float32)
    heard = [
        set(a) | set(b) for a, b in zip(script.sounding, script.off_screen)
    ]
    base = rng.uniform(*BASE_DB)
    for label in sorted(set().union(*heard)):
        files = material.classes[label].sounds[script.split]
        path = material.folder / files[rng.integers(len(files))]
        wave = play(path, rng, num_samples)
        level = 10 ** ((base + rng.uniform(*GAIN_DB)) / 20)
        gate = gate_seconds(
            [label in second for second in heard], rng.uniform(*_FADES)
        )
        mixed += np.float32(level) * gate * wave
    if rng.random() < _REVERB_RATIO:
        mixed = _reverberate(mixed, rng)
    mixed += _noise(rng, num_samples)
    peak = np.abs(mixed).max()
    return mixed * np.float32(min(1, 0.98 / peak))


def _reverberate(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add a short room: noise that dies away within 0.1 to 0.3 s."""
    seconds, wet = rng.uniform(0.1, 0.3), rng.uniform(0.1, 0.4)
    length = int(seconds * SAMPLE_RATE)
    tail = rng.standard_normal(length, dtype=np.float32)
    tail *= np.exp(-6.9 * np.arange(length, dtype=np.float32) / length)
    tail *= np.float32(wet / np.sqrt(np.sum(tail**2)))
    return wave + fftconvolve(wave, tail)[: len(wave)].astype(np.float32)


def _noise(rng: np.random.Generator, num_samples: int) -> np.ndarray:
    """Make the noise of a place: white, with more of the low notes."""
    level = 10 ** (rng.uniform(*_NOISE_DB) / 20)
    white = rng.standard_normal(num_samples, dtype=np.float32)
    pole = np.float32(rng.uniform(0.5, 0.95))
    noise = lfilter([1 - pole], [1, -pole], white).astype(np.float32)
    return noise * np.float32(level / np.sqrt(np.mean(noise**2)))
