"""What clips are given to hear: silence, noise, sounds of other clips."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmavs.datasets import (
    AVSBenchMS3Dataset,
    AVSBenchS4Dataset,
    AVSBenchSemanticDataset,
)
from mmavs.datasets.heard import hear, sound_transforms
from mmavs.datasets.unmatching import (
    ClipContent,
    any_other_sounds,
    clip_contents,
    matching_silent_sound,
    unmatching_sounds,
)
from mmavs.registry import TRANSFORMS
from mmavs.testing import tiny_copy

MUTE = dict(type='ChangeSound', sound='mute')


def test_transforms_go_behind_the_loading():
    pipeline = [dict(type='LoadAudio'), dict(type='VGGishLogMel')]
    changed = hear(pipeline, MUTE)
    names = [t['type'] for t in changed]
    assert names == ['LoadAudio', 'ChangeSound', 'VGGishLogMel']
    assert len(pipeline) == 2
    silent = [dict(type='PackAVSInputs')]
    assert hear(silent) == silent  # its own sound is nothing to change
    with pytest.raises(ValueError, match='loads no waveform'):
        hear(silent, MUTE)


def test_noise_replaces_the_sound():
    noise = TRANSFORMS.build(dict(type='ChangeSound', sound='noise'))
    waves = [
        noise(
            dict(waveform=torch.ones(16000), sample_rate=16000, clip_id=clip)
        )['waveform']
        for clip in 'aab'
    ]
    level = waves[0].square().mean().sqrt()
    assert float(level) == pytest.approx(0.1, rel=1e-4)
    assert abs(float(waves[0].mean())) < 0.01
    # of a clip always the same, in any order; of another one another
    assert torch.equal(waves[0], waves[1])
    assert not torch.equal(waves[0], waves[2])


def test_other_sounds_are_those_of_the_table(tiny_s4):
    dataset = AVSBenchS4Dataset(str(tiny_s4), split='test')
    first, second = (dataset.get_data_info(i) for i in range(2))
    load = TRANSFORMS.build(dict(type='LoadAudio'))
    other = load(dict(second))['waveform']
    others = {first['clip_id']: second['audio_path']}
    change = dict(type='ChangeSound', sound='swap', others=others)
    given = TRANSFORMS.build(change)
    results = given(load(dict(first)))
    assert torch.equal(results['waveform'], other)
    assert 'audio_key' not in results  # no cache may take it for the own one
    with pytest.raises(KeyError, match='names no sound for clip'):
        given(load(dict(second)))
    with pytest.raises(ValueError, match="'mix' .*Fix: give others"):
        TRANSFORMS.build(dict(type='ChangeSound', sound='mix'))
    # a model of two channels hears a mono sound in both
    stereo = TRANSFORMS.build(dict(type='LoadAudio', channels=2))
    heard = given(stereo(dict(first)))['waveform']
    assert torch.equal(heard, torch.stack([other, other]))


def test_sounds_of_a_set(tiny_s4):
    dataset = AVSBenchS4Dataset(str(tiny_s4), split='train')
    contents = clip_contents(dataset)
    changes = sound_transforms(contents)
    assert changes['own'] == [] and changes['mute'] == [MUTE]
    for sound in ('swap', 'offscreen', 'mix'):
        (change,) = changes[sound]
        assert change['sound'] == sound
        assert list(change['others']) == list(contents)
        for clip, path in change['others'].items():
            assert path != contents[clip].audio_path
    assert changes['offscreen'][0]['others'] == changes['mix'][0]['others']


def test_any_other_sound_is_never_the_own_one():
    contents = {
        str(i): ClipContent(f'{i}.wav', frozenset(), frozenset())
        for i in range(5)
    }
    drawn = [any_other_sounds(contents, seed) for seed in range(40)]
    for clip in contents:
        heard = {chosen[clip] for chosen in drawn}
        assert heard == {f'{i}.wav' for i in range(5)} - {f'{clip}.wav'}
    with pytest.raises(ValueError, match='no other clip than 0'):
        any_other_sounds({'0': contents['0']})


def test_unmatching_sounds_by_hand():
    def content(name, heard, seen):
        return ClipContent(f'{name}.wav', frozenset(heard), frozenset(seen))

    contents = dict(
        a=content('a', ['dog'], ['dog', 'cat']),
        b=content('b', ['cat'], ['cat']),
        c=content('c', ['car'], ['car', 'dog']),
        silent=content('silent', [], ['bus']),
    )
    chosen = unmatching_sounds(contents)
    # b's cat is visible in a; silence does not stand in for a sound
    assert chosen['a'] == 'c.wav'
    assert chosen['b'] in ('a.wav', 'c.wav')
    assert chosen['c'] == 'b.wav'
    assert matching_silent_sound(contents, 'a') == 'b.wav'
    assert matching_silent_sound(contents, 'c') == 'a.wav'
    assert matching_silent_sound(contents, 'b') is None
    pair = {k: contents[k] for k in 'ab'}
    with pytest.raises(ValueError, match='foreign to clip a'):
        unmatching_sounds(pair)
    # who asks for b's sound need not care about a's
    assert unmatching_sounds(pair, wanted=['b']) == dict(b='a.wav')
    with pytest.raises(ValueError, match='foreign to clip a.*--other'):
        unmatching_sounds(pair, wanted=['a', 'b'])
    assert unmatching_sounds(contents, 3, ['b']) == unmatching_sounds(
        contents, 3
    )
    unknown = {k: content(k, [], []) for k in 'xy'}
    assert unmatching_sounds(unknown) == dict(x='y.wav', y='x.wav')


def test_contents_of_data_sets(tiny_s4, tiny_ms3, tiny_avss, tmp_path):
    synthetic = clip_contents(AVSBenchS4Dataset(str(tiny_s4), split='train'))
    for content in synthetic.values():
        category = Path(content.audio_path).parent.name
        assert category in content.heard & content.seen
    root = tiny_copy(tiny_ms3, tmp_path)
    (root / 'synthetic.json').unlink()  # as in the real data
    real = clip_contents(AVSBenchMS3Dataset(str(root), split='train'))
    assert any(content.heard for content in real.values())
    assert np.all([content.heard == content.seen for content in real.values()])
    # semantic masks name what sounds, with or without the script
    root = tiny_copy(tiny_avss, tmp_path)
    (root / 'synthetic.json').unlink()
    named = clip_contents(AVSBenchSemanticDataset(str(root), split='train'))
    assert any(content.heard for content in named.values())
