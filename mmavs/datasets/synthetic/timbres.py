"""What the synthetic objects sound like.

Every timbre is a function ``(rng, t) -> waveform`` over times t (S,) in
seconds. All of an instance's parameters come from ``rng``. Each timbre is
heard in every second of its waveform, so that one second tells the class.
"""

from typing import Callable, Dict

import numpy as np
from scipy.signal import butter, sosfilt

SAMPLE_RATE = 16000
Timbre = Callable[[np.random.Generator, np.ndarray], np.ndarray]


def _phase(frequency: np.ndarray) -> np.ndarray:
    """Integrate a frequency (S,) in Hz to radians."""
    return 2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE


def _band(
    noise: np.ndarray, low_hz: float, high_hz: float, order: int = 4
) -> np.ndarray:
    """Band-pass a waveform."""
    sos = butter(
        order, [low_hz, high_hz], 'bandpass', fs=SAMPLE_RATE, output='sos'
    )
    return sosfilt(sos, noise)


def _strikes(rng, t: np.ndarray, rate_hz: float) -> np.ndarray:
    """Seconds since the last of regular events, (S,)."""
    return (t + rng.uniform(0, 1 / rate_hz)) % (1 / rate_hz)


def _noise(rng, t: np.ndarray) -> np.ndarray:
    return rng.standard_normal(t.size, dtype=np.float32)


def harmonics(rng, t):
    """Steady stack of eight harmonics with vibrato, 200-340 Hz."""
    base = rng.uniform(200, 340)
    vibrato = 1 + 0.008 * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * t)
    phase = _phase(base * vibrato)
    weights = 0.75 ** np.arange(8) * rng.uniform(0.6, 1.0, 8)
    return sum(w * np.sin((k + 1) * phase) for k, w in enumerate(weights))


def bell(rng, t):
    """Frequency-modulated strikes that ring out, 700-1200 Hz."""
    rate = rng.uniform(2.2, 3.5)
    since = _strikes(rng, t, rate)
    carrier = rng.uniform(700, 1200)
    index = 2.2 * np.exp(-6 * since)
    ring = np.sin(
        2 * np.pi * carrier * since
        + index * np.sin(2 * np.pi * carrier * 1.41 * since)
    )
    return ring * np.exp(-rng.uniform(4, 7) * since)


def siren(rng, t):
    """Tone that wails between about 600 and 1500 Hz, 1-2 times per second."""
    low, high = rng.uniform(550, 700), rng.uniform(1250, 1600)
    wail = 0.5 + 0.5 * np.sin(
        2 * np.pi * rng.uniform(1.0, 2.0) * t + rng.uniform(0, 6)
    )
    phase = _phase(low + (high - low) * wail)
    return np.sin(phase) + 0.3 * np.sin(2 * phase)


def chirps(rng, t):
    """Short rising chirps, 2.2-5 kHz, 4-7 per second."""
    rate = rng.uniform(4, 7)
    since = _strikes(rng, t, rate)
    length = rng.uniform(0.08, 0.12)
    low, span = rng.uniform(2200, 2800), rng.uniform(1500, 2200)
    part = np.minimum(since / length, 1)
    phase = 2 * np.pi * (low * since + 0.5 * span * since * part)
    return np.sin(phase) * np.sin(np.pi * part)


def bursts(rng, t):
    """Bursts of 3-6 kHz noise, 2.5-4 per second."""
    since = _strikes(rng, t, rng.uniform(2.5, 4))
    low = rng.uniform(2800, 3400)
    noise = _band(_noise(rng, t), low, low + rng.uniform(2300, 3000))
    return noise * np.exp(-rng.uniform(9, 14) * since)


def clicks(rng, t):
    """Clicks of a few milliseconds over the whole band, 14-24 per second."""
    since = _strikes(rng, t, rng.uniform(14, 24))
    return _noise(rng, t) * np.exp(-since / rng.uniform(0.0015, 0.003))


def vowel(rng, t):
    """Voice-like: three formants over a pulse train, in syllables."""
    base = rng.uniform(300, 420)
    glide = 1 + 0.06 * np.sin(2 * np.pi * rng.uniform(1, 2) * t)
    phase = _phase(base * glide)
    pulses = sum(np.sin(k * phase) / k for k in range(1, 9))
    sets = ((850, 1600, 2800), (450, 2200, 3000), (400, 950, 2600))
    formants = sets[rng.integers(3)]
    voice = sum(_band(pulses, 0.85 * f, 1.15 * f, 2) for f in formants)
    syllables = np.sin(np.pi * rng.uniform(3, 4.5) * t + rng.uniform(0, 3))
    return voice * (0.15 + syllables**2)


def buzz(rng, t):
    """Low-passed sawtooth of 50-85 Hz."""
    phase = rng.uniform(50, 85) * t + 0.02 * np.sin(2 * np.pi * 7 * t)
    return _band(2 * (phase % 1) - 1, 30, rng.uniform(450, 700), 1)


def tremolo(rng, t):
    """Tone of 1.8-2.7 kHz whose level shakes 8-12 times per second."""
    tone = np.sin(2 * np.pi * rng.uniform(1800, 2700) * t)
    shake = 0.55 + 0.45 * np.sin(2 * np.pi * rng.uniform(8, 12) * t)
    return tone * shake


def rumble(rng, t):
    """Steady 150-500 Hz noise, chopped 9-13 times per second."""
    noise = _band(_noise(rng, t), rng.uniform(130, 180), rng.uniform(420, 560))
    return noise * (1 + 0.7 * np.sin(2 * np.pi * rng.uniform(9, 13) * t))


TIMBRES: Dict[str, Timbre] = {
    function.__name__: function
    for function in (
        harmonics,
        bell,
        siren,
        chirps,
        bursts,
        clicks,
        vowel,
        buzz,
        tremolo,
        rumble,
    )
}


def play(timbre: str, rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Make an instance of a timbre.

    Args:
        timbre (str): A key of ``TIMBRES``.
        rng (np.random.Generator): Source of its parameters.
        seconds (float): Duration.

    Returns:
        np.ndarray: (S,) float32 at 16 kHz, of RMS 1.
    """
    t = np.arange(int(round(seconds * SAMPLE_RATE))) / SAMPLE_RATE
    wave = TIMBRES[timbre](rng, t)
    return (wave / np.sqrt(np.mean(wave**2))).astype(np.float32)
