"""Names of what is painted, in a corner of the picture."""

from typing import Sequence

import cv2
import numpy as np

from .paint import SILENT, text_style
from .regions import Region
from .sheets import line_width

_MOST = 0.25  # of the picture
_PAPER = (30, 30, 30)
_INK = (255, 255, 255)


def draw_legend(
    image: np.ndarray,
    regions: Sequence[Region],
    palette: Sequence[Sequence[int]],
) -> np.ndarray:
    """Write the names of regions, each beside its colour, top left.

    A sounding one has a patch of its colour, a silent one an outline. Left
    out where it would hide a quarter of the picture.

    Args:
        image (ndarray): (H, W, 3) uint8 RGB; drawn on.
        regions (Sequence[Region]): Those of the picture; the order is that of
            their values, so that lines do not jump.
        palette (Sequence): RGB colour of each value.

    Returns:
        ndarray: ``image``.
    """
    rows = {r.value: r for r in sorted(regions, key=lambda r: r.sounding)}
    if not rows:
        return image
    style = text_style(image)
    sizes = [cv2.getTextSize(r.name, **style)[0] for r in rows.values()]
    height = max(size[1] for size in sizes)
    line, gap = 2 * height, max(2, height // 2)
    width = max(size[0] for size in sizes) + height + 3 * gap
    bottom, right = gap + line * len(rows) + gap, gap + width
    if bottom * right > _MOST * image.shape[0] * image.shape[1]:
        return image
    cv2.rectangle(image, (gap, gap), (right, bottom), _PAPER, -1)
    for row, (value, region) in enumerate(sorted(rows.items())):
        top = gap + gap + row * line
        corners = (2 * gap, top), (2 * gap + height, top + height)
        if region.sounding:
            colour = [int(c) for c in palette[value]]
            cv2.rectangle(image, *corners, colour, -1)
        else:
            cv2.rectangle(image, *corners, SILENT, line_width(image))
        cv2.putText(
            image,
            region.name,
            (3 * gap + height, top + height),
            color=_INK,
            lineType=cv2.LINE_AA,
            **style,
        )
    return image
