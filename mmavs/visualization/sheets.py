"""Pictures of clips, as pure functions on arrays.

A sheet has one column a frame and one row a thing: frames, ground truth,
prediction, and each second's log-mel beneath.
"""

from typing import List, Optional, Sequence, Tuple

import cv2
import numpy as np

IGNORED = 255
_GAP = 4  # pixels between cells
_CAPTION = 18  # height of a row's caption
_PAPER = 255
_INK = (40, 40, 40)
# log(mel + 0.01) of digital silence and of a loud band, for the grey scale
_LOG_MEL_RANGE = (-4.6, 2.5)


def overlay(
    image: np.ndarray,
    mask: np.ndarray,
    palette: Sequence[Sequence[int]],
    alpha: float = 0.6,
) -> np.ndarray:
    """Paint the classes of a mask over an image.

    Args:
        image (ndarray): (H, W, 3) uint8 RGB.
        mask (ndarray): (H, W) integer labels; 0 (background) and 255
            (unlabelled) stay unpainted.
        palette (Sequence): RGB colour of each class.
        alpha (float): Opacity of the paint, 0..1.

    Returns:
        ndarray: (H, W, 3) uint8.

    Raises:
        ValueError: A label has no colour.
    """
    painted = (mask != 0) & (mask != IGNORED)
    if painted.any() and mask[painted].max() >= len(palette):
        raise ValueError(
            f'label {int(mask[painted].max())} has no colour in '
            f'a palette of {len(palette)}'
        )
    if mask.shape != image.shape[:2]:
        image = cv2.resize(
            image, mask.shape[::-1], interpolation=cv2.INTER_AREA
        )
    colours = np.asarray(palette, dtype=np.float32)
    result = image.astype(np.float32)
    labels = mask[painted]
    result[painted] = (1 - alpha) * result[painted] + alpha * colours[labels]
    result = result.round().astype(np.uint8)
    return _outline(result, painted)


def _outline(image: np.ndarray, painted: np.ndarray) -> np.ndarray:
    """Draw a white line around the painted region."""
    contours, _ = cv2.findContours(
        painted.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    image = np.ascontiguousarray(image)
    white, width = (255, 255, 255), line_width(image)
    return cv2.drawContours(image, contours, -1, white, width)


def line_width(image: np.ndarray) -> int:
    """Give the width in pixels of a line that can be seen: it grows along."""
    return max(1, round(min(image.shape[:2]) / 300))


def log_mel_strip(log_mel: np.ndarray, width: int, height: int) -> np.ndarray:
    """Draw one second of log-mel, time to the right, low bands at the bottom.

    Args:
        log_mel (ndarray): (frames, bands), natural logarithm.
        width (int): In pixels.
        height (int): In pixels.

    Returns:
        ndarray: (height, width, 3) uint8 RGB.
    """
    low, high = _LOG_MEL_RANGE
    scaled = np.clip((log_mel.T[::-1] - low) / (high - low), 0, 1)
    grey = (scaled * 255).astype(np.uint8)
    grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_NEAREST)
    coloured = cv2.applyColorMap(grey, cv2.COLORMAP_MAGMA)
    return cv2.cvtColor(coloured, cv2.COLOR_BGR2RGB)


def sheet(
    rows: List[Tuple[str, List[np.ndarray]]], title: str = ''
) -> np.ndarray:
    """Lay captioned rows of cells out on one page.

    Args:
        rows (list): ``(caption, cells)``; every cell (h, w, 3) uint8 RGB, of
            one size within a row.
        title (str): Printed on top.

    Returns:
        ndarray: (H, W, 3) uint8 RGB.
    """
    page = []
    if title:
        page.append(('title', title))
    for caption, cells in rows:
        page.append(('caption', caption))
        page.append(('cells', _join(cells)))
    width = max(
        [b.shape[1] for kind, b in page if kind == 'cells'] + [8 * len(title)]
    )
    strips = [
        _fill(block, width) if kind == 'cells' else _text(block, width)
        for kind, block in page
    ]
    return np.concatenate(strips, axis=0)


def stack(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Lay pictures out one below the other.

    Args:
        pictures (Sequence[ndarray]): Each (h, w, 3) uint8 RGB.

    Returns:
        ndarray: (H, W, 3) uint8 RGB.
    """
    width = max(picture.shape[1] for picture in pictures)
    return np.concatenate([_fill(picture, width) for picture in pictures])


def _join(cells: List[np.ndarray]) -> np.ndarray:
    gap = np.full((cells[0].shape[0], _GAP, 3), _PAPER, np.uint8)
    parts = [part for cell in cells for part in (cell, gap)][:-1]
    return np.concatenate(parts, axis=1)


def _fill(block: np.ndarray, width: int) -> np.ndarray:
    pad = ((0, _GAP), (0, width - block.shape[1]), (0, 0))
    return np.pad(block, pad, constant_values=_PAPER)


def _text(text: str, width: int) -> np.ndarray:
    strip = np.full((_CAPTION, width, 3), _PAPER, np.uint8)
    return cv2.putText(
        strip,
        text,
        (2, _CAPTION - 5),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.42,
        _INK,
        1,
        cv2.LINE_AA,
    )


def clip_sheet(
    images: Sequence[np.ndarray],
    palette: Sequence[Sequence[int]],
    ground_truth: Optional[np.ndarray] = None,
    prediction: Optional[np.ndarray] = None,
    log_mel: Optional[np.ndarray] = None,
    title: str = '',
    min_width: int = 128,
    more_rows: Sequence[Tuple[str, List[np.ndarray]]] = (),
) -> np.ndarray:
    """Draw a clip: frames, ground truth, prediction and sound.

    Args:
        images (Sequence[ndarray]): T frames, (H, W, 3) uint8 RGB.
        palette (Sequence): RGB colour of each class.
        ground_truth (ndarray, optional): (T, H, W); 255 marks frames without
            a label, which are said so.
        prediction (ndarray, optional): (T, H, W).
        log_mel (ndarray, optional): (T, frames, bands).
        title (str): Printed on top.
        min_width (int): Small frames are enlarged to it.
        more_rows (Sequence): ``(caption, T pictures)``, shown below the
            prediction at the size of the frames.

    Returns:
        ndarray: (H', W', 3) uint8 RGB.
    """
    scale = max(1, -(-min_width // images[0].shape[1]))
    frames = [_enlarge(image, scale) for image in images]
    rows = [('frames', frames)]
    for caption, masks in (
        ('ground truth', ground_truth),
        ('prediction', prediction),
    ):
        if masks is None:
            continue
        cells = []
        for image, mask in zip(images, masks):
            if (mask == IGNORED).all():
                cells.append(_unlabelled(image, scale))
            else:
                painted = overlay(_as_size(image, mask), mask, palette)
                cells.append(_enlarge_to(painted, frames[0].shape))
        rows.append((caption, cells))
    for caption, pictures in more_rows:
        cells = [_enlarge_to(p, frames[0].shape) for p in pictures]
        rows.append((caption, cells))
    if log_mel is not None:
        width = frames[0].shape[1]
        rows.append(
            (
                'log-mel of each second',
                [log_mel_strip(m, width, 64) for m in log_mel],
            )
        )
    return sheet(rows, title)


def _as_size(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    if image.shape[:2] == mask.shape:
        return image
    return cv2.resize(image, mask.shape[::-1], interpolation=cv2.INTER_AREA)


def _enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    if scale == 1:
        return image
    size = (image.shape[1] * scale, image.shape[0] * scale)
    return cv2.resize(image, size, interpolation=cv2.INTER_NEAREST)


def _enlarge_to(image: np.ndarray, shape: tuple) -> np.ndarray:
    if image.shape[:2] == shape[:2]:
        return image
    return cv2.resize(image, shape[1::-1], interpolation=cv2.INTER_NEAREST)


def _unlabelled(image: np.ndarray, scale: int) -> np.ndarray:
    """A pale frame that says it has no label."""
    pale = _enlarge((image // 4 + 190).astype(np.uint8), scale)
    return cv2.putText(
        np.ascontiguousarray(pale),
        'no label',
        (4, pale.shape[0] // 2),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.45,
        _INK,
        1,
        cv2.LINE_AA,
    )
