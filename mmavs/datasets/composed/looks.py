"""What cut-outs look like in a clip: pose, light, blur and soft edges."""

import functools
from pathlib import Path
from typing import NamedTuple, Tuple

import cv2
import numpy as np

from mmavs.media.picture_files import open_picture

from ..synthetic.scene import Motion

RADIUS = (0.18, 0.30)  # half of the longer side, in shares of the frame's
_TILT = 0.3  # radians at most
_SPIN = 0.12  # radians per second at most


class CutOut(NamedTuple):
    """One instance's appearance.

    Attributes:
        label (int): Index of its class.
        pixels (np.ndarray): (h, w, 4) float32: BGR in 0..255 times opacity,
            and opacity in 0..1; as large as it is drawn.
        radius (float): Half of the longer side in shares of the frame's
            shorter side.
    """

    label: int
    pixels: np.ndarray
    radius: float


@functools.lru_cache(maxsize=512)
def _read(path: Path) -> np.ndarray:
    """Read a prepared cut-out, (h, w, 4) float32, premultiplied."""
    rgba = np.asarray(open_picture(path).convert('RGBA'))
    pixels = rgba[..., [2, 1, 0, 3]].astype(np.float32)
    pixels[..., 3] /= 255
    pixels[..., :3] *= pixels[..., 3:]
    return pixels


def draw_cut_out(
    label: int, path: Path, rng: np.random.Generator, scale: int
) -> CutOut:
    """Draw an instance: its size, stretch, mirroring, light and blur.

    Args:
        label (int): Index of its class.
        path (Path): A prepared cut-out.
        rng (np.random.Generator): Source of its parameters.
        scale (int): The frame's shorter side in pixels.

    Returns:
        CutOut: Ready to paste.
    """
    pixels = _read(path)
    radius = rng.uniform(*RADIUS)
    stretch = rng.uniform(0.9, 1.1)
    mirrored = rng.random() < 0.5
    light = rng.uniform(0.75, 1.2) * rng.uniform(0.94, 1.06, 3)
    contrast = rng.uniform(0.85, 1.15)
    blur = rng.uniform(0.3, 0.9) * scale / 224
    height, width = pixels.shape[:2]
    width *= stretch
    factor = 2 * radius * scale / max(height, width)
    size = [max(3, round(factor * n)) for n in (width, height)]
    pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    pixels = np.pad(pixels, ((3, 3), (3, 3), (0, 0)))
    if mirrored:
        pixels = pixels[:, ::-1]
    pixels = cv2.GaussianBlur(pixels, (0, 0), blur)
    colors, alpha = pixels[..., :3], pixels[..., 3:]
    mean = 110 * alpha  # of a photograph of medium light
    colors = ((colors - mean) * contrast + mean) * light
    colors = np.clip(colors, 0, 255 * alpha)
    return CutOut(label, np.dstack([colors, alpha]).astype(np.float32), radius)


def draw_upright_motion(
    rng: np.random.Generator, extent: np.ndarray, margin: float = 0.14
) -> Motion:
    """Draw a slow path of something that stands about upright."""
    heading, speed = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.07)
    return Motion(
        start=rng.uniform(margin, extent - margin),
        velocity=speed * np.array([np.cos(heading), np.sin(heading)]),
        angle=rng.uniform(-_TILT, _TILT),
        spin=rng.uniform(-_SPIN, _SPIN),
    )


def paste(
    image: np.ndarray,
    owner: np.ndarray,
    cut_out: CutOut,
    center: Tuple[float, float],
    angle: float,
) -> None:
    """Draw one object over what is there.

    Args:
        image (np.ndarray): (H, W, 3) float32 BGR in 0..255, changed.
        owner (np.ndarray): (H, W) uint8, changed: ``label + 1`` where the
            object is more than half opaque.
        cut_out (CutOut): What to draw.
        center (tuple): x, y in pixels.
        angle (float): Rotation in radians.
    """
    height, width = owner.shape
    tall, wide = cut_out.pixels.shape[:2]
    reach = 0.5 * np.hypot(tall, wide) + 1
    left, right = _span(center[0], reach, width)
    top, bottom = _span(center[1], reach, height)
    if left >= right or top >= bottom:
        return
    cos, sin = np.cos(angle), np.sin(angle)
    x0, y0 = (wide - 1) / 2, (tall - 1) / 2
    x, y = center[0] - 0.5 - left, center[1] - 0.5 - top
    way = np.array(
        [
            [cos, -sin, x - cos * x0 + sin * y0],
            [sin, cos, y - sin * x0 - cos * y0],
        ]
    )
    patch = cv2.warpAffine(cut_out.pixels, way, (right - left, bottom - top))
    window = np.s_[top:bottom, left:right]
    cover = patch[..., 3:]
    image[window] *= 1 - cover
    image[window] += patch[..., :3]
    owner[window][cover[..., 0] > 0.5] = cut_out.label + 1


def _span(center: float, reach: float, size: int) -> Tuple[int, int]:
    """Pixels from center - reach to center + reach that exist."""
    return max(int(center - reach), 0), min(int(center + reach) + 2, size)
