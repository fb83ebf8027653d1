import numpy as np
import pytest
import torch
from scipy.io import wavfile

from mmavs.registry import TRANSFORMS


@pytest.fixture
def load():
    return TRANSFORMS.build(dict(type='LoadAudio'))


@pytest.mark.parametrize('channels', [1, 2, 6])
@pytest.mark.parametrize('rate', [8000, 16000, 44100, 48000, 96000])
def test_any_rate_and_channel_count(tmp_path, load, rate, channels):
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    # Channel c at level c + 1; the mean is that of the levels.
    samples = tone[:, None] * (np.arange(channels) + 1) * 4000
    path = tmp_path / 'clip.wav'
    wavfile.write(path, rate, samples.astype(np.int16))
    results = load(dict(audio_path=str(path)))
    waveform = results['waveform']
    assert results['sample_rate'] == 16000
    assert waveform.shape == (16000,) and waveform.dtype == torch.float32
    level = 4000 * (channels + 1) / 2 / 32768
    expected = level * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    inner = slice(200, -200)
    worst = np.abs(waveform.numpy() - expected)[inner].max()
    assert worst < 1e-3


def test_sound_from_memory(load):
    stereo = np.stack([np.ones(8000), np.zeros(8000)]).astype(np.float32)
    results = load(dict(waveform=stereo, sample_rate=16000))
    assert results['waveform'].shape == (8000,)
    assert torch.equal(results['waveform'], torch.full((8000,), 0.5))
    assert 'audio_key' not in results


def test_the_key_follows_content_not_name(tmp_path, load):
    keys = []
    for name, value in (('a', 1), ('b', 1), ('c', 2)):
        path = tmp_path / f'{name}.wav'
        wavfile.write(path, 16000, np.full(100, value, np.int16))
        keys.append(load(dict(audio_path=str(path)))['audio_key'])
    assert keys[0] == keys[1] != keys[2]


def test_errors_name_the_file(tmp_path, load):
    path = tmp_path / 'clip.wav'
    with pytest.raises(FileNotFoundError, match='clip.wav.*Fix'):
        load(dict(audio_path=str(path)))
    path.write_bytes(b'')
    with pytest.raises(ValueError, match='clip.wav is empty'):
        load(dict(audio_path=str(path)))
    with pytest.raises(ValueError, match='NaN'):
        load(dict(waveform=torch.full((9,), torch.nan), sample_rate=16000))
