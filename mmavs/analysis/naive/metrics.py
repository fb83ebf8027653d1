"""The loops that the metrics replace, written from the formulas.

"Audio-Visual Segmentation" (https://arxiv.org/abs/2207.05042), Section 5.1,
and "Audio-Visual Segmentation with Semantics"
(https://arxiv.org/abs/2301.13190), Section 5.1, the way published code counts:
one threshold, one frame, one kind of pixels after another.
"""

from typing import Callable, Dict, Tuple

import torch
from torch import Tensor

from mmavs.evaluation import confusion_counts, f_measure_curve

FRAME_PX = 224


def threshold_loop(probability: Tensor, target: Tensor) -> Tensor:
    """F at 255 thresholds, beta^2 = 0.3; 0 where nothing is true.

    Args:
        probability (Tensor): (N, H, W) in [0, 1].
        target (Tensor): (N, H, W) of 0 and 1.

    Returns:
        Tensor: (N, 255).
    """
    thresholds = torch.linspace(0, 1, 255)
    target = target.float()
    curves = probability.new_zeros(len(target), 255)
    for n, (frame, truth) in enumerate(zip(probability, target)):
        for i, threshold in enumerate(thresholds.tolist()):
            positive = (frame >= threshold).float()
            hits = (positive * truth).sum()
            precision = hits / (positive.sum() + 1e-20)
            recall = hits / (truth.sum() + 1e-20)
            curves[n, i] = 1.3 * precision * recall
            curves[n, i] /= 0.3 * precision + recall
    return curves.nan_to_num(0)


def frame_histograms(
    labels: Tensor, target: Tensor, num_classes: int
) -> Tensor:
    """Hits, predicted and true pixels of each class, frame after frame.

    Args:
        labels (Tensor): (N, H, W) predicted classes.
        target (Tensor): (N, H, W) true classes.
        num_classes (int): K.

    Returns:
        Tensor: (3, N, K).
    """
    counts = []
    for predicted, truth in zip(labels + 1, target + 1):
        predicted = predicted.float() * (truth > 0).float()
        hits = predicted * (predicted == truth).float()
        histograms = [
            torch.histc(
                part.float().cpu(), bins=num_classes, min=1, max=num_classes
            )
            for part in (hits, predicted, truth)
        ]
        counts.append(torch.stack(histograms))
    return torch.stack(counts, dim=1)


def _counts_of_pairs(
    labels: Tensor, target: Tensor, num_classes: int
) -> Tensor:
    """The same counts from the one histogram of mmavs."""
    pairs = confusion_counts(labels, target, num_classes)[:, :-1, :-1]
    hits = pairs.diagonal(dim1=1, dim2=2)
    return torch.stack([hits, pairs.sum(1), pairs.sum(2)])


def metric_forms(
    num_classes: int, num_frames: int, device: str, size: int = FRAME_PX
) -> Tuple[str, Dict[str, Callable[[], Tensor]]]:
    """What a metric spends its time on, in both forms, for one clip.

    Args:
        num_classes (int): K; 2 is sounding or not.
        num_frames (int): T.
        device (str): Where the clip is.
        size (int): H and W.

    Returns:
        tuple: A name with the shape, and the two ways to the same tensor,
        ``mmavs`` and ``naive``.
    """
    labels, target = (
        x.to(device) for x in _blobs(num_frames, num_classes, size)
    )
    if num_classes == 2:
        ramp = torch.linspace(0, 1, labels.numel(), device=device)
        soft = 0.5 * labels + 0.5 * ramp.view(labels.shape)
        return f'F curve {tuple(labels.shape)}', dict(
            # frames without sound are NaN in mmavs
            mmavs=lambda: f_measure_curve(
                soft, target, from_logits=False
            ).nan_to_num(0),
            naive=lambda: threshold_loop(soft, target),
        )
    return f'counts of {num_classes} classes {tuple(labels.shape)}', dict(
        mmavs=lambda: _counts_of_pairs(labels, target, num_classes),
        naive=lambda: frame_histograms(labels, target, num_classes),
    )


def _blobs(
    num_frames: int, num_classes: int, size: int
) -> Tuple[Tensor, Tensor]:
    """Make label maps of a few smooth regions, and a shifted copy."""
    generator = torch.Generator().manual_seed(0)
    seeds = torch.rand(num_frames, num_classes, 7, 7, generator=generator)
    target = torch.nn.functional.interpolate(
        seeds, (size, size), mode='bicubic'
    ).argmax(1)
    return target.roll(9, dims=-1), target
