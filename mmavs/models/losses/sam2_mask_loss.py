"""SAM 2's training loss: the best of three masks, their IoUs, an object."""

from typing import Dict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.models.precision import at_least_float32
from mmavs.models.task_modules.hungarian_matcher import (
    dice_cost,
    focal_cost,
)
from mmavs.registry import MODELS

from .mean_over_ranks import mean_over_ranks


@MODELS.register_module()
class SAM2MaskLoss(nn.Module):
    r"""Focal and Dice loss of the best mask, IoU of all, object score.

    Per labelled frame, with masks m, predicted IoU q and object score o,

    .. math:: w_f L_{focal}(m^*) + w_d L_{dice}(m^*)
              + w_i \frac{1}{3} \sum_k |q_k - IoU(m_k > 0)| + w_o BCE(o)

    where m* is the mask with the smallest focal and Dice loss. Where nothing
    sounds, the last term alone counts. Summed over the frames of a clip,
    averaged over the clips of all ranks. As in the released code of AuralSAM2
    (https://arxiv.org/abs/2506.01015), which divides by two on eight GPUs in
    place of the mean.

    Args:
        focal_weight (float): w_f. Released: 20.
        dice_weight (float): w_d. Released: 1.
        iou_weight (float): w_i. Released: 1.
        object_weight (float): w_o. Released: 1.
    """

    def __init__(
        self,
        *,
        focal_weight: float = 20.0,
        dice_weight: float = 1.0,
        iou_weight: float = 1.0,
        object_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.focal_weight = focal_weight
        self.dice_weight = dice_weight
        self.iou_weight = iou_weight
        self.object_weight = object_weight

    def forward(
        self,
        masks: Tensor,
        iou: Tensor,
        object_score: Tensor,
        target: Tensor,
        num_clips: int,
        ignore_index: int = 255,
    ) -> Dict[str, Tensor]:
        """Compute the losses.

        Args:
            masks (Tensor): (L, 3, H, W), raw.
            iou (Tensor): (L, 3) in (0, 1).
            object_score (Tensor): (L, 1), raw.
            target (Tensor): (L, H, W) int64, 0 background, other labels
                sounding.
            num_clips (int): Clips the L frames belong to.
            ignore_index (int): Label of pixels taken as background.

        Returns:
            dict[str, Tensor]: ``loss_focal``, ``loss_dice``, ``loss_iou`` and
            ``loss_object``, weighted; 0, attached to the graph, if L is 0.
        """
        masks, iou, object_score = map(
            at_least_float32, (masks, iou, object_score)
        )
        sounding = (target != 0) & (target != ignore_index)
        wanted = sounding.flatten(1)[:, None].to(masks)  # (L, 1, P)
        logits = masks.flatten(2)  # (L, 3, P)
        focal = focal_cost(logits, wanted, paired=True)  # (L, 3)
        dice = dice_cost(logits, wanted, paired=True)
        best = self.focal_weight * focal + self.dice_weight * dice
        best = best.argmin(dim=1, keepdim=True)
        found = logits > 0
        shared = (found & sounding.flatten(1)[:, None]).sum(-1)
        union = (found | sounding.flatten(1)[:, None]).sum(-1).clamp(min=1)
        there = sounding.flatten(1).any(1).to(masks)  # (L,)
        frames = dict(
            loss_focal=self.focal_weight * focal.gather(1, best)[:, 0] * there,
            loss_dice=self.dice_weight * dice.gather(1, best)[:, 0] * there,
            loss_iou=self.iou_weight
            * (iou - shared / union).abs().mean(1)
            * there,
            loss_object=self.object_weight
            * F.binary_cross_entropy_with_logits(
                object_score[:, 0], there, reduction='none'
            ),
        )
        count = torch.tensor(num_clips, device=masks.device)
        return {
            name: mean_over_ranks(terms.sum(), count)
            for name, terms in frames.items()
        }
