import numpy as np
import pytest
import torch
from scipy.io import wavfile

from mmavs.registry import TRANSFORMS


def build(kind, **settings):
    return TRANSFORMS.build(dict(type=kind, **settings))


def clip(name='one', path='sounds/dog/one.wav') -> dict:
    wave = torch.linspace(-0.2, 0.2, 1600)
    return dict(
        waveform=wave,
        sample_rate=16000,
        audio_key='k',
        audio_path=path,
        clip_id=name,
    )


@pytest.fixture
def sounds(tmp_path):
    """Two folders (categories) of constant sounds of levels 1, 2, 3."""
    for level, name in enumerate(('dog/one', 'dog/two', 'cat/three'), 1):
        path = tmp_path / f'{name}.wav'
        path.parent.mkdir(exist_ok=True)
        wavfile.write(path, 16000, np.full(1000, level * 1000, np.int16))
    return tmp_path


def test_replace_takes_another_clip(sounds):
    path = str(sounds / 'dog/one.wav')
    replace = build('ReplaceAudio', sounds=str(sounds))
    levels = set()
    for _ in range(40):
        results = replace(clip(path=path))
        assert results['waveform'].shape == (1600,)
        levels.add(round(float(results['waveform'].max()) * 32768))
    assert levels == {2000, 3000}
    assert results['other_audio_path'].endswith('.wav')


def test_replace_from_other_folders_only(sounds):
    path = str(sounds / 'dog/one.wav')
    replace = build('ReplaceAudio', sounds=str(sounds), other_folder=True)
    results = replace(clip(path=path))
    assert torch.equal(results['waveform'], torch.full((1600,), 3000 / 32768))


def test_mix_at_a_ratio(sounds):
    files = [str(sounds / 'cat/three.wav')]
    mix = build('MixAudio', sounds=files, snr_db=6.0)
    before = clip()['waveform']
    added = mix(clip())['waveform'] - before
    ratio = before.square().mean() / added.square().mean()
    assert abs(10 * float(ratio.log10()) - 6) < 0.01


def test_mistakes_are_named(sounds, tmp_path):
    with pytest.raises(FileNotFoundError, match='no .*absent'):
        build('ReplaceAudio', sounds=str(tmp_path / 'absent'))
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match='no wav file'):
        build('ReplaceAudio', sounds=str(tmp_path / 'empty'))
    alone = build('ReplaceAudio', sounds=str(sounds / 'cat/three.wav'))
    with pytest.raises(ValueError, match='no sound is left.*Fix'):
        alone(clip(path=str(sounds / 'cat/three.wav')))


def test_both_channels_get_the_other_sound(sounds):
    results = dict(clip(path=str(sounds / 'cat/three.wav')))
    results['waveform'] = torch.zeros(2, 1600)
    expected = torch.full((2, 1600), 1000 / 32768)
    given = {'one': str(sounds / 'dog/one.wav')}
    for transform in (
        build('ChangeSound', sound='swap', others=given),
        build('ReplaceAudio', sounds=given['one']),
    ):
        assert torch.equal(transform(dict(results))['waveform'], expected)
    mixed = build('MixAudio', sounds=given['one'])(dict(results))['waveform']
    assert torch.allclose(mixed, torch.full((2, 1600), 0.1))
