"""What every head checks: channels, and the sizes of the ground truth."""

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmavs.models import AVSDecodeHead
from mmavs.structures import AVSDataSample, LabeledFrames


class _Head(AVSDecodeHead):
    def forward(self, features):
        raise NotImplementedError


def frame(height, width):
    labels = torch.ones(1, height, width, dtype=torch.uint8)
    return SegDataSample(gt_sem_seg=PixelData(data=labels))


def test_channels_are_one_or_a_class_each():
    with pytest.raises(ValueError, match='must be 1 or num_classes=71, got 2'):
        _Head(num_classes=71, out_channels=2)


def clip(*sizes):
    """A clip of labelled frames, each of a size of its own."""
    sample = AVSDataSample(
        metainfo=dict(
            num_frames=len(sizes),
            labeled_frames=list(range(len(sizes))),
            img_path=[None] * len(sizes),
        )
    )
    sample.frames = lambda: [frame(*size) for size in sizes]
    return sample


def test_labelled_frames_know_their_place():
    """Clip 0 has no label, clips 1 and 2 have one and two."""
    samples = [clip(), clip((3, 4)), clip((3, 4), (3, 4))]
    labels = LabeledFrames.collect(samples, num_frames=5)
    assert labels.indices.tolist() == [5, 10, 11]
    assert labels.clips.tolist() == [1, 2, 2]
    assert labels.masks.dtype == torch.int64
    assert labels.masks.tolist() == torch.ones(3, 3, 4).tolist()
    assert labels.valid.all()
    nothing = LabeledFrames.collect([clip()], 5, (6, 7))
    assert nothing.masks.shape == (0, 6, 7)
    assert nothing.indices.tolist() == nothing.clips.tolist() == []


def test_masks_of_several_sizes_are_named():
    with pytest.raises(ValueError, match=r'\[\(3, 4\), \(4, 3\)\].*Resize'):
        LabeledFrames.collect([clip((3, 4), (4, 3))], 5)
