"""Between clips and the frames they are made of."""

from typing import List, Tuple

import torch
from torch import Tensor

from mmavs.structures import AVSDataSample


def labeled_frames(
    data_samples: List[AVSDataSample], num_frames: int
) -> Tuple[list, Tensor]:
    """Collect the supervised frames of a batch.

    Args:
        data_samples (list[AVSDataSample]): B clips.
        num_frames (int): T of the (padded) batch.

    Returns:
        tuple: The L labelled frames as SegDataSamples, and (L,) int64 indices
        of theirs among N = B*T.
    """
    frames, indices = [], []
    for b, sample in enumerate(data_samples):
        views = sample.frames()
        for t in sample.labeled_frames:
            frames.append(views[t])
            indices.append(b * num_frames + t)
    return frames, torch.tensor(indices, dtype=torch.long)


def undo_geometry(logits: Tensor, sample: AVSDataSample) -> Tensor:
    """Cut the padding off and undo a flip.

    Args:
        logits (Tensor): (T, K, H, W) at the padded input size.
        sample (AVSDataSample): With ``img_shape`` and, if flipped,
            ``flip_direction``.

    Returns:
        Tensor: (T, K, h, w) at ``img_shape``.
    """
    height, width = sample.img_shape[:2]
    logits = logits[..., :height, :width]
    if sample.get('flip', False):
        axes = {'horizontal': [-1], 'vertical': [-2], 'diagonal': [-2, -1]}
        logits = logits.flip(dims=axes[sample.flip_direction])
    return logits


def bare_sample(shape: torch.Size) -> AVSDataSample:
    """A sample for inputs that came without one."""
    size = tuple(shape[-2:])
    return AVSDataSample(
        metainfo=dict(num_frames=shape[1], img_shape=size, ori_shape=size)
    )
