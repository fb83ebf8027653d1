"""Colour augmentation of whole clips."""

from typing import Tuple

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmavs.registry import TRANSFORMS

Range = Tuple[float, float]


@TRANSFORMS.register_module()
class ClipColorJitter(BaseTransform):
    """Change colours at random, alike in all frames of a clip.

    In this order: brightness (times b), contrast (c times the distance from
    the clip's mean grey), saturation (s times the distance from grey), hue
    (shift by h of the colour circle). Factors are drawn once per clip from
    [1 - x, 1 + x], the hue from [-x, x].

    Required and Modified Keys:

    - frames[t]['img'] (np.ndarray): (H, W, 3) uint8 BGR

    Args:
        brightness (float): x of the brightness, >= 0.
        contrast (float): x of the contrast, >= 0.
        saturation (float): x of the saturation, >= 0.
        hue (float): x of the hue, in 0..0.5.
        prob (float): Share of clips that are changed.

    Raises:
        ValueError: A value outside its range.
    """

    def __init__(
        self,
        brightness: float = 0.0,
        contrast: float = 0.0,
        saturation: float = 0.0,
        hue: float = 0.0,
        prob: float = 1.0,
    ) -> None:
        if min(brightness, contrast, saturation) < 0 or not 0 <= hue <= 0.5:
            raise ValueError(
                'brightness, contrast and saturation must be >= 0 and hue in '
                f'0..0.5, got {brightness}, {contrast}, {saturation}, {hue}'
            )
        self.brightness = _around_one(brightness)
        self.contrast = _around_one(contrast)
        self.saturation = _around_one(saturation)
        self.hue = (-hue, hue)
        self.prob = _check_prob(prob)

    def transform(self, results: dict) -> dict:
        """Draw once, change every frame."""
        if np.random.rand() >= self.prob:
            return results
        brightness = np.random.uniform(*self.brightness)
        contrast = np.random.uniform(*self.contrast)
        saturation = np.random.uniform(*self.saturation)
        hue = np.random.uniform(*self.hue)
        frames = results['frames']
        grey = np.mean([_grey(frame['img']).mean() for frame in frames])
        levels = _level_table(brightness, contrast, brightness * grey)
        for frame in frames:
            image = cv2.LUT(frame['img'], levels)
            image = _saturate(image, saturation)
            frame['img'] = _turn_hue(image, hue)
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(brightness={self.brightness}, '
            f'contrast={self.contrast}, saturation={self.saturation}, '
            f'hue={self.hue}, prob={self.prob})'
        )


def _around_one(spread: float) -> Range:
    return max(0.0, 1 - spread), 1 + spread


def _check_prob(prob: float) -> float:
    if not 0 <= prob <= 1:
        raise ValueError(f'prob must lie in 0..1, got {prob}')
    return prob


def _grey(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def _level_table(
    brightness: float, contrast: float, mean: float
) -> np.ndarray:
    """What becomes of each of the 256 levels, (256,) uint8."""
    levels = np.clip(np.arange(256) * brightness, 0, 255)
    levels = (levels - mean) * contrast + mean
    return np.clip(np.round(levels), 0, 255).astype(np.uint8)


def _saturate(image: np.ndarray, factor: float) -> np.ndarray:
    if factor == 1:
        return image
    grey = cv2.cvtColor(_grey(image), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(image, factor, grey, 1 - factor, 0)


def _turn_hue(image: np.ndarray, shift: float) -> np.ndarray:
    """Shift the hue by a share of the circle (OpenCV has 180 steps)."""
    steps = round(shift * 180) % 180
    if steps == 0:
        return image
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int16) + steps) % 180
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
