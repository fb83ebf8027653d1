"""Which query answers for which object, and what masks cost.

Each mask cost comes twice: for pairs of equal rows (``paired=True``, the
loss) and for all pairs of rows (``paired=False``, the matching matrix). All
are stable in the logits and computed in float32 or wider.
"""

from typing import Callable, Dict, List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mmavs.models.precision import at_least_float32

# MaskFormer, section 4.1 ("alpha = 0.25, gamma = 2" as in RetinaNet)
FOCAL_ALPHA, FOCAL_GAMMA = 0.25, 2.0


def focal_cost(logits: Tensor, target: Tensor, paired: bool) -> Tensor:
    r"""Focal loss of masks, mean over points.

    .. math:: -\alpha g (1-s)^2 \log s - (1-\alpha)(1-g) s^2 \log(1-s)

    Args:
        logits (Tensor): (Q, P), raw.
        target (Tensor): (G, P) in [0, 1]; G = Q if paired.
        paired (bool): Row by row, or all against all.

    Returns:
        Tensor: (Q,) or (Q, G), not negative.
    """
    probability = logits.sigmoid()
    hit = FOCAL_ALPHA * (1 - probability) ** FOCAL_GAMMA * F.softplus(-logits)
    miss = (1 - FOCAL_ALPHA) * probability**FOCAL_GAMMA * F.softplus(logits)
    return _weigh(hit, miss, target, paired)


def bce_cost(logits: Tensor, target: Tensor, paired: bool) -> Tensor:
    r"""Binary cross-entropy of masks, mean over points.

    .. math:: -g \log s - (1-g) \log(1-s)

    Args:
        logits (Tensor): (Q, P), raw.
        target (Tensor): (G, P) in [0, 1]; G = Q if paired.
        paired (bool): Row by row, or all against all.

    Returns:
        Tensor: (Q,) or (Q, G), not negative.
    """
    return _weigh(F.softplus(-logits), F.softplus(logits), target, paired)


def dice_cost(logits: Tensor, target: Tensor, paired: bool) -> Tensor:
    r"""Dice loss of masks, smoothed by 1.

    .. math:: 1 - \frac{2 \sum s g + 1}{\sum s + \sum g + 1}

    Args:
        logits (Tensor): (..., Q, P), raw.
        target (Tensor): (..., G, P) in [0, 1]; G = Q if paired.
        paired (bool): Row by row, or all against all.

    Returns:
        Tensor: (..., Q) or (..., Q, G) in [0, 1].
    """
    probability = logits.sigmoid()
    if paired:
        overlap = (probability * target).sum(-1)
        total = probability.sum(-1) + target.sum(-1)
    else:
        overlap = probability @ target.mT
        total = probability.sum(-1)[..., None] + target.sum(-1)[..., None, :]
    return 1 - (2 * overlap + 1) / (total + 1)


def _weigh(hit: Tensor, miss: Tensor, target: Tensor, paired: bool) -> Tensor:
    """Mean over points of ``hit`` inside the target and ``miss`` outside."""
    if paired:
        return (hit * target + miss * (1 - target)).mean(-1)
    return (hit @ target.T + miss @ (1 - target).T) / hit.shape[-1]


# the choices of a head's ``mask_loss``
MASK_COSTS: Dict[str, Callable[[Tensor, Tensor, bool], Tensor]] = {
    'focal': focal_cost,
    'bce': bce_cost,
}


def sample_points(maps: Tensor, points: Tensor) -> Tensor:
    """Read maps bilinearly at points.

    Args:
        maps (Tensor): (M, H, W).
        points (Tensor): (M or 1, P, 2) as (x, y) in [0, 1], where a pixel's
            centre is at (index + 0.5) / size; zero is read beyond the edge.

    Returns:
        Tensor: (M, P).
    """
    points = points.to(maps.dtype)
    grid = 2 * points.expand(len(maps), -1, -1)[:, :, None] - 1
    sampled = F.grid_sample(maps[:, None], grid, align_corners=False)
    return sampled[:, 0, :, 0]


@torch.no_grad()
def uncertain_points(
    logits: Tensor,
    num_points: int,
    oversample_ratio: float = 3.0,
    importance_sample_ratio: float = 0.75,
) -> Tensor:
    """Choose points near the edges of masks, and a few anywhere.

    Paper: PointRend: Image Segmentation as Rendering,
    https://arxiv.org/abs/1912.08193, section 3.1 (training); the ratios are
    Mask2Former's.

    Args:
        logits (Tensor): (M, H, W), raw; 0 is most uncertain.
        num_points (int): P.
        oversample_ratio (float): Candidates per point.
        importance_sample_ratio (float): Share of points taken by
            uncertainty; the rest is uniform.

    Returns:
        Tensor: (M, P, 2) as (x, y) in [0, 1].
    """
    count = len(logits)
    num_candidates = int(num_points * oversample_ratio)
    candidates = torch.rand(count, num_candidates, 2, device=logits.device)
    num_chosen = int(importance_sample_ratio * num_points)
    distance = sample_points(logits, candidates).abs()  # (M, candidates)
    nearest = distance.topk(num_chosen, dim=1, largest=False).indices
    # (M, chosen, 2)
    chosen = candidates.gather(1, nearest[..., None].expand(-1, -1, 2))
    anywhere = torch.rand(
        count, num_points - num_chosen, 2, device=logits.device
    )
    return torch.cat([chosen, anywhere], dim=1)


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
        probability = class_logits.softmax(-1)[:, labels]  # (Q, M)
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
            'training diverged. Fix: lower the learning rate, clip '
            'gradients, or use --amp bfloat16 in place of float16.'
        )
    queries, objects = linear_sum_assignment(cost.cpu().numpy())
    return (
        torch.as_tensor(queries, dtype=torch.long, device=device),
        torch.as_tensor(objects, dtype=torch.long, device=device),
    )
