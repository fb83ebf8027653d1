"""What every head checks: channels, and the sizes of the ground truth."""

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmavs.models import AVSDecodeHead
from mmavs.models.decode_heads.avs_decode_head import stack_targets


class _Head(AVSDecodeHead):
    def forward(self, features, num_frames):
        raise NotImplementedError


def frame(height, width):
    labels = torch.ones(1, height, width, dtype=torch.uint8)
    return SegDataSample(gt_sem_seg=PixelData(data=labels))


def test_channels_are_one_or_a_class_each():
    with pytest.raises(ValueError, match='must be 1 or num_classes=71, got 2'):
        _Head(num_classes=71, out_channels=2)


def test_targets_of_one_size_are_stacked():
    stacked = stack_targets([frame(3, 4), frame(3, 4)], torch.zeros(1, 1, 2))
    assert stacked.dtype == torch.int64
    assert stacked.tolist() == torch.ones(2, 3, 4).tolist()
    nothing = stack_targets([], torch.zeros(5, 1, 6, 7))
    assert nothing.shape == (0, 6, 7)


def test_targets_of_several_sizes_are_named():
    with pytest.raises(ValueError, match=r'\[\(3, 4\), \(4, 3\)\].*resize'):
        stack_targets([frame(3, 4), frame(4, 3)], torch.zeros(1))
