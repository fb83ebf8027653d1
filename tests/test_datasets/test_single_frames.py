"""Frames one by one, and their category maps."""

import numpy as np
import pytest
import torch
from PIL import Image

from mmavs.datasets import S4_CATEGORIES
from mmavs.datasets.synthetic import (
    CLASSES,
    ensure_synthetic,
    read_side_file,
)
from mmavs.registry import DATASETS

LOAD = [
    dict(type='LoadAudio'),
    dict(type='VGGishLogMel'),
    dict(type='PickFrame'),
    dict(
        type='ForEachFrame',
        transforms=[
            dict(type='LoadFrame'),
            dict(type='LoadFrameMask'),
            dict(type='LoadCategoryMap'),
            dict(type='RandomFlip', prob=1.0),
        ],
    ),
    dict(type='PackAVSInputs'),
]


@pytest.fixture(scope='module')
def roots(tmp_path_factory):
    folder = tmp_path_factory.mktemp('synthetic')
    clips = dict(train=3, val=1, test=1)
    return {
        setting: ensure_synthetic(
            folder, setting, clips, 48, workers=1, progress=False
        )
        for setting in ('ms3', 's4')
    }


def single_frames(root, name, pipeline):
    return DATASETS.build(
        dict(
            type='SingleFrames',
            dataset=dict(type=name, data_root=str(root), pipeline=pipeline),
        )
    )


def test_every_labelled_frame_with_its_own_sound(roots):
    frames = single_frames(roots['ms3'], 'AVSBenchMS3Dataset', LOAD)
    clips = frames.dataset
    assert len(frames) == 15 and len(clips) == 3
    clip = clips[1]
    for t in range(5):
        one = frames[5 + t]
        assert one['inputs']['imgs'].shape == (1, 3, 48, 48)
        assert torch.equal(one['inputs']['imgs'][0], clip['inputs']['imgs'][t])
        assert torch.equal(
            one['inputs']['audio'][0], clip['inputs']['audio'][t]
        )
        sample = one['data_samples']
        assert sample.num_frames == 1 and sample.labeled_frames == [0]
        assert sample.clip_id == clip['data_samples'].clip_id
        assert torch.equal(
            sample.gt_sem_seg.data[0], clip['data_samples'].gt_sem_seg.data[t]
        )


def test_s4_has_one_labelled_frame_a_clip(roots):
    pipeline = [*LOAD]
    pipeline[3] = dict(
        type='ForEachFrame',
        transforms=[dict(type='LoadFrame'), dict(type='LoadFrameMask')],
    )
    frames = single_frames(roots['s4'], 'AVSBenchS4Dataset', pipeline)
    assert len(frames) == 3
    assert frames[0]['data_samples'].category in S4_CATEGORIES
    assert frames.metainfo['classes'] == ('background', 'sounding')


def test_category_maps_say_what_sounds(roots):
    frames = single_frames(roots['ms3'], 'AVSBenchMS3Dataset', LOAD)
    clips = read_side_file(roots['ms3'])['clips']
    seen = 0
    for index in range(len(frames)):
        sample = frames[index]['data_samples']
        category_map = sample.gt_category_map.data
        # same pixels as the mask, flipped alike
        assert torch.equal(category_map > 0, sample.gt_sem_seg.data == 1)
        script = clips[sample.clip_id]['sounding'][sample.frame_ids[0]]
        names = {CLASSES[label].category for label in script}
        found = {S4_CATEGORIES[k - 1] for k in category_map.unique() if k}
        assert found <= names  # one may be hidden behind another
        seen += len(found)
        view = sample.frames()[0]
        assert view.gt_category_map.data.shape == (1, 48, 48)
    assert seen > 5


def test_errors(roots, tmp_path):
    without = [t for t in LOAD if t['type'] != 'PickFrame']
    with pytest.raises(ValueError, match='needs PickFrame'):
        single_frames(roots['ms3'], 'AVSBenchMS3Dataset', without)
    with pytest.raises(FileNotFoundError, match='ms3_categories.py'):
        single_frames(roots['s4'], 'AVSBenchS4Dataset', LOAD)[0]
    frames = single_frames(roots['ms3'], 'AVSBenchMS3Dataset', LOAD)
    place = next((roots['ms3'] / 'ms3_data/gt_categories/train').rglob('*_1*'))
    kept = place.read_bytes()
    try:
        Image.fromarray(np.zeros((8, 9), np.uint8)).save(place)
        with pytest.raises(ValueError, match='is 9 x 8, but its frame'):
            [frames[i] for i in range(len(frames))]
    finally:
        place.write_bytes(kept)


def test_nothing_labelled(roots, monkeypatch):
    frames = single_frames(roots['ms3'], 'AVSBenchMS3Dataset', LOAD)
    unlabelled = dict(labeled_frames=[])
    monkeypatch.setattr(frames.dataset, 'get_data_info', lambda _: unlabelled)
    with pytest.raises(ValueError, match='no frame of the data set is label'):
        frames.full_init()


def test_old_synthetic_sets_are_completed(roots):
    """A folder made by an earlier version gets its maps."""
    maps = sorted((roots['ms3'] / 'ms3_data/gt_categories').rglob('*.png'))
    before = {path: path.read_bytes() for path in maps}
    for path in maps:
        path.unlink()
    side = roots['ms3'] / 'synthetic.json'
    side.write_text(side.read_text().replace('version 2', 'version 1'))
    ensure_synthetic(roots['ms3'].parent, 'ms3', workers=1, progress=False)
    assert {path: path.read_bytes() for path in maps} == before
