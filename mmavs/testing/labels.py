"""Labelled frames for heads that are tried without a segmentor."""

from typing import Sequence

import torch
from mmseg.structures import SegDataSample

from mmavs.structures import LabeledFrames


def labels_of(
    frames: Sequence[SegDataSample],
    indices: Sequence[int],
    num_frames: int = 1,
) -> LabeledFrames:
    """Say which frames of a batch have which labels.

    Args:
        frames (Sequence[SegDataSample]): L frames with ``gt_sem_seg``.
        indices (Sequence[int]): Where they stand among N, n = b*T + t.
        num_frames (int): T.
    """
    places = torch.as_tensor(indices, dtype=torch.long).view(-1)
    masks = [frame.gt_sem_seg.data for frame in frames]
    return LabeledFrames(
        indices=places,
        clips=places // num_frames,
        masks=torch.cat(masks).long() if masks else places.new_zeros(0, 1, 1),
        frames=list(frames),
    )
