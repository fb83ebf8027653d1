"""From K = 1 logits and labels to what binary losses compare."""

from typing import Tuple

from torch import Tensor

from mmavs.utils.precision import at_least_float32


def binary_target(
    logits: Tensor, target: Tensor, ignore_index: int, name: str
) -> Tuple[Tensor, Tensor, Tensor]:
    """Prepare a binary loss, in float32 or wider.

    Args:
        logits (Tensor): (L, 1, H, W), raw.
        target (Tensor): (L, H, W) int64; 0 is background, ``ignore_index``
            is not counted, anything else sounds.
        ignore_index (int): See ``target``.
        name (str): The loss, for the error.

    Returns:
        tuple: logits (L, H, W), float64 if they came so, else float32;
        foreground (L, H, W) in {0, 1}, of the same dtype; valid (L, H, W)
        bool.

    Raises:
        ValueError: The logits have several channels.
    """
    if logits.shape[1] != 1:
        raise ValueError(
            f'{name} compares one channel with a binary mask, but gets '
            f'{logits.shape[1]}. Mend: set out_channels=1 in the decode '
            'head, or use FrameCrossEntropyLoss.'
        )
    valid = target != ignore_index
    scores = at_least_float32(logits.squeeze(1))
    foreground = ((target != 0) & valid).to(scores.dtype)
    return scores, foreground, valid
