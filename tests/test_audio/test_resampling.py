import builtins

import numpy as np
import pytest
import torch

from mmavs.audio import resample, to_mono
from mmavs.audio.resampling import import_torchaudio
from mmavs.testing.golden import load_arrays


def test_to_mono_averages_channels():
    stereo = torch.tensor([[1.0, 0.0, -1.0], [0.0, 0.5, -1.0]])
    assert to_mono(stereo).tolist() == [0.5, 0.25, -1.0]
    assert to_mono(stereo[0]) is not None
    assert to_mono(stereo[0]).tolist() == [1.0, 0.0, -1.0]


def test_to_mono_refuses_samples_first():
    with pytest.raises(ValueError, match='transpose'):
        to_mono(torch.zeros(80000, 2))
    with pytest.raises(ValueError, match='channels, S'):
        to_mono(torch.zeros(1, 2, 3))


def test_as_resampy_within_the_stated_tolerance():
    golden = load_arrays('audio_frontend')
    wave = golden['mono44k1_5s__wave_i16'].astype(np.float32) / 32768
    ours = resample(torch.from_numpy(wave), 44100, 16000).numpy()
    theirs = golden['mono44k1_5s__resampled_f32']
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 4e-5


@pytest.mark.parametrize(
    'rate', [8000, 11025, 22050, 32000, 44100, 44101, 48000, 96000]
)
def test_a_tone_keeps_pitch_and_level_from_any_rate(rate):
    seconds = torch.arange(rate, dtype=torch.float64) / rate
    tone = 0.5 * torch.sin(2 * torch.pi * 440 * seconds)
    ours = resample(tone.float(), rate, 16000).double()
    assert abs(len(ours) - 16000) <= 1
    seconds = torch.arange(len(ours), dtype=torch.float64) / 16000
    expected = 0.5 * torch.sin(2 * torch.pi * 440 * seconds)
    inner = slice(200, -200)  # the ends see the silence around the sound
    assert (ours - expected)[inner].abs().max() < 2e-3


def test_same_rate_is_untouched():
    wave = torch.randn(100)
    assert resample(wave, 16000, 16000) is wave


@pytest.mark.parametrize('rate', [-1, 0, 1, 999, 1_000_001])
def test_rates_must_be_those_of_sound(rate):
    with pytest.raises(ValueError, match=f'rate of {rate} Hz; sound has'):
        resample(torch.zeros(10), rate, 16000)
    with pytest.raises(ValueError, match=f'rate of {rate} Hz; sound has'):
        resample(torch.zeros(10), 16000, rate)


@pytest.mark.parametrize('kind', [ImportError, OSError])
def test_unusable_torchaudio_names_the_fix(monkeypatch, kind):
    real = builtins.__import__

    def broken(name, *args, **kwargs):
        if name.startswith('torchaudio'):
            raise kind('libcudart.so.13: cannot open shared object file')
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', broken)
    with pytest.raises(ImportError, match='libcudart.*Fix: pip install'):
        import_torchaudio()
