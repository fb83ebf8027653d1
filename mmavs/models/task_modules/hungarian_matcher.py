"""Which query answers for which object."""

from typing import List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mmavs.utils.precision import at_least_float32

from .mask_costs import MASK_COSTS, dice_cost, sample_points

Match = Tuple[Tensor, Tensor]


class HungarianMatcher:
    """One-to-one assignment of queries to objects at the lowest cost.

    Paper: Per-Pixel Classification is Not All You Need for Semantic
    Segmentation, https://arxiv.org/abs/2107.06278, section 3.2. Cost of a
    pair: ``- cls_weight * p(category) + mask_weight * mask cost +
    dice_weight * dice cost``.

    Args:
        cls_weight (float): Of the category's probability.
        mask_weight (float): Of the mask cost.
        dice_weight (float): Of the Dice cost.
        mask_loss (str): 'focal' or 'bce'.
        num_points (int, optional): Compare masks at this many random points,
            as Mask2Former; None compares at every pixel of the predicted
            masks, as MaskFormer.
    """

    def __init__(
        self,
        cls_weight: float,
        mask_weight: float,
        dice_weight: float,
        mask_loss: str = 'focal',
        num_points: Optional[int] = None,
    ) -> None:
        self.cls_weight = cls_weight
        self.mask_weight = mask_weight
        self.dice_weight = dice_weight
        self.mask_cost = MASK_COSTS[mask_loss]
        self.num_points = num_points

    @torch.no_grad()
    def __call__(
        self,
        class_logits: Tensor,
        mask_logits: Tensor,
        labels: Sequence[Tensor],
        masks: Sequence[Tensor],
    ) -> List[Match]:
        """Match every frame of a batch.

        Args:
            class_logits (Tensor): (L, Q, K + 1), raw.
            mask_logits (Tensor): (L, Q, h, w), raw.
            labels (Sequence[Tensor]): L times (G,) int64.
            masks (Sequence[Tensor]): L times (G, H, W) in {0, 1}.

        Returns:
            list[tuple]: L times (query indices, object indices), both
            (min(Q, G),) int64, by rising query index.

        Raises:
            FloatingPointError: A prediction is not finite.
        """
        with torch.autocast(mask_logits.device.type, enabled=False):
            costs = [
                self.cost(*frame)
                for frame in zip(
                    at_least_float32(class_logits),
                    at_least_float32(mask_logits),
                    labels,
                    masks,
                )
            ]
        return [assign(cost, class_logits.device) for cost in costs]

    def cost(
        self,
        class_logits: Tensor,
        mask_logits: Tensor,
        labels: Tensor,
        masks: Tensor,
    ) -> Tensor:
        """Cost of every pair of one frame.

        Args:
            class_logits (Tensor): (Q, K + 1), raw, no halves.
            mask_logits (Tensor): (Q, h, w), raw, no halves.
            labels (Tensor): (G,) int64.
            masks (Tensor): (G, H, W) in {0, 1}.

        Returns:
            Tensor: (Q, G).
        """
        masks = masks.to(mask_logits.dtype)
        predicted, target = self._comparable(mask_logits, masks)
        probability = class_logits.softmax(-1)[:, labels]
        return (
            self.mask_weight * self.mask_cost(predicted, target, False)
            + self.dice_weight * dice_cost(predicted, target, False)
            - self.cls_weight * probability
        )

    def _comparable(
        self, predicted: Tensor, target: Tensor
    ) -> Tuple[Tensor, Tensor]:
        """Bring (Q, h, w) and (G, H, W) to (Q, P) and (G, P)."""
        if self.num_points is None:
            if len(target):
                target = F.interpolate(target[None], predicted.shape[-2:])[0]
                return predicted.flatten(1), target.flatten(1)
            return predicted.flatten(1), predicted.new_zeros(
                0, predicted[0].numel()
            )
        points = torch.rand(1, self.num_points, 2, device=predicted.device)
        return sample_points(predicted, points), sample_points(target, points)


def assign(cost: Tensor, device: torch.device) -> Match:
    """Solve one frame's assignment."""
    from scipy.optimize import linear_sum_assignment

    if not bool(torch.isfinite(cost).all()):
        raise FloatingPointError(
            'predictions are not finite, so no query can be matched: the '
            'training diverged. Mend: lower the learning rate, clip '
            'gradients, or use --amp bfloat16 in place of float16.'
        )
    queries, objects = linear_sum_assignment(cost.cpu().numpy())
    return (
        torch.as_tensor(queries, dtype=torch.long, device=device),
        torch.as_tensor(objects, dtype=torch.long, device=device),
    )
