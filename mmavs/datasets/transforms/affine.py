"""Rotate, scale and shear a frame with its mask."""

from typing import Dict, Optional, Tuple

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmavs.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomAffine(BaseTransform):
    """Turn a frame about its centre, shrink or enlarge it, and slant it.

    torchvision's ``RandomAffine`` for a frame and its masks, to be used
    inside ``ForEachFrame``, so that a clip moves as one. Masks take the
    nearest pixel, and background from outside.
    CATR's released code (https://arxiv.org/abs/2309.09709) trains with the
    defaults.

    Required and Modified Keys:

    - img (np.ndarray): (H, W, 3) uint8
    - the maps that ``seg_fields`` names: (H, W) uint8

    Args:
        max_degrees (float): Rotation in -x..x.
        scale_range (tuple[float, float]): Above 0. Defaults to (0.5, 1).
        max_shear_degrees (float): Slant along x in -x..x.
        bilinear (bool): Interpolate the frame, instead of taking the nearest
            pixel.
        fill (tuple[int, int, int]): Colour from outside, in the frame's order
            (BGR). Defaults to black.

    Raises:
        ValueError: A range that is empty or not positive.
    """

    def __init__(
        self,
        *,
        max_degrees: float = 20.0,
        scale_range: Tuple[float, float] = (0.5, 1.0),
        max_shear_degrees: float = 10.0,
        bilinear: bool = False,
        fill: Tuple[int, int, int] = (0, 0, 0),
    ) -> None:
        low, high = scale_range
        if not 0 < low <= high or min(max_degrees, max_shear_degrees) < 0:
            raise ValueError(
                'scale_range must be (low, high) with 0 < low <= high and '
                f'degrees must not be negative, got {scale_range}, '
                f'{max_degrees}, {max_shear_degrees}'
            )
        self.max_degrees = max_degrees
        self.scale_range = tuple(scale_range)
        self.max_shear_degrees = max_shear_degrees
        self.bilinear = bilinear
        self.fill = tuple(fill)

    @cache_randomness
    def draw(self) -> Dict[str, float]:
        """Draw rotation (degrees), scale and shear (degrees)."""
        degrees, shear = self.max_degrees, self.max_shear_degrees
        return dict(
            angle=np.random.uniform(-degrees, degrees),
            scale=np.random.uniform(*self.scale_range),
            shear=np.random.uniform(-shear, shear),
        )

    def transform(self, results: dict) -> dict:
        """Move the frame and its maps alike."""
        drawn = self.draw()
        results['img'] = move(
            results['img'], **drawn, bilinear=self.bilinear, fill=self.fill
        )
        for key in results.get('seg_fields', ()):
            results[key] = move(results[key], **drawn)
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(max_degrees={self.max_degrees}, '
            f'scale_range={self.scale_range}, '
            f'max_shear_degrees={self.max_shear_degrees})'
        )


def move(
    picture: np.ndarray,
    angle: float,
    scale: float,
    shear: float,
    bilinear: bool = False,
    fill: Optional[Tuple[int, int, int]] = None,
) -> np.ndarray:
    """Apply an affine map about the centre.

    Args:
        picture (np.ndarray): (H, W) or (H, W, 3) uint8.
        angle (float): Degrees, clockwise.
        scale (float): 1 keeps the size.
        shear (float): Degrees along x.
        bilinear (bool): Interpolate, instead of taking the nearest pixel.
        fill (tuple, optional): Colour from outside; 0 by default.

    Returns:
        np.ndarray: As ``picture``; ``fill`` where nothing comes to lie.
    """
    from PIL import Image
    from torchvision.transforms import functional

    mode = functional.InterpolationMode
    moved = functional.affine(
        Image.fromarray(picture),
        angle,
        [0, 0],
        scale,
        [shear, 0.0],
        mode.BILINEAR if bilinear else mode.NEAREST,
        fill=fill,
    )
    return np.asarray(moved)
