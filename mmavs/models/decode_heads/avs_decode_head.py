"""The base that every audio-visual decode head shares."""

from abc import ABCMeta, abstractmethod
from typing import Dict, List, Optional, Sequence, Union

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, AVHeadOutput


class AVSDecodeHead(BaseModule, metaclass=ABCMeta):
    """Decode head that sees sound: AVFeatures in, AVHeadOutput out.

    A stock mmseg head needs none of this: the segmentor hands it the visual
    maps alone.

    Args:
        num_classes (int): K; 2 (background, sounding) for binary settings.
        out_channels (int, optional): Channels of the logits. Defaults to 1
            for two classes (one sigmoid), else ``num_classes``.
        threshold (float): Probability above which a pixel sounds, used with
            one output channel. AVSBench's metric uses 0.5.
        loss_decode (dict or list[dict]): Losses on the logits of labelled
            frames, each called as ``loss(logits, target, ignore_index=...)``
            with logits (L, K, H, W) and target (L, H, W) int64; L may be 0.
        ignore_index (int): Label that no loss counts. Defaults to 255.
        align_corners (bool): For resizing logits. Defaults to False.
    """

    def __init__(
        self,
        num_classes: int = 2,
        out_channels: Optional[int] = None,
        threshold: float = 0.5,
        loss_decode: Union[dict, Sequence[dict]] = (),
        ignore_index: int = 255,
        align_corners: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if out_channels is None:
            out_channels = 1 if num_classes == 2 else num_classes
        if out_channels not in (1, num_classes):
            raise ValueError(
                f'out_channels must be 1 or num_classes='
                f'{num_classes}, got {out_channels}'
            )
        self.num_classes = num_classes
        self.out_channels = out_channels
        self.threshold = threshold
        self.ignore_index = ignore_index
        self.align_corners = align_corners
        if isinstance(loss_decode, dict):
            loss_decode = [loss_decode]
        self.loss_decode = nn.ModuleList(
            MODELS.build(cfg) for cfg in loss_decode
        )

    @abstractmethod
    def forward(self, features: AVFeatures, num_frames: int) -> AVHeadOutput:
        """Turn features into logits.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i), audio
                (N, D) or (N, L, D).
            num_frames (int): T, so that N = B*T.

        Returns:
            AVHeadOutput: logits (N, K, h, w), raw.
        """

    def loss(
        self,
        output: AVHeadOutput,
        frames: List[SegDataSample],
        labeled: Tensor,
    ) -> Dict[str, Tensor]:
        """Compute the losses of labelled frames.

        Args:
            output (AVHeadOutput): What :meth:`forward` gave for N frames.
            frames (list[SegDataSample]): The L labelled frames, in order.
            labeled (Tensor): (L,) int64, their indices in 0..N-1.

        Returns:
            dict[str, Tensor]: Scalars by ``loss_name``; each is 0 (and still
            attached to the graph) if no frame is labelled.
        """
        logits = output.logits[labeled]
        target = stack_targets(frames, logits)
        logits = resize_logits(logits, target.shape[-2:], self.align_corners)
        losses: Dict[str, Tensor] = {}
        for loss in self.loss_decode:
            value = loss(logits, target, ignore_index=self.ignore_index)
            losses[loss.loss_name] = losses.get(loss.loss_name, 0) + value
        return losses


def stack_targets(frames: List[SegDataSample], like: Tensor) -> Tensor:
    """Stack the ground truth of frames.

    Args:
        frames (list[SegDataSample]): L frames with ``gt_sem_seg`` (1, H, W).
        like (Tensor): (..., h, w), gives device and size if L is 0.

    Returns:
        Tensor: (L, H, W) int64. L may be 0: the losses are called all the
        same, since on several ranks they meet to count.

    Raises:
        ValueError: The frames differ in size.
    """
    if not frames:
        return like.new_zeros((0, *like.shape[-2:]), dtype=torch.long)
    masks = [frame.gt_sem_seg.data.squeeze(0) for frame in frames]
    sizes = {tuple(mask.shape) for mask in masks}
    if len(sizes) > 1:
        raise ValueError(
            f'ground truth of several sizes in one batch: '
            f'{sorted(sizes)}; resize or pad in the pipeline'
        )
    return torch.stack(masks).long()


def resize_logits(logits: Tensor, size, align_corners: bool) -> Tensor:
    """Resize (N, K, h, w) logits to ``size`` bilinearly, if they differ.

    Args:
        logits (Tensor): (N, K, h, w), any range.
        size (tuple[int, int]): H, W.
        align_corners (bool): As in :func:`torch.nn.functional.interpolate`.

    Returns:
        Tensor: (N, K, H, W).
    """
    if logits.shape[-2:] == tuple(size):
        return logits
    return F.interpolate(
        logits, size=tuple(size), mode='bilinear', align_corners=align_corners
    )
