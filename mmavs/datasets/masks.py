"""Masks on disk, in whatever encoding, to class indices."""

from pathlib import Path
from typing import Optional, Sequence, Union

import numpy as np
from PIL import Image

from mmavs.media.picture_files import open_picture
from mmavs.warn_once import WarnOnce

ENCODINGS = ('binary', 'near-binary', 'index', 'palette')
_ROUNDING = 1  # grey levels by which 'near-binary' may miss black and white
_warn_near = WarnOnce()


def category_map_path(
    mask_path: Union[str, Path],
    masks: str = 'gt_masks',
    categories: str = 'gt_categories',
) -> Optional[Path]:
    """Say where the category map of a mask is, there or not.

    Args:
        mask_path (str or Path): Of the mask.
        masks (str): Folder of the masks, at any height; the last one counts.
        categories (str): Folder of the maps, which stands in its place.

    Returns:
        Path or None: None for a mask that lies in no such folder.
    """
    parts = list(Path(mask_path).parts)
    if masks not in parts[:-1]:
        return None
    place = len(parts) - 1 - parts[::-1].index(masks)
    parts[place] = categories
    return Path(*parts)


def read_mask(
    path: Union[str, Path],
    encoding: str,
    num_classes: int = 2,
    palette: Optional[Sequence[Sequence[int]]] = None,
    ignore_index: Optional[int] = None,
) -> np.ndarray:
    """Read a mask as class indices.

    Args:
        path (str or Path): A picture, as Pillow reads it.
        encoding (str): ``'binary'``: black is 0 and white is 1, in modes 1,
            L, P and RGB; ``'near-binary'``: the same, and 1 and 254, which
            rounding explains, count as black and white, with one warning a
            run; ``'index'``: raw values are classes, in modes L, P and 16
            bit; ``'palette'``: colours are classes.
        num_classes (int): K; larger indices are an error.
        palette (Sequence, optional): K RGB colours, for ``'palette'``.
        ignore_index (int, optional): A further value that ``'index'`` masks
            may hold, for pixels without a label.

    Returns:
        np.ndarray: (H, W) uint8 in 0..K-1.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: An unknown encoding, a damaged file, or values that the
            encoding does not have; a black and white mask whose transparency
            says otherwise than its colours.
    """
    image = open_picture(path)
    if encoding in ('binary', 'near-binary'):
        return _binary(image, path, near=encoding == 'near-binary')
    if encoding == 'index':
        return _indices(image, path, num_classes, ignore_index)
    if encoding == 'palette':
        return _colors(image, path, palette)
    raise ValueError(
        f'unknown mask encoding {encoding!r}. Fix: take one of {ENCODINGS}'
    )


def _binary(
    image: Image.Image, path: Union[str, Path], near: bool
) -> np.ndarray:
    """Black and white in any mode to 0 and 1."""
    if image.mode in ('1', 'L'):
        values = np.asarray(image.convert('L'))
    else:
        # Colours, not indices: a palette may put white anywhere.
        colors = np.asarray(image.convert('RGB'))
        if (colors != colors[..., :1]).any():
            raise ValueError(
                f'{path} is a colour picture, not a black and white mask. '
                "Fix: AVSDataset(mask_encoding='palette'), or convert it."
            )
        values = colors[..., 0]
    mask = values >= 255 - _ROUNDING if near else values == 255
    odd = (values != 0) & (values != 255)
    if odd.any() and not (near and _is_rounded(values, mask, path)):
        raise ValueError(
            f'{path} holds values other than 0 and 255 '
            f'({_few(values[odd])}). Fix: save it without smoothing or '
            "JPEG; if 0 and 1 are classes, AVSDataset(mask_encoding='index')."
        )
    _check_alpha(image, mask, path)
    return mask.astype(np.uint8)


def _is_rounded(
    values: np.ndarray, mask: np.ndarray, path: Union[str, Path]
) -> bool:
    """Whether rounding explains what is neither 0 nor 255; say so once.

    Not where nothing is white: 1 is then a class index.
    """
    rounded = bool(mask.any() and values[~mask].max(initial=0) <= _ROUNDING)
    if rounded:
        _warn_near(
            f'{path} holds values beside 0 and 255 ({_few(values)}), which '
            'are taken for these. (The released loader of MS3 trains on '
            'value / 255.)'
        )
    return rounded


def _check_alpha(
    image: Image.Image, mask: np.ndarray, path: Union[str, Path]
) -> None:
    """Refuse a mask that is drawn in its transparency, not in its colours."""
    if 'A' not in image.mode and 'transparency' not in image.info:
        return
    alpha = np.asarray(image.convert('RGBA'))[..., 3]
    if alpha.min() != alpha.max() and ((alpha == 255) != mask).any():
        raise ValueError(
            f'{path} says one thing by its colours and another by its '
            'transparency. Fix: save it in black and white without an alpha '
            'channel.'
        )


def _indices(
    image: Image.Image,
    path: Union[str, Path],
    num_classes: int,
    ignore_index: Optional[int],
) -> np.ndarray:
    """Raw values as classes."""
    labels = np.asarray(image)
    if labels.ndim != 2:
        raise ValueError(
            f'{path} has mode {image.mode}, class indices need one channel. '
            "Fix: for colours, AVSDataset(mask_encoding='palette')."
        )
    labels = labels.astype(np.int64)
    bad = (labels < 0) | (labels >= num_classes)
    if ignore_index is not None:
        bad &= labels != ignore_index
    if bad.any():
        raise ValueError(
            f'{path} holds labels outside 0..{num_classes - 1} '
            f'({_few(labels[bad])}). Fix: correct the mask, or the classes '
            'of the data set; for pixels without a label set '
            'LoadFrameMask(ignore_index=255).'
        )
    return labels.astype(np.uint8)


def _colors(
    image: Image.Image,
    path: Union[str, Path],
    palette: Optional[Sequence[Sequence[int]]],
) -> np.ndarray:
    """Exact colours as classes."""
    if palette is None:
        raise ValueError("encoding='palette' needs the colours of the classes")
    codes = _pack(np.asarray(palette))
    order = np.argsort(codes, kind='stable')
    found = _pack(np.asarray(image.convert('RGB')))
    slots = np.searchsorted(codes[order], found).clip(max=len(codes) - 1)
    labels = order[slots]
    unknown = codes[labels] != found
    if unknown.any():
        row, column = np.argwhere(unknown)[0]
        color = tuple(
            int(found[row, column]) >> shift & 255 for shift in (16, 8, 0)
        )
        raise ValueError(
            f'{path} holds colours of no class: RGB {color} at row {row}, '
            f'column {column}, {int(unknown.sum())} pixels in all. Fix: '
            'save the mask without smoothing or JPEG, or correct the palette.'
        )
    return labels.astype(np.uint8)


def _pack(colors: np.ndarray) -> np.ndarray:
    """RGB (..., 3) to one number each."""
    red, green, blue = np.moveaxis(colors.astype(np.int64), -1, 0)
    return red << 16 | green << 8 | blue


def _few(values: np.ndarray) -> str:
    """Name the first values, e.g. '3, 7, 9, ...'."""
    unique = np.unique(values)
    return ', '.join(map(str, unique[:5])) + (', ...' * (len(unique) > 5))
