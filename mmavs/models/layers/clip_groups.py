"""Clips of equal length, for what looks at a whole clip."""

from typing import Iterator

import torch
from torch import Tensor

from mmavs.structures import AVFeatures


def clip_groups(features: AVFeatures) -> Iterator[Tensor]:
    """Group the clips of a batch by their number of real frames.

    Args:
        features (AVFeatures): Of N = B*T frames.

    Yields:
        Tensor: (B', T') int64, indices in 0..N-1 of B' clips with T' real
        frames each; padded frames are in no group.
    """
    first = features.visual[0]
    frames = torch.arange(first.shape[0], device=first.device)
    frames = frames.view(-1, features.num_frames)
    if features.valid is None:
        yield frames
        return
    lengths = features.valid.view_as(frames).sum(dim=1)
    for length in lengths.unique():
        yield frames[lengths == length, : int(length)]
