"""Mask files of many makers, as labels or probabilities."""

from pathlib import Path
from typing import Optional, Sequence, Tuple, Union

import numpy as np
from PIL import Image

from .mask_files import decode_probability

Size = Optional[Sequence[int]]


def read_binary(path: Union[str, Path], size: Size = None) -> np.ndarray:
    """Read a black and white mask.

    Args:
        path (str or Path): 0 and 255, 0 and 1, or a palette of black and
            white.
        size (Sequence[int], optional): Width and height to resize to
            (nearest).

    Returns:
        np.ndarray: (H, W) uint8 of 0 and 1.

    Raises:
        ValueError: Other values.
    """
    from mmavs.datasets.masks import read_mask

    path = Path(path)
    with Image.open(path) as image:
        plain = image.mode in ('L', 'P')
        zero_one = plain and (image.getextrema() or (0, 255))[1] <= 1
    if zero_one:
        return _resize(read_mask(path, 'index', num_classes=2), size)
    try:
        mask = read_mask(path, 'binary')
    except ValueError as error:
        raise ValueError(
            f'{error} If the greys are probabilities: --soft.'
        ) from None
    return _resize(mask, size)


def read_labels(
    path: Union[str, Path],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    size: Size = None,
) -> np.ndarray:
    """Read class labels: indices in one channel, or colours.

    Args:
        path (str or Path): The file; 255 in an index mask is no label.
        classes (Sequence[str]): K names.
        palette (Sequence): K colours.
        size (Sequence[int], optional): Width and height to resize to
            (nearest).

    Returns:
        np.ndarray: (H, W) uint8.

    Raises:
        ValueError: An index or colour of no class.
    """
    from mmavs.datasets.masks import read_mask

    with Image.open(path) as image:
        colored = image.mode in ('RGB', 'RGBA')
    labels = read_mask(
        path,
        'palette' if colored else 'index',
        num_classes=len(classes),
        palette=palette,
        ignore_index=255,
    )
    return _resize(labels, size)


def read_soft(path: Union[str, Path]) -> np.ndarray:
    """Read probabilities from a grey picture of 8 or 16 bits.

    Returns:
        np.ndarray: (H, W) float32 in [0, 1].

    Raises:
        ValueError: More than one channel.
    """
    with Image.open(path) as image:
        levels = np.asarray(image)
        mode = image.mode
    if levels.ndim != 2 or mode == 'P':
        raise ValueError(
            f'{path} has mode {mode}, probabilities need one grey channel'
        )
    return decode_probability(levels)


def _resize(mask: np.ndarray, size: Size) -> np.ndarray:
    """Resize as the pipelines do, to (width, height)."""
    if size is None or mask.shape == (size[1], size[0]):
        return mask
    import cv2

    target: Tuple[int, int] = (size[0], size[1])
    return cv2.resize(mask, target, interpolation=cv2.INTER_NEAREST)
