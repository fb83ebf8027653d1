"""From a hundred queries to the few instances a frame shows."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mmavs.utils.precision import at_least_float32

# logit of "nowhere", where a frame shows no instance at all
NOWHERE = -13.8


class Instances(NamedTuple):
    """Potential sounding objects of N frames, padded to M each.

    At most one a category and frame, those that exist first, by rising
    category.

    Attributes:
        labels (Tensor): (N, M) int64 in 0..K-1.
        scores (Tensor): (N, M) visual score, the probability of the label.
        mask_logits (Tensor): (N, M, h, w), raw.
        valid (Tensor): (N, M) bool, False for padding.
    """

    labels: Tensor
    scores: Tensor
    mask_logits: Tensor
    valid: Tensor


def filter_instances(
    class_logits: Tensor, mask_logits: Tensor, score_thr: float = 0.0
) -> Instances:
    """Apply the category filter and the score filter.

    Paper: Audio-Visual Segmentation by Exploring Cross-Modal Mutual
    Semantics, https://arxiv.org/abs/2307.16620, section 3.3. The category
    filter drops queries whose most probable class is "no object"; the score
    filter keeps, of each category, the query with the highest probability. A
    query whose mask has no pixel (of probability above 0.5) is no instance.

    Args:
        class_logits (Tensor): (N, Q, K + 1), raw; the last is "no object".
        mask_logits (Tensor): (N, Q, h, w), raw.
        score_thr (float): Drop instances of a lower probability. The paper
            names no such threshold: 0.

    Returns:
        Instances: M is the largest number in any frame, at least 1.
    """
    scores, labels = at_least_float32(class_logits).softmax(-1).max(-1)
    num_categories = class_logits.shape[-1] - 1
    categories = torch.arange(num_categories, device=labels.device)
    # (N, K, Q): a query competes in its own category alone
    seen = (mask_logits > 0).flatten(2).any(-1) & (scores >= score_thr)
    rivals = torch.where(
        (labels[:, None] == categories[:, None]) & seen[:, None],
        scores[:, None],
        scores.new_tensor(-1.0),
    )
    best, queries = rivals.max(-1)
    found = best > 0
    order = found.int().argsort(dim=1, descending=True, stable=True)
    # a meta tensor, of shapes without values, has no count
    most = order.shape[1] if found.is_meta else int(found.sum(1).max())
    order = order[:, : max(1, most)]
    queries = queries.gather(1, order)
    index = queries[..., None, None].expand(-1, -1, *mask_logits.shape[-2:])
    return Instances(
        labels=order,
        scores=best.gather(1, order).clamp(min=0),
        mask_logits=mask_logits.gather(1, index),
        valid=found.gather(1, order),
    )


def top_scored(instances: Instances) -> Tensor:
    """Mark the highest-scored instance of each frame.

    Args:
        instances (Instances): Of N frames.

    Returns:
        Tensor: (N, M) float32, 1 for the chosen one, 0 elsewhere; all 0 in a
        frame without instance.
    """
    chosen = torch.zeros_like(instances.scores)
    best = instances.scores.argmax(dim=1, keepdim=True)
    return chosen.scatter(1, best, 1.0) * instances.valid


def top_mask(instances: Instances) -> Tensor:
    """Give the mask of the highest-scored instance ("w/o AVSC", Table 4).

    Args:
        instances (Instances): Of N frames.

    Returns:
        Tensor: (N, 1, h, w) raw logits; -13.8 all over a frame without
        instance.
    """
    best = instances.scores.argmax(dim=1)
    frames = torch.arange(len(best), device=best.device)
    masks = instances.mask_logits[frames, best][:, None]
    found = instances.valid.any(dim=1).view(-1, 1, 1, 1)
    return masks.where(found, masks.new_tensor(NOWHERE))


def cut_masks(mask_logits: Tensor, mask_thr: float, stride: int) -> Tensor:
    """Enlarge masks, then decide: edges are cut where they were predicted.

    Args:
        mask_logits (Tensor): (N, M, h, w), raw.
        mask_thr (float): Probability above which a pixel is in a mask.
        stride (int): Factor of enlargement.

    Returns:
        Tensor: (N, M, h * stride, w * stride) bool.
    """
    large = F.interpolate(mask_logits, scale_factor=stride, mode='bilinear')
    return large > math.log(mask_thr / (1 - mask_thr))
