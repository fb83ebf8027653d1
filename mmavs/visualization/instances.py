"""Instances of a frame: one map, one picture."""

from typing import List, Optional, Sequence, Tuple

import cv2
import numpy as np
from mmengine.structures import InstanceData

from mmavs.structures import DEFAULT_THRESHOLD

from .paint import paint_regions, palette_for
from .regions import Region, lay_out


def instance_map(
    instances: InstanceData, threshold: Optional[float] = None
) -> np.ndarray:
    """Lay the instances of a frame out in one map.

    Args:
        instances (InstanceData): ``masks`` (M, H, W) bool, ``labels`` (M,)
            and ``sounding_probs`` (M,).
        threshold (float, optional): Leave out instances that sound with this
            probability or a lower one. None keeps all.

    Returns:
        ndarray: (H, W) uint8, 1 + category; where instances overlap, the
        one that sounds most probably.
    """
    return lay_out(
        instances.masks.cpu().numpy(),
        instances.labels.cpu().numpy(),
        instances.sounding_probs.cpu().numpy(),
        threshold,
    )


def instance_regions(
    instances: InstanceData, classes: Sequence[str], threshold: float
) -> List[Region]:
    """Name the instances of a frame.

    Args:
        instances (InstanceData): See :func:`instance_map`.
        classes (Sequence[str]): K names.
        threshold (float): Sounding probability above which one sounds.

    Returns:
        list[Region]: Their values in :func:`instance_map`, and as names the
        category with its sounding probability in percent.
    """
    rows = zip(instances.labels.tolist(), instances.sounding_probs.tolist())
    return [
        Region(
            label + 1,
            f'{classes[label]} {100 * probability:.0f}%',
            probability > threshold,
        )
        for label, probability in rows
    ]


def draw_instances(
    image: np.ndarray,
    instances: InstanceData,
    classes: Sequence[str],
    threshold: float = DEFAULT_THRESHOLD,
    min_width: int = 224,
) -> np.ndarray:
    """Paint what sounds, each instance in its own colour with its label.

    Silent instances are outlined. Labels are the category and how probably
    it sounds.

    Args:
        image (ndarray): (H, W, 3) uint8 RGB.
        instances (InstanceData): See :func:`instance_map`, of any size.
        classes (Sequence[str]): K names.
        threshold (float): Sounding probability above which one sounds.
            Defaults to 0.5.
        min_width (int): Smaller pictures are enlarged, so that labels can be
            read.

    Returns:
        ndarray: (H', W', 3) uint8 RGB.
    """
    scale = max(1, -(-min_width // image.shape[1]))
    size: Tuple[int, int] = (image.shape[1] * scale, image.shape[0] * scale)
    image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    if not len(instances):
        return image
    return paint_regions(
        image,
        instance_map(instances),
        instance_regions(instances, classes, threshold),
        palette_for(len(classes) + 1),
    )
