import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from mmavs.audio import beats_fbank, vggish_log_mel
from mmavs.registry import MODELS, TRANSFORMS


def clip(seconds: float, num_frames: int = 5) -> dict:
    generator = torch.Generator().manual_seed(0)
    samples = round(seconds * 16000)
    return dict(
        waveform=torch.randn(samples, generator=generator) * 0.1,
        sample_rate=16000,
        audio_path='some/clip.wav',
        frames=[dict() for _ in range(num_frames)],
    )


def build(**settings):
    return TRANSFORMS.build(dict(type='VGGishLogMel', **settings))


def test_log_mel_gives_one_example_a_frame(warned):
    results = build()(clip(5.0))
    assert results['audio'].shape == (5, 1, 96, 64)
    expected = vggish_log_mel(results['waveform'], 16000)
    assert torch.equal(results['audio'], expected)
    assert not warned


def test_hop_of_one_second_keeps_long_clips_paired(tmp_path):
    results = clip(12, num_frames=12)
    cache_dir = str(tmp_path)
    for _ in range(2):  # cold, warm
        audio = build(hop=1.0, cache_dir=cache_dir)(dict(results))['audio']
        assert audio.shape == (12, 1, 96, 64)
        for t in range(12):
            second = results['waveform'][16000 * t : 16000 * (t + 1)]
            expected = vggish_log_mel(second, 16000)
            assert torch.allclose(audio[t], expected[0], atol=1e-6)
    early = build(cache_dir=cache_dir)(dict(results))['audio']
    assert not torch.equal(early[11], audio[11])


def test_one_missing_example_is_repeated_with_one_warning(warned):
    transform = build()
    results = transform(clip(4.8))  # 4 examples
    assert torch.equal(results['audio'][4], results['audio'][3])
    transform(clip(4.8))
    assert len(warned) == 1
    assert 'some/clip.wav is short' in warned[0]


def test_two_missing_examples_are_an_error():
    message = "some/clip.wav.*3 of 5.*Fix.*'repeat_any'.*--check"
    with pytest.raises(ValueError, match=message):
        build()(clip(3.8))


def test_two_missing_examples_may_be_repeated_as_released(warned):
    transform = build(short_policy='repeat_any')
    audio = transform(clip(3.8))['audio']
    assert audio.shape == (5, 1, 96, 64)
    assert torch.equal(audio[3], audio[2]) and torch.equal(audio[4], audio[2])
    assert not torch.equal(audio[2], audio[1])
    transform(clip(2.0))
    assert len(warned) == 1
    assert 'some/clip.wav is short by 2 pieces' in warned[0]


def test_semantic_clips_are_filled_with_zeros(warned):
    results = build(short_policy='zeros')(clip(5.0, num_frames=10))
    assert results['audio'].shape == (10, 1, 96, 64)
    assert results['audio'][5:].abs().max() == 0
    assert results['audio'][:5].abs().min() > 0
    assert not warned


def test_surplus_is_cut_with_one_warning(warned):
    transform = build()
    results = transform(clip(7.0))
    expected = vggish_log_mel(results['waveform'], 16000)[:5]
    assert torch.equal(results['audio'], expected)
    transform(clip(7.0))
    assert len(warned) == 1 and 'is cut' in warned[0]


@pytest.mark.parametrize('policy', ['repeat', 'repeat_any', 'zeros'])
def test_sound_without_one_example_is_an_error(policy):
    with pytest.raises(ValueError, match='clip.wav.*one analysis window'):
        build(short_policy=policy)(clip(0.9))


def test_unknown_policy():
    with pytest.raises(ValueError, match="'repeat', .*'zeros'.*'loop'"):
        build(short_policy='loop')


def test_cache_is_used_only_for_unchanged_sound(tmp_path):
    transform = build(cache_dir=str(tmp_path))
    transform(clip(5.0))
    assert not list(tmp_path.rglob('*.npy'))  # sound without a key
    first = transform(dict(clip(5.0), audio_key='k'))['audio']
    assert len(list(tmp_path.rglob('*.npy'))) == 1
    silent = dict(clip(5.0), waveform=torch.zeros(80000))
    again = transform(dict(silent, audio_key='k'))['audio']
    assert torch.equal(again, first)
    other = transform(dict(silent, audio_key='other'))['audio']
    assert not torch.equal(other, first)


def test_cache_does_not_depend_on_the_number_of_frames(tmp_path):
    transform = build(cache_dir=str(tmp_path), short_policy='zeros')
    five = transform(dict(clip(5.0), audio_key='k'))['audio']
    ten = transform(dict(clip(5.0, 10), audio_key='k'))['audio']
    assert torch.equal(ten[:5], five) and ten[5:].abs().max() == 0


def test_transforms_travel_to_workers(tmp_path):
    transform = build(cache_dir=str(tmp_path))
    again = pickle.loads(pickle.dumps(transform))
    expected = transform(clip(5.0))['audio']
    assert torch.equal(again(clip(5.0))['audio'], expected)


def test_from_file_to_examples(tmp_path):
    path = tmp_path / 'clip.wav'
    wave = np.random.RandomState(0).randint(-9000, 9000, 80000)
    wavfile.write(path, 16000, wave.astype(np.int16))
    results = dict(audio_path=str(path), frames=[{}] * 5)
    load = TRANSFORMS.build(dict(type='LoadAudio'))
    transform = build(cache_dir=str(tmp_path / 'cache'))
    cold = transform(load(dict(results)))['audio']
    warm = transform(load(dict(results)))['audio']
    expected = vggish_log_mel(torch.from_numpy(wave).float() / 32768, 16000)
    assert torch.equal(cold, expected) and torch.equal(warm, expected)
    assert len(list((tmp_path / 'cache').rglob('*.npy'))) == 1


def test_fbank_gives_one_second_a_frame():
    transform = TRANSFORMS.build(dict(type='BEATsFbank'))
    results = transform(clip(4.7))
    wave = torch.nn.functional.pad(results['waveform'], (0, 4800))
    seconds = [beats_fbank(s, 16000) for s in wave.split(16000)]
    assert results['audio'].shape == (5, 98, 128)
    torch.testing.assert_close(results['audio'], torch.stack(seconds))


def test_fbank_of_too_little_sound():
    transform = TRANSFORMS.build(dict(type='BEATsFbank'))
    results = transform(clip(4.3))  # the fifth second is hardly there
    assert torch.equal(results['audio'][4], results['audio'][3])
    with pytest.raises(ValueError, match='clip.wav.*one analysis window'):
        transform(clip(0.4))


def test_segments_and_device_front_end_equal_the_transform():
    expected = build()(clip(5.0))['audio']
    segments = TRANSFORMS.build(
        dict(type='AudioSegments', length=15600, hop=15360)
    )(clip(5.0))['audio']
    assert segments.shape == (5, 15600)
    front_end = MODELS.build(dict(type='VGGishLogMelFrontEnd'))
    ours = front_end(segments)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match='15600.*got 16000.*Fix'):
        front_end(torch.zeros(5, 16000))


def test_fbank_on_the_device_equals_the_transform():
    expected = TRANSFORMS.build(dict(type='BEATsFbank'))(clip(4.9))['audio']
    segments = TRANSFORMS.build(dict(type='AudioSegments'))(clip(4.9))
    front_end = MODELS.build(dict(type='BEATsFbankFrontEnd'))
    assert torch.equal(front_end(segments['audio']), expected)


def released_layout(folder: Path, examples: int = 5) -> str:
    log_mel = torch.arange(examples).float().view(-1, 1, 1, 1)
    path = folder / 'audio_log_mel/train/clip.pkl'
    path.parent.mkdir(parents=True)
    path.write_bytes(pickle.dumps(log_mel.expand(-1, 1, 96, 64).clone()))
    return str(folder / 'audio_wav/train/clip.wav')


def test_released_log_mels(tmp_path):
    audio_path = released_layout(tmp_path, examples=4)
    transform = TRANSFORMS.build(dict(type='LoadReleasedLogMel'))
    results = transform(dict(audio_path=audio_path, frames=[{}] * 5))
    assert results['audio'][:, 0, 0, 0].tolist() == [0, 1, 2, 3, 3]


def test_released_log_mels_that_cannot_be_found(tmp_path):
    transform = TRANSFORMS.build(dict(type='LoadReleasedLogMel'))
    path = str(tmp_path / 'audio_wav/train/absent.wav')
    with pytest.raises(FileNotFoundError, match='audio_log_mel.*absent.pkl'):
        transform(dict(audio_path=path, frames=[{}]))
    with pytest.raises(ValueError, match='under a folder audio_wav'):
        transform(dict(audio_path='sound/clip.wav', frames=[{}]))


@pytest.mark.parametrize('hop', [0.96, 1.0])
def test_sound_of_less_than_one_example_is_named(hop):
    with pytest.raises(ValueError, match='some/clip.wav.*one analysis window'):
        build(hop=hop).transform(clip(0.97, 1))
