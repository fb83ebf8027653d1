"""What the synthetic objects look like.

An outline is a function of object coordinates (u, v) (the object reaches
about 1) that is positive inside and falls off by about 1 per unit of length,
so that ``outline * radius`` is the distance to the edge in pixels. A texture
gives the share of the second colour, in 0..1.
"""

import colorsys
from typing import Callable, Dict, NamedTuple, Tuple

import numpy as np

from .classes import CLASSES

Field = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _polygon(corners: int, apothem: float) -> Field:
    """Give the outline of a regular polygon."""
    angles = np.arange(corners) * 2 * np.pi / corners

    def outline(u, v):
        sides = [u * np.sin(a) + v * np.cos(a) for a in angles]
        return apothem - np.maximum.reduce(sides)

    return outline


def _star(u, v):
    """Give a star of five points: a pentagon whose sides bend inwards."""
    radius = np.hypot(u, v)
    fold = np.abs((np.arctan2(v, u) / (0.4 * np.pi) + 0.5) % 1 - 0.5)
    return 0.45 - radius * np.cos(fold * 0.4 * np.pi - 0.28 * np.pi) * 0.76


def _cross(u, v):
    return np.maximum(
        np.minimum(0.3 - np.abs(u), 0.95 - np.abs(v)),
        np.minimum(0.95 - np.abs(u), 0.3 - np.abs(v)),
    )


def _flower(u, v):
    edge = 0.72 + 0.22 * np.cos(6 * np.arctan2(v, u))
    return (edge - np.hypot(u, v)) * 0.7


SHAPES: Dict[str, Field] = {
    'disc': lambda u, v: 0.92 - np.hypot(u, v),
    'star': _star,
    'square': lambda u, v: 0.78 - np.maximum(np.abs(u), np.abs(v)),
    'triangle': _polygon(3, 0.48),
    'ring': lambda u, v: 0.2 - np.abs(np.hypot(u, v) - 0.74),
    'cross': _cross,
    'crescent': lambda u, v: np.minimum(
        0.95 - np.hypot(u, v), np.hypot(u - 0.5, v) - 0.72
    ),
    'bar': lambda u, v: np.minimum(0.98 - np.abs(u), 0.36 - np.abs(v)),
    'flower': _flower,
    'hexagon': _polygon(6, 0.84),
}

TEXTURES: Dict[str, Field] = {
    'plain': lambda u, v: 0.25 * (v + 1) / 2,
    'rings': lambda u, v: (np.hypot(u, v) * 3.2 % 1 > 0.5) * 1.0,
    'stripes': lambda u, v: (u * 2.6 % 1 > 0.5) * 1.0,
    'checker': lambda u, v: ((u * 2.4 % 1 > 0.5) ^ (v * 2.4 % 1 > 0.5)) * 1.0,
    'halves': lambda u, v: (np.abs(u) > np.abs(v)) * 1.0,
    'dots': lambda u, v: (
        (np.hypot((u * 2 + 0.5) % 1 - 0.5, (v * 2 + 0.5) % 1 - 0.5) < 0.3)
        * 1.0
    ),
    'petals': lambda u, v: (np.hypot(u, v) < 0.34) * 1.0,
    'hatch': lambda u, v: ((u + v) * 3.4 % 1 > 0.65) * 1.0,
}


class ObjectLook(NamedTuple):
    """One instance's appearance.

    Attributes:
        label (int): Index into ``CLASSES``.
        colors (tuple): Two BGR colours in 0..255.
        radius (float): Share of the frame's shorter side.
        squeeze (float): Width over height of the outline, about 1.
    """

    label: int
    colors: Tuple[np.ndarray, np.ndarray]
    radius: float
    squeeze: float


def draw_look(label: int, rng: np.random.Generator) -> ObjectLook:
    """Draw an instance of class ``label``."""
    hue = CLASSES[label].hue + rng.uniform(-0.035, 0.035)
    first = _bgr(hue, rng.uniform(0.65, 1.0), rng.uniform(0.7, 1.0))
    second = _bgr(hue + rng.uniform(-0.05, 0.05), 0.35, rng.uniform(0.1, 0.35))
    return ObjectLook(
        label,
        (first, second),
        radius=rng.uniform(0.11, 0.20),
        squeeze=rng.uniform(0.85, 1.18),
    )


def _bgr(hue: float, saturation: float, value: float) -> np.ndarray:
    rgb = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return np.array(rgb[::-1], dtype=np.float32) * 255


def paint(
    image: np.ndarray,
    owner: np.ndarray,
    look: ObjectLook,
    center: Tuple[float, float],
    angle: float,
    scale: float,
) -> None:
    """Draw one object over what is there.

    Args:
        image (np.ndarray): (H, W, 3) float32 BGR in 0..255, changed.
        owner (np.ndarray): (H, W) uint8, changed: ``label + 1`` of the object
            that shows in a pixel.
        look (ObjectLook): What to draw.
        center (tuple): x, y in pixels.
        angle (float): Rotation in radians.
        scale (float): Pixels per unit of ``look.radius``.
    """
    radius = look.radius * scale
    reach = radius * 1.25
    height, width = owner.shape
    left, right = _span(center[0], reach, width)
    top, bottom = _span(center[1], reach, height)
    if left >= right or top >= bottom:
        return
    x = (np.arange(left, right, dtype=np.float32) + 0.5 - center[0]) / radius
    y = (np.arange(top, bottom, dtype=np.float32) + 0.5 - center[1]) / radius
    cos, sin = np.cos(angle), np.sin(angle)
    u = (cos * x[None] + sin * y[:, None]) / look.squeeze
    v = (-sin * x[None] + cos * y[:, None]) * look.squeeze
    kind = CLASSES[look.label]
    cover = np.clip(SHAPES[kind.shape](u, v) * radius + 0.5, 0, 1)[..., None]
    share = TEXTURES[kind.texture](u, v)[..., None]
    color = look.colors[0] * (1 - share) + look.colors[1] * share
    window = np.s_[top:bottom, left:right]
    image[window] += cover * (color - image[window])
    owner[window][cover[..., 0] > 0.5] = look.label + 1


def _span(center: float, reach: float, size: int) -> Tuple[int, int]:
    """Pixels from center - reach to center + reach that exist."""
    first = max(int(center - reach), 0)
    return first, min(int(center + reach) + 2, size)
