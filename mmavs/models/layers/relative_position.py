"""Distances between tokens in buckets, as T5 and BEATs count them."""

import math

import torch
from torch import Tensor


def relative_buckets(
    distance: Tensor, num_buckets: int, max_distance: int
) -> Tensor:
    """Sort signed distances into buckets.

    Half of the buckets are for each sign; half of those hold one distance
    each, the others grow logarithmically up to ``max_distance``, beyond which
    all share the last ("Exploring the Limits of Transfer Learning",
    https://arxiv.org/abs/1910.10683, section 2.1).

    Args:
        distance (Tensor): Any shape, int64, key position minus query
            position.
        num_buckets (int): Of both signs together.
        max_distance (int): Where the last bucket starts.

    Returns:
        Tensor: Same shape, int64 in 0..num_buckets - 1.
    """
    half = num_buckets // 2
    exact = half // 2
    size = distance.abs()
    # float32 logarithms, as in the released code: a bucket's edge must not
    # move by rounding.
    scale = torch.log(size.clamp(min=1).float() / exact)
    scale = scale / math.log(max_distance / exact) * (half - exact)
    large = (exact + scale.long()).clamp(max=half - 1)
    return torch.where(size < exact, size, large) + (distance > 0) * half


def bucket_table(
    length: int, num_buckets: int, max_distance: int, device: torch.device
) -> Tensor:
    """Buckets of all pairs of ``length`` tokens.

    Args:
        length (int): L.
        num_buckets (int): See :func:`relative_buckets`.
        max_distance (int): See :func:`relative_buckets`.
        device (torch.device): Where to.

    Returns:
        Tensor: (L, L) int64, query by key.
    """
    positions = torch.arange(length, device=device)
    distance = positions[None] - positions[:, None]
    return relative_buckets(distance, num_buckets, max_distance)
