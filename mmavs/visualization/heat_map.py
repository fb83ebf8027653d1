"""Maps of any value range, drawn over frames."""

from typing import List, Sequence

import cv2
import numpy as np


def heat_overlay(
    images: Sequence[np.ndarray], maps: np.ndarray, alpha: float = 0.6
) -> List[np.ndarray]:
    """Draw a clip's maps over its frames, dark for low and bright for high.

    The range is that of the whole clip, so frames can be compared.

    Args:
        images (Sequence[ndarray]): T frames, (H, W, 3) uint8 RGB.
        maps (ndarray): (T, h, w) float, any range; enlarged bilinearly.
        alpha (float): Opacity, 0..1.

    Returns:
        list[ndarray]: T pictures (H, W, 3) uint8 RGB.
    """
    low, high = float(maps.min()), float(maps.max())
    scaled = (maps - low) / max(high - low, 1e-12)
    pictures = []
    for image, heat in zip(images, scaled):
        size = image.shape[1::-1]
        heat = cv2.resize(heat.astype(np.float32), size)
        level = (np.clip(heat, 0, 1) * 255).round().astype(np.uint8)
        colour = cv2.applyColorMap(level, cv2.COLORMAP_INFERNO)[..., ::-1]
        mixed = (1 - alpha) * image.astype(np.float32) + alpha * colour
        pictures.append(mixed.round().astype(np.uint8))
    return pictures
