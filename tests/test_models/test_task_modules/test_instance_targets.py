"""Ground truth by category, and the table of categories."""

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmavs.datasets.s4_categories import AVSS_TO_S4, S4_CATEGORIES
from mmavs.models.task_modules.instance_targets import instance_targets

CATEGORIES = ('dog', 'cat', 'guitar')


def frame(category='dog', size=64, box=(8, 40)):
    mask = torch.zeros(1, size, size, dtype=torch.long)
    mask[:, box[0] : box[1], box[0] : box[1]] = 1
    return SegDataSample(
        metainfo=dict(clip_id='clip', category=category),
        gt_sem_seg=PixelData(data=mask),
    )


def test_targets_of_one_category():
    labels, masks = instance_targets(frame('cat', box=(0, 4)), CATEGORIES)
    assert labels.tolist() == [1]
    assert int(masks.sum()) == 16
    labels, masks = instance_targets(frame('cat', box=(0, 0)), CATEGORIES)
    assert labels.shape == (0,) and masks.shape == (0, 64, 64)


def test_targets_of_a_category_map():
    sample = frame(category=None, size=4, box=(0, 4))
    sample.gt_sem_seg.data[0, 3] = 0  # nothing sounds in the last row
    sample.gt_category_map = PixelData(
        data=torch.tensor([[[1, 1, 3, 3], [1, 0, 3, 3], [255] * 4, [2] * 4]])
    )
    labels, masks = instance_targets(sample, CATEGORIES)
    assert labels.tolist() == [0, 2]
    assert masks.sum((1, 2)).tolist() == [3, 4]


def test_target_errors():
    with pytest.raises(ValueError, match='no category.*ms3_categories'):
        instance_targets(frame(None), CATEGORIES)
    with pytest.raises(ValueError, match="'violin'.*decode_head.categories"):
        instance_targets(frame('violin'), CATEGORIES)
    sample = frame(None, size=4, box=(0, 4))
    sample.gt_category_map = PixelData(data=torch.full((1, 4, 4), 9))
    with pytest.raises(ValueError, match='holds category 9'):
        instance_targets(sample, CATEGORIES)


def test_category_table():
    assert len(S4_CATEGORIES) == 23 == len(set(S4_CATEGORIES))
    assert list(S4_CATEGORIES) == sorted(S4_CATEGORIES)
    assert set(AVSS_TO_S4.values()) == set(S4_CATEGORIES)
