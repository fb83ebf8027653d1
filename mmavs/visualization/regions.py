"""Maps of regions: which value is what."""

from typing import NamedTuple, Optional

import numpy as np


class Region(NamedTuple):
    """One thing in a map of regions.

    Attributes:
        value (int): Its value in the map, 1 or more.
        name (str): Written beside it; '' for nothing.
        sounding (bool): Painted if it sounds, else only outlined.
    """

    value: int
    name: str = ''
    sounding: bool = True


def lay_out(
    masks: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    threshold: Optional[float] = None,
) -> np.ndarray:
    """Lay the instances of a frame out in one map.

    Args:
        masks (ndarray): (M, H, W) bool.
        labels (ndarray): (M,) int, category.
        probabilities (ndarray): (M,), that it sounds.
        threshold (float, optional): Leave out instances that sound with this
            probability or a lower one. None keeps all.

    Returns:
        ndarray: (H, W) uint8, 1 + category; where instances overlap, the
        one that sounds most probably.
    """
    canvas = np.zeros(masks.shape[-2:], np.uint8)
    for i in probabilities.argsort(kind='stable'):
        if threshold is None or probabilities[i] > threshold:
            canvas[masks[i]] = labels[i] + 1
    return canvas
