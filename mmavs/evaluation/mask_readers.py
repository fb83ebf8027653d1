"""Mask files of many makers, as labels or probabilities."""

from pathlib import Path
from typing import Optional, Sequence, Union

import numpy as np

from mmavs.media.picture_files import open_picture, resize_labels

from .mask_files import decode_probability

Size = Optional[Sequence[int]]


def read_binary(
    path: Union[str, Path], size: Size = None, backend: str = 'pillow'
) -> np.ndarray:
    """Read a black and white mask.

    Args:
        path (str or Path): 0 and 255 (or 1 and 254, by rounding), 0 and 1,
            or a palette of black and white.
        size (Sequence[int], optional): Width and height to resize to.
        backend (str): See :func:`resize_labels`.

    Returns:
        np.ndarray: (H, W) uint8 of 0 and 1.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: Other values, or a damaged file.
    """
    from mmavs.datasets.masks import read_mask

    image = open_picture(path)
    try:
        # Colours first: a palette may put white anywhere.
        mask = read_mask(path, 'near-binary')
    except ValueError as error:
        if image.mode not in ('L', 'P') or np.asarray(image).max() > 1:
            raise ValueError(
                f'{_reason(error)} Fix: for predicted probabilities --soft, '
                'for class labels --semantic; else write black and white '
                'without smoothing or JPEG.'
            ) from None
        mask = read_mask(path, 'index', num_classes=2)
    return _resize(mask, size, backend)


def read_labels(
    path: Union[str, Path],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    size: Size = None,
    backend: str = 'pillow',
) -> np.ndarray:
    """Read class labels: indices in one channel, or colours.

    Args:
        path (str or Path): The file; 255 in an index mask is not a label.
        classes (Sequence[str]): K names.
        palette (Sequence): K colours.
        size (Sequence[int], optional): Width and height to resize to.
        backend (str): See :func:`resize_labels`.

    Returns:
        np.ndarray: (H, W) uint8.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: An index or colour of no class, or a damaged file.
    """
    from mmavs.datasets.masks import read_mask

    colored = open_picture(path).mode in ('RGB', 'RGBA')
    try:
        labels = read_mask(
            path,
            'palette' if colored else 'index',
            num_classes=len(classes),
            palette=palette,
            ignore_index=255,
        )
    except ValueError as error:
        raise ValueError(
            f'{_reason(error)} Fix: name every class in the file of --classes '
            f'(there are {len(classes)}); black and white masks are not class '
            'labels.'
        ) from None
    return _resize(labels, size, backend)


def read_soft(path: Union[str, Path]) -> np.ndarray:
    """Read probabilities from a grey picture of 8 or 16 bits.

    Returns:
        np.ndarray: (H, W) float32 in [0, 1].

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: More than one channel, or a damaged file.
    """
    image = open_picture(path)
    levels = np.asarray(image)
    if levels.ndim != 2 or image.mode == 'P':
        raise ValueError(
            f'{path} has mode {image.mode}, probabilities need one grey '
            'channel. Fix: write them as tools/test.py --soft-masks does, or '
            'leave --soft out.'
        )
    return decode_probability(levels)


def _reason(error: ValueError) -> str:
    """Leave out a remedy that is meant for a data set's masks."""
    return str(error).partition(' Fix: ')[0]


def _resize(mask: np.ndarray, size: Size, backend: str) -> np.ndarray:
    """Bring a mask to a width and height, if they are given."""
    if size is None:
        return mask
    return resize_labels(mask, size[::-1], backend)
