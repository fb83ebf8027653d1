"""Resizing of pictures and of logits on arrays; OpenCV is not needed."""

from typing import Sequence, Tuple

import numpy as np
from PIL import Image

_CUBIC = -0.75  # OpenCV's parameter of the cubic kernel
_PILLOW = {
    'bilinear': Image.Resampling.BILINEAR,
    'bicubic': Image.Resampling.BICUBIC,
    'nearest': Image.Resampling.NEAREST,
}
INTERPOLATIONS = ('bilinear', 'bicubic')


def resize_picture(
    image: np.ndarray, size: Sequence[int], backend: str, interpolation: str
) -> np.ndarray:
    """Resize a picture as mmcv's ``Resize`` does.

    Args:
        image (ndarray): (H, W, 3) uint8.
        size (Sequence[int]): Height and width.
        backend (str): 'pillow', or 'cv2', of which values may differ by 1:
            OpenCV computes in whole numbers.
        interpolation (str): 'bilinear' or 'bicubic'.

    Returns:
        ndarray: (h, w, 3) uint8.
    """
    if image.shape[:2] == tuple(size):
        return image
    if backend == 'pillow':
        picture = Image.fromarray(np.ascontiguousarray(image))
        return np.asarray(picture.resize(size[::-1], _PILLOW[interpolation]))
    resized = image.astype(np.float32)
    for axis in (0, 1):
        resized = _along(resized, axis, size[axis], interpolation, False)
    return resized.round().clip(0, 255).astype(np.uint8)


def resize_maps(
    maps: np.ndarray, size: Sequence[int], align_corners: bool = False
) -> np.ndarray:
    """Resize (..., h, w) float maps bilinearly, as PyTorch does."""
    for axis, side in zip((-2, -1), size):
        maps = _along(maps, axis, side, 'bilinear', align_corners)
    return maps


def _along(
    values: np.ndarray,
    axis: int,
    size: int,
    interpolation: str,
    align_corners: bool,
) -> np.ndarray:
    """Resize one axis to a size."""
    old = values.shape[axis]
    if old == size:
        return values
    if align_corners:
        places = np.linspace(0, old - 1, size)
    else:
        places = (np.arange(size) + 0.5) * (old / size) - 0.5
    if interpolation == 'bilinear':
        places = places.clip(0, old - 1)
    first = np.floor(places).astype(int)
    shape = [1] * values.ndim
    shape[axis] = size
    total = 0
    for offset, weight in _weights(places - first, interpolation):
        taken = values.take((first + offset).clip(0, old - 1), axis)
        total = total + taken * weight.astype(np.float32).reshape(shape)
    return total


def _weights(share: np.ndarray, interpolation: str) -> Sequence[Tuple]:
    """Neighbours of a place, and how much each counts."""
    if interpolation == 'bilinear':
        return (0, 1 - share), (1, share)
    near, far = share, 1 - share
    return (
        (-1, _outer(1 + near)),
        (0, _inner(near)),
        (1, _inner(far)),
        (2, _outer(1 + far)),
    )


def _inner(x: np.ndarray) -> np.ndarray:
    """The cubic kernel for distances up to 1."""
    return ((_CUBIC + 2) * x - (_CUBIC + 3)) * x * x + 1


def _outer(x: np.ndarray) -> np.ndarray:
    """The cubic kernel for distances from 1 to 2."""
    return ((_CUBIC * x - 5 * _CUBIC) * x + 8 * _CUBIC) * x - 4 * _CUBIC
