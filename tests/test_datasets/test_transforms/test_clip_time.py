"""RollClip and CropClip never part a frame from its second."""

import numpy as np
import pytest
import torch

from mmavs.datasets.transforms import CropClip, RollClip


def clip(num_frames=5, labeled=(0,)):
    """Frame t carries number t, and so does its piece of sound."""
    return dict(
        frames=[dict(frame_id=t) for t in range(num_frames)],
        audio=torch.arange(num_frames).float().view(-1, 1, 1, 1),
        waveform=torch.zeros(16000 * num_frames),
        sample_rate=16000,
        audio_key='k',
        labeled_frames=list(labeled),
        num_frames=num_frames,
    )


def numbers(results):
    frames = [frame['frame_id'] for frame in results['frames']]
    assert frames == results['audio'].flatten().int().tolist()
    assert results['num_frames'] == len(frames)
    return frames


@pytest.mark.parametrize('labeled', [(0,), (1, 3), range(5), ()])
def test_roll_turns_frames_sound_and_labels(labeled):
    seen = set()
    for seed in range(40):
        np.random.seed(seed)
        results = RollClip(prob=1.0)(clip(labeled=labeled))
        frames = numbers(results)
        start = frames[0]
        assert frames == [(start + t) % 5 for t in range(5)]
        assert [frames[t] for t in results['labeled_frames']] == sorted(
            labeled, key=frames.index
        )
        assert 'waveform' not in results and 'audio_key' not in results
        seen.add(start)
    assert seen == {0, 1, 2, 3, 4}


def test_roll_keeps_to_its_probability():
    assert 'waveform' in RollClip(prob=0)(clip())
    with pytest.raises(ValueError, match='prob'):
        RollClip(prob=2)


def test_crop_takes_a_run_with_its_labels():
    runs = set()
    for _ in range(60):
        results = CropClip(3)(clip(labeled=(0, 2, 4)))
        frames = numbers(results)
        assert frames == list(range(frames[0], frames[0] + 3))
        labels = [frames[t] for t in results['labeled_frames']]
        assert labels == [t for t in (0, 2, 4) if t in frames]
        runs.add(frames[0])
    assert runs == {0, 2}  # two labels each; the run from 1 has one


def test_crop_keeps_the_labelled_frame():
    for _ in range(20):
        results = CropClip(3)(clip(labeled=(0,)))
        assert numbers(results) == [0, 1, 2]
        assert results['labeled_frames'] == [0]


def test_crop_can_take_the_middle_and_leaves_short_clips():
    crop = CropClip(3, random=False)
    assert numbers(crop(clip(5, labeled=()))) == [1, 2, 3]
    assert numbers(crop(clip(2, labeled=(1,)))) == [0, 1]
    with pytest.raises(ValueError, match='num_frames'):
        CropClip(0)


def test_a_clip_without_sound_may_be_cropped():
    results = clip()
    for key in ('audio', 'waveform', 'sample_rate', 'audio_key'):
        del results[key]
    assert len(CropClip(2)(results)['frames']) == 2


def test_waveforms_are_not_left_behind():
    results = clip()
    del results['audio']
    with pytest.raises(ValueError, match='after VGGishLogMel'):
        CropClip(2)(results)
