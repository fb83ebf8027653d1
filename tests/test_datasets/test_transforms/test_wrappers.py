"""ForEachFrame: one decision for all frames of a clip."""

import random

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform

from mmavs.datasets.transforms import ForEachFrame
from mmavs.registry import TRANSFORMS

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
MASK = (PICTURE[..., 0] > 100).astype(np.uint8)


def clip(num_frames=5, labeled=range(5), same=True):
    frames = []
    for t in range(num_frames):
        frame = dict(
            img=PICTURE.copy() if same else np.roll(PICTURE, t, 0),
            img_shape=(40, 48),
            ori_shape=(40, 48),
            seg_fields=[],
            frame_id=t,
        )
        if t in labeled:
            frame.update(gt_seg_map=MASK.copy(), seg_fields=['gt_seg_map'])
        frames.append(frame)
    return dict(clip_id='a', frames=frames)


RANDOM = [
    dict(
        type='RandomApply',
        prob=0.7,
        transforms=[dict(type='PhotoMetricDistortion')],
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomCrop', crop_size=(24, 24)),
    dict(type='RandomCrop', crop_size=(24, 24), cat_max_ratio=0.5),
    dict(type='RandomResize', scale=(48, 40), ratio_range=(0.5, 2.0)),
    dict(type='RandomRotate', prob=0.5, degree=30),
    dict(type='PhotoMetricDistortion'),  # declares no random parameter
    dict(
        type='RandomChoice',
        transforms=[
            [dict(type='RandomFlip', prob=0.5)],
            [dict(type='RandomCrop', crop_size=(24, 24))],
        ],
    ),
]


@pytest.mark.parametrize('config', RANDOM, ids=lambda c: c['type'])
def test_equal_frames_stay_equal_and_clips_differ(config):
    transform = ForEachFrame([config])
    np.random.seed(0)
    outcomes = []
    for _ in range(8):
        frames = transform(clip())['frames']
        for frame in frames[1:]:
            assert frame['img'].shape == frames[0]['img'].shape
            assert (frame['img'] == frames[0]['img']).all()
            assert (frame['gt_seg_map'] == frames[0]['gt_seg_map']).all()
        outcomes.append(frames[0]['img'].tobytes())
    assert len(set(outcomes)) > 1


def test_crop_is_shared_though_the_search_depends_on_the_mask():
    # cat_max_ratio makes RandomCrop draw until the mask is mixed enough,
    # so that frames would draw a different number of times
    transform = ForEachFrame(
        [
            dict(type='RandomCrop', crop_size=(8, 8), cat_max_ratio=0.6),
            dict(type='RandomFlip', prob=0.5),
        ]
    )
    results = clip(same=True)
    for t, frame in enumerate(results['frames']):
        frame['gt_seg_map'][: 8 * t] = 0
    for frame in transform(results)['frames'][1:]:
        assert (frame['img'] == results['frames'][0]['img']).all()


def test_frames_keep_their_own_content_and_geometry_hits_masks():
    transform = ForEachFrame([dict(type='RandomFlip', prob=1.0)])
    frames = transform(clip(same=False))['frames']
    for t, frame in enumerate(frames):
        assert (frame['img'] == np.roll(PICTURE, t, 0)[:, ::-1]).all()
        assert (frame['gt_seg_map'] == MASK[:, ::-1]).all()
        assert frame['flip'] and frame['flip_direction'] == 'horizontal'


def test_unlabelled_frames_go_the_same_way():
    transform = ForEachFrame([dict(type='RandomFlip', prob=0.5)])
    flips = [
        [f['flip'] for f in transform(clip(labeled=[0]))['frames']]
        for _ in range(12)
    ]
    assert all(len(set(flip)) == 1 for flip in flips)
    assert len({flip[0] for flip in flips}) == 2


def test_frames_may_go_their_own_ways():
    transform = ForEachFrame(
        [dict(type='RandomFlip', prob=0.5)], share_random_params=False
    )
    np.random.seed(1)
    flips = [f['flip'] for f in transform(clip(24, []))['frames']]
    assert len(set(flips)) == 2


@TRANSFORMS.register_module(force=True)
class DrawFromAll(BaseTransform):
    """Writes a draw from each global generator."""

    def transform(self, results):
        draws = random.random(), np.random.rand(), torch.rand(1).item()
        results['draws'] = draws
        return results


def test_every_global_generator_is_shared_and_moves_on():
    transform = ForEachFrame([dict(type='DrawFromAll')])
    first = [frame['draws'] for frame in transform(clip())['frames']]
    second = [frame['draws'] for frame in transform(clip())['frames']]
    assert len(set(first)) == len(set(second)) == 1
    assert all(a != b for a, b in zip(first[0], second[0]))


@TRANSFORMS.register_module(force=True)
class DropFrame(BaseTransform):
    """Drops frame 2."""

    def transform(self, results):
        return None if results['frame_id'] == 2 else results


def test_dropped_frame_is_an_error():
    with pytest.raises(ValueError, match='dropped a frame of clip a'):
        ForEachFrame([dict(type='DropFrame')])(clip())
