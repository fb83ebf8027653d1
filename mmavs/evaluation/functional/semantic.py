"""Per-class counts of label maps, for audio-visual semantic segmentation."""

from typing import Dict

import torch
from torch import Tensor

from .counting import as_tensor, count, numpy_or_torch, widest_float
from .protocols import f_measure

IGNORE_INDEX = 255


@numpy_or_torch
def confusion_counts(
    labels: Tensor,
    target: Tensor,
    num_classes: int,
    ignore_index: int = IGNORE_INDEX,
) -> Tensor:
    """Count each pair of true and predicted label in each frame.

    One histogram over all frames, on the device, without a loop over classes
    and without making the host wait.

    Args:
        labels (Tensor or ndarray): (N, H, W) predicted labels, integers.
        target (Tensor or ndarray): (N, H, W) true labels, integers.
        num_classes (int): K.
        ignore_index (int): Pixels of this true label, and of negative ones,
            are left out.

    Returns:
        Tensor or ndarray: (N, K + 1, K + 1) int64, rows true, columns
        predicted. The last row and column hold other labels.

    Raises:
        ValueError: Shapes differ.
    """
    if labels.shape != target.shape or labels.ndim != 3:
        raise ValueError(
            f'prediction and target must both be (N, H, W), got '
            f'{tuple(labels.shape)} and {tuple(target.shape)}'
        )
    frames, side = len(labels), num_classes + 2
    # row and column 0: below all classes, last ones: above; row 0 also
    # takes what is ignored
    row = target.to(labels.device, torch.int32).clamp(-1, num_classes)
    row.masked_fill_(target.to(labels.device) == ignore_index, -1)
    column = labels.to(torch.int32).clamp(-1, num_classes)
    index = torch.add(column, row, alpha=side).add_(side + 1)
    start = torch.arange(frames, device=index.device, dtype=torch.int32)
    index += (start * side * side).view(-1, 1, 1)
    counts = count(index, frames * side * side).view(frames, side, side)
    counts[..., -1] += counts[..., 0]
    return counts[:, 1:, 1:]


def semantic_sums(
    labels: Tensor,
    target: Tensor,
    num_classes: int,
    ignore_index: int = IGNORE_INDEX,
) -> Dict[str, Tensor]:
    """Reduce one clip to all that any protocol needs of it.

    Args:
        labels (Tensor): (T, H, W) predicted labels.
        target (Tensor): (T, H, W) true labels.
        num_classes (int): K.
        ignore_index (int): See :func:`confusion_counts`.

    Returns:
        dict[str, Tensor]: ``iou`` and ``f_score`` (K,), sums over the frames
        in which the class is predicted or true; ``frames`` (K,), their
        number; ``pixels`` (3, K) true positive, false positive and false
        negative; ``length``, frames of the clip; ``invalid`` (2,), pixels
        whose prediction, or truth, is not a class.
    """
    labels, target = as_tensor(labels), as_tensor(target)
    pairs = confusion_counts(labels, target, num_classes, ignore_index)
    hits = pairs.diagonal(dim1=1, dim2=2)[:, :-1]
    false_alarms = pairs.sum(1)[:, :-1] - hits
    misses = pairs.sum(2)[:, :-1] - hits
    pixels = torch.stack([hits, false_alarms, misses])
    tp, fp, fn = pixels.to(widest_float(pixels.device))
    return dict(
        iou=(tp / (tp + fp + fn)).nansum(0),
        f_score=f_measure(tp, fp, fn).nansum(0),
        frames=(tp + fp + fn > 0).sum(0),
        pixels=pixels.sum(1),
        length=torch.tensor(len(labels)),
        invalid=torch.stack([pairs[:, :, -1].sum(), pairs[:, -1].sum()]),
    )
