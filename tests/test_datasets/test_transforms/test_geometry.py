"""The released geometry of AVSBench-semantic, against golden pictures."""

import numpy as np
import pytest

from mmavs.registry import TRANSFORMS
from mmavs.testing.golden import load_arrays

TRAIN = [
    dict(type='ResizeShortEdge', size=24),
    dict(type='CenterCrop', crop_size=(24, 24)),
]
TEST = [
    dict(type='Resize', scale=(24, 24), keep_ratio=False, backend='pillow')
]


def run(pipeline, image, mask):
    results = dict(
        img=image,
        gt_seg_map=mask,
        seg_fields=['gt_seg_map'],
        img_shape=image.shape[:2],
    )
    for config in pipeline:
        results = TRANSFORMS.build(config)(results)
    return results


@pytest.mark.parametrize('name', ['landscape_30x50', 'portrait_50x30'])
@pytest.mark.parametrize(
    'pipeline, key', [(TRAIN, 'train_crop24'), (TEST, 'eval_resize24')]
)
def test_frames_and_masks_come_out_as_released(pipeline, key, name):
    golden = load_arrays('data_side')
    image = golden['img_30x50']
    if name.startswith('portrait'):
        image = image.transpose(1, 0, 2)
    image = np.ascontiguousarray(image)
    mask = np.ascontiguousarray(image[..., 0])
    results = run(pipeline, image, mask)
    # Pillow 12 and 13 round some of the interpolated values differently
    error = results['img'].astype(int) - golden[f'{key}_bilinear_{name}']
    assert np.abs(error).max() <= 1 and (error != 0).mean() < 0.1
    expected = golden[f'{key}_nearest_{name}'][..., 0]
    assert (results['gt_seg_map'] == expected).all()
    assert results['img_shape'][:2] == (24, 24)


def test_the_longer_side_is_truncated_not_rounded():
    image = np.zeros((30, 47, 3), np.uint8)
    results = run(TRAIN[:1], image, image[..., 0])
    assert results['img'].shape == (24, 37, 3)  # 37.6
    assert results['gt_seg_map'].shape == (24, 37)
    assert results['scale_factor'] == (37 / 47, 24 / 30)
    square = run(TRAIN[:1], image[:, :30], image[:, :30, 0])
    assert square['img_shape'] == (24, 24)
