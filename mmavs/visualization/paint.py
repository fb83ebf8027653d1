"""Sounding objects painted over one picture, with their names."""

from typing import Dict, List, Sequence

import cv2
import numpy as np

from mmavs.media.picture_files import resize_labels

from .regions import Region
from .sheets import line_width, overlay

SILENT = (190, 190, 190)
_TEXT_SHARE = 0.045  # of the picture's shorter side
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def paint_regions(
    image: np.ndarray,
    labels: np.ndarray,
    regions: Sequence[Region],
    palette: Sequence[Sequence[int]],
    alpha: float = 0.6,
    names: bool = True,
) -> np.ndarray:
    """Paint what sounds, outline what is silent, and write names.

    Args:
        image (ndarray): (H, W, 3) uint8 RGB.
        labels (ndarray): (h, w) uint8; enlarged to the picture if smaller.
        regions (Sequence[Region]): What the values stand for; others stay
            unpainted.
        palette (Sequence): RGB colour of each value.
        alpha (float): Opacity of the paint, 0..1.
        names (bool): Write each region's name at its top.

    Returns:
        ndarray: (H, W, 3) uint8 RGB.
    """
    labels = resize_labels(labels, image.shape[:2])
    shown = np.zeros(256, np.uint8)
    for region in regions:
        if region.sounding:
            shown[region.value] = region.value
    image = overlay(image, shown[labels], palette, alpha)
    for region in regions:
        mask = (labels == region.value).astype(np.uint8)
        if not mask.any():
            continue
        if not region.sounding:
            _outline(image, mask)
        if names and region.name:
            _write(image, mask, region.name)
    return image


def palette_for(num_values: int) -> List[List[int]]:
    """Give colours that tell values apart; value 0 is black."""
    from mmavs.datasets.avss_classes import AVSS_PALETTE

    colours = [list(colour) for colour in AVSS_PALETTE[1:]]
    return [
        [0, 0, 0],
        *(colours[i % len(colours)] for i in range(num_values - 1)),
    ]


def _outline(image: np.ndarray, mask: np.ndarray) -> None:
    contours, _ = cv2.findContours(
        mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    cv2.drawContours(image, contours, -1, SILENT, line_width(image))


def text_style(image: np.ndarray) -> Dict:
    """Say how text is written on a picture: it grows along."""
    side = min(image.shape[:2])
    return dict(
        fontFace=_FONT,
        fontScale=max(side * _TEXT_SHARE / 22, 0.3),  # 22 px high at scale 1
        thickness=max(1, side // 400),
    )


def _write(image: np.ndarray, mask: np.ndarray, text: str) -> None:
    """Write in white on a dark line, at the top of a region."""
    style = text_style(image)
    (width, height), base = cv2.getTextSize(text, **style)
    top = int(mask.any(axis=1).argmax())
    left = int(mask[top].argmax())
    left = max(0, min(left, image.shape[1] - width))
    bottom = max(height + base, min(top, image.shape[0] - base))
    cv2.rectangle(
        image,
        (left, bottom - height - base // 2),
        (left + width, bottom + base),
        (30, 30, 30),
        -1,
    )
    cv2.putText(
        image,
        text,
        (left, bottom),
        color=(255, 255, 255),
        lineType=cv2.LINE_AA,
        **style,
    )
