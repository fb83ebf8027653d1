"""Which query answers for which object, in all frames of a clip alike."""

from typing import List, NamedTuple, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmavs.models.precision import at_least_float32

from .hungarian_matcher import Match, assign, dice_cost


class ClipObjects(NamedTuple):
    """What sounds in the labelled frames of one clip.

    Attributes:
        frames (Tensor): (F,) int64, which of the batch's L labelled frames.
        classes (Tensor): (G,) int64, the class of each object, from 0.
        masks (Tensor): (F, G, H, W) in {0, 1}; a mask may be empty.
    """

    frames: Tensor
    classes: Tensor
    masks: Tensor


class ClipMatcher:
    """One query per object and clip at the lowest cost, mean over frames.

    Cost of a pair: ``- cls_weight * p(class) + dice_weight * dice cost``, with
    the masks enlarged to the size of the labels. From CATR's released code
    (https://arxiv.org/abs/2309.09709).

    Args:
        cls_weight (float): Of the class's probability. Not public; 2 is that
            of the code it descends from.
        dice_weight (float): Of the Dice cost, likewise; the released code
            takes 7 whatever its settings say.
    """

    def __init__(
        self, *, cls_weight: float = 2.0, dice_weight: float = 5.0
    ) -> None:
        self.cls_weight = cls_weight
        self.dice_weight = dice_weight

    @torch.no_grad()
    def __call__(
        self,
        class_logits: Tensor,
        mask_logits: Tensor,
        clips: Sequence[ClipObjects],
    ) -> List[Match]:
        """Match the clips of a batch.

        Args:
            class_logits (Tensor): (L, Q, K + 1), raw, of labelled frames.
            mask_logits (Tensor): (L, Q, h, w), raw.
            clips (Sequence[ClipObjects]): The batch's clips.

        Returns:
            list[tuple]: Per clip (query indices, object indices), both
            (min(Q, G),) int64, by rising query index.

        Raises:
            FloatingPointError: A prediction is not finite.
        """
        with torch.autocast(mask_logits.device.type, enabled=False):
            costs = [
                self.cost(
                    at_least_float32(class_logits[clip.frames]),
                    at_least_float32(mask_logits[clip.frames]),
                    clip,
                )
                for clip in clips
            ]
        return [assign(cost, class_logits.device) for cost in costs]

    def cost(
        self, class_logits: Tensor, mask_logits: Tensor, clip: ClipObjects
    ) -> Tensor:
        """Cost of every pair of one clip.

        Args:
            class_logits (Tensor): (F, Q, K + 1), raw.
            mask_logits (Tensor): (F, Q, h, w), raw.
            clip (ClipObjects): Its G objects.

        Returns:
            Tensor: (Q, G).
        """
        chance = class_logits.softmax(-1)[..., clip.classes]  # (F, Q, G)
        masks = F.interpolate(
            mask_logits, clip.masks.shape[-2:], mode='bilinear'
        )
        dice = dice_cost(
            masks.flatten(2), clip.masks.flatten(2).to(masks), paired=False
        )
        return (self.dice_weight * dice - self.cls_weight * chance).mean(0)
