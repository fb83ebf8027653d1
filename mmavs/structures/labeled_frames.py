"""Which frames of a batch are supervised, and by what."""

from typing import List, NamedTuple, Sequence, Tuple

import torch
from mmseg.structures import SegDataSample
from torch import Tensor

from .clip_data_sample import AVSDataSample

UNLABELLED = 255


class LabeledFrames(NamedTuple):
    """The L labelled frames of a batch of B clips, N = B*T frames in all.

    Made once, by the segmentor; heads and auxiliary losses get it as it is.

    Attributes:
        indices (Tensor): (L,) int64, where they stand among N.
        clips (Tensor): (L,) int64, whose frames they are, 0..B-1.
        masks (Tensor): (L, H, W) int64; 255 in pixels without a label.
        frames (list[SegDataSample]): The same frames as mmseg's samples, for
            stock heads, and for what else a frame carries (category maps,
            metainfo).
    """

    indices: Tensor
    clips: Tensor
    masks: Tensor
    frames: List[SegDataSample]

    @property
    def valid(self) -> Tensor:
        """Tensor: (L, H, W) bool, pixels that have a label."""
        return self.masks != UNLABELLED

    def alone(self) -> 'LabeledFrames':
        """The same frames where no other is there: N = L."""
        places = torch.arange(len(self.frames), device=self.indices.device)
        return self._replace(indices=places)

    @classmethod
    def collect(
        cls,
        data_samples: Sequence[AVSDataSample],
        num_frames: int,
        size: Tuple[int, int] = (1, 1),
        device=None,
    ) -> 'LabeledFrames':
        """Collect the supervised frames of a batch.

        Args:
            data_samples (Sequence[AVSDataSample]): B clips.
            num_frames (int): T of the (padded) batch.
            size (tuple[int, int]): H, W of masks if no frame is labelled.
            device (torch.device, optional): Where the tensors go.

        Raises:
            ValueError: Masks of several sizes.
        """
        frames, places = [], []
        for clip, sample in enumerate(data_samples):
            views = sample.frames()
            for t in sample.labeled_frames:
                frames.append(views[t])
                places.append((clip, t))
        places = torch.tensor(places, dtype=torch.long, device=device)
        clips, times = places.view(-1, 2).unbind(1)
        masks = [frame.gt_sem_seg.data for frame in frames]
        return cls(
            indices=clips * num_frames + times,
            clips=clips,
            masks=_stack(masks, size).to(device),
            frames=frames,
        )


def _stack(masks: List[Tensor], size: Tuple[int, int]) -> Tensor:
    """L masks (1, H, W) -> (L, H, W) int64."""
    if not masks:
        return torch.zeros(0, *size, dtype=torch.long)
    sizes = {tuple(mask.shape[-2:]) for mask in masks}
    if len(sizes) > 1:
        raise ValueError(
            f'masks of several sizes in one batch: {sorted(sizes)}. Fix: '
            'Resize or pad in the pipeline.'
        )
    return torch.cat(masks).long()
