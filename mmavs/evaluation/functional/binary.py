"""Jaccard index and F-measure of binary masks, as AVSBench defines them.

All functions take frames (N, H, W) and work on any device without a loop over
thresholds, frames or pixels. A target holds 1 for sounding, 0 for background
and ``ignore_index`` (255) where there is no label.
"""

from functools import lru_cache
from typing import Dict

import torch
from torch import Tensor

from .counting import count, numpy_or_torch, widest_float

IGNORE_INDEX = 255
NUM_THRESHOLDS = 255
BETA2 = 0.3


@numpy_or_torch
def jaccard(
    logits: Tensor,
    target: Tensor,
    from_logits: bool = True,
    threshold: float = 0.5,
) -> Tensor:
    r"""Jaccard index J of each frame.

    With :math:`P` the pixels where :math:`\sigma(logit)` is above the
    threshold, 0.5 in every published protocol, and :math:`G` the sounding
    ones,

    .. math:: J = |P \cap G| / (|P \cup G| + 10^{-7}),

    and in a frame without sounding pixels the share of true negatives, as in
    the released code of "Audio-Visual Segmentation"
    (https://arxiv.org/abs/2207.05042): an empty prediction scores 1 there.

    Args:
        logits (Tensor or ndarray): (N, H, W), raw.
        target (Tensor or ndarray): (N, H, W) of 0, 1 and 255 (no label).
        from_logits (bool): False takes probabilities in [0, 1].
        threshold (float): Probability above which a pixel sounds.

    Returns:
        Tensor or ndarray: (N,) in [0, 1]; NaN where a frame has no label.

    Raises:
        ValueError: Shapes differ, or values no prediction or target can have.
    """
    probability = _to_probability(logits, target, from_logits)
    _check_target(target)
    target = target.to(probability.device)
    return _jaccard(_confusion(probability, target, threshold))


@numpy_or_torch
def f_measure_curve(
    logits: Tensor,
    target: Tensor,
    num_thresholds: int = NUM_THRESHOLDS,
    beta2: float = BETA2,
    from_logits: bool = True,
) -> Tensor:
    r"""F-measure of each frame at evenly spaced thresholds.

    .. math:: F_i = (1 + \beta^2) P_i R_i / (\beta^2 P_i + R_i)

    with precision and recall of :math:`\sigma(logit) \ge i / (n - 1)`, and 0
    where both are 0. Equal to a loop over the thresholds to the last count:
    every pixel is sorted into the bin between its two thresholds once, and
    the counts of all thresholds are a reversed cumulative sum.

    Args:
        logits (Tensor or ndarray): (N, H, W), raw.
        target (Tensor or ndarray): (N, H, W) of 0, 1 and 255 (no label).
        num_thresholds (int): n. Defaults to 255, as released.
        beta2 (float): :math:`\beta^2`. Defaults to 0.3, as released.
        from_logits (bool): False takes probabilities in [0, 1].

    Returns:
        Tensor or ndarray: (N, n) in [0, 1]; a row of NaN where a frame has no
        sounding pixel (AVSBench leaves such frames out of the mean).

    Raises:
        ValueError: Shapes differ, or values no prediction or target can have.
    """
    probability = _to_probability(logits, target, from_logits)
    _check_target(target)
    return _f_curve(
        probability, target.to(probability.device), num_thresholds, beta2
    )


def binary_sums(
    logits: Tensor,
    target: Tensor,
    from_logits: bool = True,
    threshold: float = 0.5,
) -> Dict[str, Tensor]:
    """Reduce one clip to all that any protocol needs of it.

    Stays on the device and never makes the host wait: wrong values are
    counted under ``invalid`` instead of raised.

    Args:
        logits (Tensor): (T, H, W), raw.
        target (Tensor): (T, H, W) of 0, 1 and 255 (no label).
        from_logits (bool): False takes probabilities in [0, 1].
        threshold (float): Probability above which a pixel sounds, for
            ``jaccard`` and ``pixels``; the curve has thresholds of its own.

    Returns:
        dict[str, Tensor]: ``jaccard`` (sum over labelled frames), ``frames``
        (their number), ``f_curve`` (255,) (sum over sounding frames),
        ``sounding`` (their number), ``pixels`` (4,) true positive, false
        positive, false negative and true negative, and ``invalid`` (2,), the
        number of wrong values in prediction and target.
    """
    probability = logits.float()
    if from_logits:
        probability = probability.sigmoid()
    target = target.to(probability.device)
    pixels = _confusion(probability, target, threshold)
    scores = _jaccard(pixels)
    curve = _f_curve(probability, target)
    wrong = (~((probability >= 0) & (probability <= 1))).sum()
    strange = _strange(target).sum()
    return dict(
        jaccard=scores.nansum(),
        frames=(~scores.isnan()).sum(),
        f_curve=curve.nansum(0),
        sounding=(~curve[:, 0].isnan()).sum(),
        pixels=pixels.sum(1),
        invalid=torch.stack([wrong, strange]),
    )


def _to_probability(
    logits: Tensor, target: Tensor, from_logits: bool
) -> Tensor:
    """Check shapes and values; give float32 probabilities."""
    if logits.shape != target.shape or logits.ndim != 3:
        raise ValueError(
            f'prediction and target must both be (N, H, W), got '
            f'{tuple(logits.shape)} and {tuple(target.shape)}'
        )
    values = logits.float()
    if from_logits:
        values = values.sigmoid()
    if not bool(((values >= 0) & (values <= 1)).all()):
        what = 'NaN logits' if from_logits else 'values outside [0, 1]'
        raise ValueError(
            f'the prediction holds {what}. Fix: from_logits=True takes raw '
            'logits, from_logits=False takes probabilities in [0, 1]'
        )
    return values


def _strange(target: Tensor) -> Tensor:
    return (target != 0) & (target != 1) & (target != IGNORE_INDEX)


def _check_target(target: Tensor) -> None:
    if bool(_strange(target).any()):
        raise ValueError(
            'a binary target holds 0, 1 and 255 (no label) only. Fix: '
            'threshold masks stored as 0/255 or grey first'
        )


def _confusion(
    probability: Tensor, target: Tensor, threshold: float
) -> Tensor:
    """Count tp, fp, fn, tn of each frame: (4, N) int64."""
    predicted = probability > threshold
    sounding, silent = target == 1, target == 0
    parts = (
        predicted & sounding,
        predicted & silent,
        ~predicted & sounding,
        ~predicted & silent,
    )
    return torch.stack([part.flatten(1).sum(1) for part in parts])


def _jaccard(pixels: Tensor) -> Tensor:
    """Turn (4, N) counts into (N,) scores."""
    tp, fp, fn, tn = pixels.to(widest_float(pixels.device))
    empty = tp + fn == 0
    overlap = tp / (tp + fp + fn + 1e-7)
    # 0 / 0 = NaN marks a frame without any label
    return torch.where(empty, tn / (tn + fp), overlap)


@lru_cache(maxsize=8)
def _thresholds(number: int, device: torch.device) -> Tensor:
    """Evenly spaced float32 thresholds from 0 to 1, and infinity after them.

    Made on the CPU, so that they are the same numbers on every device.
    """
    steps = torch.linspace(0, 1, number)
    return torch.cat([steps, steps.new_tensor([float('inf')])]).to(device)


def thresholds_reached(
    probability: Tensor, num_thresholds: int = NUM_THRESHOLDS
) -> Tensor:
    """Count the evenly spaced thresholds that each value is not below.

    A search, but by arithmetic: even spacing gives the place up to rounding,
    and the two neighbouring thresholds settle it.

    Args:
        probability (Tensor): Any shape, float32 in [0, 1].
        num_thresholds (int): From 0 to 1.

    Returns:
        Tensor: (M,) int32, flattened, in 1 ... num_thresholds.
    """
    thresholds = _thresholds(num_thresholds, probability.device)
    values, last = probability.flatten(), num_thresholds - 1
    guess = (values * last).int().clamp_(0, last)
    above = values >= thresholds.index_select(0, guess + 1)
    below = values < thresholds.index_select(0, guess)
    return guess + 1 + above.int() - below.int()


def _f_curve(
    probability: Tensor,
    target: Tensor,
    num_thresholds: int = NUM_THRESHOLDS,
    beta2: float = BETA2,
) -> Tensor:
    """Compute the (N, num_thresholds) curve from one histogram a frame."""
    bins = num_thresholds + 1
    frames = probability.shape[0]
    level = thresholds_reached(probability, num_thresholds)
    kind = torch.full_like(target, 2, dtype=torch.int32)  # no label
    kind.masked_fill_(target == 0, 0).masked_fill_(target == 1, 1)
    row = torch.arange(frames, device=level.device, dtype=torch.int32) * 3
    index = (kind + row.view(-1, 1, 1)).flatten() * bins + level
    counts = count(index, frames * 3 * bins)
    counts = counts.view(frames, 3, bins)[:, :2]
    reached = counts.flip(-1).cumsum(-1).flip(-1)[..., 1:]
    reached = reached.to(widest_float(level.device))
    sounding = counts[:, 1].sum(-1, keepdim=True).to(reached.dtype)
    precision = reached[:, 1] / (reached.sum(1) + 1e-20)
    recall = reached[:, 1] / sounding  # 0 / 0 = NaN: no sounding pixel
    score = (1 + beta2) * precision * recall / (beta2 * precision + recall)
    return torch.where(reached[:, 1] == 0, recall * 0, score)
