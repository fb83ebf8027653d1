"""Mask costs that query heads match and train by.

Each cost comes twice: for pairs of equal rows (``paired=True``, the loss) and
for all pairs of rows (``paired=False``, the matching matrix). All are stable
in the logits, and computed in float32 or wider.
"""

from typing import Callable, Dict

import torch
import torch.nn.functional as F
from torch import Tensor

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
    distance = sample_points(logits, candidates).abs()
    nearest = distance.topk(num_chosen, dim=1, largest=False).indices
    chosen = candidates.gather(1, nearest[..., None].expand(-1, -1, 2))
    anywhere = torch.rand(
        count, num_points - num_chosen, 2, device=logits.device
    )
    return torch.cat([chosen, anywhere], dim=1)
