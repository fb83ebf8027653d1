"""What clips are given to hear: silence, noise, sounds of other clips."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmavs.datasets import AVSBenchMS3Dataset, AVSBenchS4Dataset
from mmavs.datasets.heard import hear, muted, noise
from mmavs.datasets.unmatching import (
    ClipContent,
    clip_contents,
    matching_silent_sound,
    unmatching_sounds,
)
from mmavs.registry import TRANSFORMS
from mmavs.testing import tiny_copy


def test_transforms_go_behind_the_loading():
    pipeline = [dict(type='LoadAudio'), dict(type='VGGishLogMel')]
    changed = hear(pipeline, *muted())
    names = [t['type'] for t in changed]
    assert names == ['LoadAudio', 'MuteAudio', 'VGGishLogMel']
    assert len(pipeline) == 2
    with pytest.raises(ValueError, match='loads no waveform'):
        hear([dict(type='PackAVSInputs')], *muted())


def test_noise_replaces_the_sound():
    results = dict(waveform=torch.ones(16000), sample_rate=16000, clip_id='a')
    for transform in noise():
        results = TRANSFORMS.build(transform)(results)
    level = results['waveform'].square().mean().sqrt()
    assert float(level) == pytest.approx(0.1, rel=0.05)
    assert abs(float(results['waveform'].mean())) < 0.01


def test_given_audio(tiny_s4):
    dataset = AVSBenchS4Dataset(str(tiny_s4), split='test')
    first, second = (dataset.get_data_info(i) for i in range(2))
    load = TRANSFORMS.build(dict(type='LoadAudio'))
    other = load(dict(second))['waveform']
    given = TRANSFORMS.build(
        dict(
            type='GivenAudio',
            sounds={first['clip_id']: second['audio_path']},
        )
    )
    results = given(load(dict(first)))
    assert torch.equal(results['waveform'], other)
    assert 'audio_key' not in results  # no cache may take it for the own one
    with pytest.raises(KeyError, match='names no sound for clip'):
        given(load(dict(second)))


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


def test_contents_of_data_sets(tiny_s4, tiny_ms3, tmp_path):
    synthetic = clip_contents(AVSBenchS4Dataset(str(tiny_s4), split='train'))
    for content in synthetic.values():
        category = Path(content.audio_path).parent.name
        assert category in content.heard & content.seen
    root = tiny_copy(tiny_ms3, tmp_path)
    (root / 'synthetic.json').unlink()  # as in the real data
    real = clip_contents(AVSBenchMS3Dataset(str(root), split='train'))
    assert any(content.heard for content in real.values())
    assert np.all([content.heard == content.seen for content in real.values()])
