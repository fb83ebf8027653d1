"""A frame and its mask, moved alike."""

import numpy as np
import pytest

from mmavs.datasets.transforms import ForEachFrame, RandomAffine
from mmavs.datasets.transforms.affine import move


def frame():
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[12:20, 10:30] = 200
    mask = (picture[..., 0] > 0).astype(np.uint8)
    return dict(img=picture, gt_seg_map=mask, seg_fields=['gt_seg_map'])


def test_quarter_turn_and_half_size():
    """A quarter turn clockwise, then what half the size must be."""
    picture = np.arange(36, dtype=np.uint8).reshape(6, 6)
    assert (move(picture, 90, 1.0, 0) == np.rot90(picture, -1)).all()
    small = move(np.full((8, 8), 9, np.uint8), 0, 0.5, 0)
    assert (small[2:6, 2:6] == 9).all() and small.sum() == 16 * 9


def test_mask_moves_with_its_frame():
    np.random.seed(3)
    results = RandomAffine()(frame())
    assert (results['gt_seg_map'] == (results['img'][..., 0] > 0)).all()
    assert 0 < results['gt_seg_map'].sum() < 160
    assert results['img'].dtype == results['gt_seg_map'].dtype == np.uint8


def test_a_clip_moves_as_one():
    np.random.seed(0)
    clip = ForEachFrame([dict(type='RandomAffine')])
    first = clip(dict(frames=[frame() for _ in range(3)]))['frames']
    assert all((f['img'] == first[0]['img']).all() for f in first)
    second = clip(dict(frames=[frame()]))['frames']
    assert (second[0]['img'] != first[0]['img']).any()


@pytest.mark.parametrize(
    'options',
    [
        dict(scale_range=(0.0, 1.0)),
        dict(scale_range=(2, 1)),
        dict(max_degrees=-1),
    ],
)
def test_ranges_that_cannot_be(options):
    with pytest.raises(ValueError, match='scale_range must be'):
        RandomAffine(**options)


def test_what_comes_from_outside():
    """Half the size: a border of the fill colour, background in masks."""
    shrink = RandomAffine(
        max_degrees=0.0,
        scale_range=(0.5, 0.5),
        max_shear_degrees=0.0,
        fill=(1, 2, 3),
    )
    results = shrink(frame())
    assert results['img'][0, 0].tolist() == [1, 2, 3]
    assert results['gt_seg_map'][0, 0] == 0


def test_bilinear_frames_keep_sharp_masks():
    np.random.seed(1)
    results = RandomAffine(bilinear=True)(frame())
    assert len(np.unique(results['img'])) > 2
    assert set(np.unique(results['gt_seg_map'])) == {0, 1}
