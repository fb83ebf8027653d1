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


def test_left_and_right(tmp_path, warned):
    """What each front end hears, from files and from memory."""
    load = TRANSFORMS.build(dict(type='LoadAudio', channels=2))
    levels = torch.tensor([1.0, 2.0, 3.0])[:, None] / 8
    samples = (levels * 32768).short().expand(3, 16000)
    path = tmp_path / 'clip.wav'
    wavfile.write(path, 16000, samples.T.numpy())
    for given in (
        dict(audio_path=str(path)),
        dict(waveform=levels.expand(3, 16000), sample_rate=16000),
    ):
        found = load(dict(given))['waveform']
        assert torch.equal(found, levels[:2].expand(2, 16000))
    mono = dict(waveform=levels[0].expand(16000), sample_rate=16000)
    silence = dict(waveform=torch.zeros(2, 16000), sample_rate=16000)
    load(silence)
    assert not warned
    found = load(dict(mono))['waveform']
    assert torch.equal(found, levels[:1].expand(2, 16000))
    load(dict(mono))
    (message,) = warned
    assert 'the same left and right' in message


def test_front_ends_say_how_many_channels_they_take(tmp_path):
    sound = torch.rand(2, 48000) / 2
    results = dict(waveform=sound, sample_rate=16000, frames=[{}] * 2)
    for kind in ('BEATsFbank', 'AudioSegments'):
        with pytest.raises(ValueError, match='2 channels.*channels=1'):
            TRANSFORMS.build(dict(type=kind))(dict(results))
    front_end = TRANSFORMS.build(
        dict(type='VGGishLogMel', cache_dir=str(tmp_path))
    )
    results.update(audio_key='f' * 40)
    whole = front_end(dict(results))['audio']
    assert whole.shape == (2, 2, 96, 64)
    del results['waveform']  # from the cache
    assert torch.equal(front_end(dict(results))['audio'], whole)


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
