"""Mask files of many makers, as labels or probabilities."""

from pathlib import Path
from typing import Optional, Sequence, Union

import numpy as np
from PIL import Image

from .mask_files import decode_probability

Size = Optional[Sequence[int]]


def read_binary(
    path: Union[str, Path], size: Size = None, backend: str = 'pillow'
) -> np.ndarray:
    """Read a black and white mask.

    Args:
        path (str or Path): 0 and 255, 0 and 1, or a palette of black and
            white.
        size (Sequence[int], optional): Width and height to resize to.
        backend (str): See :func:`resize_labels`.

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
        mask = read_mask(path, 'index', num_classes=2)
        return resize_labels(mask, size, backend)
    try:
        mask = read_mask(path, 'binary')
    except ValueError as error:
        raise ValueError(
            f'{error} If the greys are probabilities: --soft.'
        ) from None
    return resize_labels(mask, size, backend)


def read_labels(
    path: Union[str, Path],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    size: Size = None,
    backend: str = 'pillow',
) -> np.ndarray:
    """Read class labels: indices in one channel, or colours.

    Args:
        path (str or Path): The file; 255 in an index mask is no label.
        classes (Sequence[str]): K names.
        palette (Sequence): K colours.
        size (Sequence[int], optional): Width and height to resize to.
        backend (str): See :func:`resize_labels`.

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
    return resize_labels(labels, size, backend)


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


def resize_labels(mask: np.ndarray, size: Size, backend: str) -> np.ndarray:
    """Resize (nearest) to (width, height), as ``Resize(backend=...)`` does.

    The backends round differently: Pillow takes the pixel below the centre,
    OpenCV the one below the corner.
    """
    if size is None or mask.shape == (size[1], size[0]):
        return mask
    from mmcv.image import imresize

    return imresize(mask, tuple(size), False, 'nearest', None, backend)
