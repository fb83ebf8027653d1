"""From a script to photographs: what is seen in one clip."""

import functools
from pathlib import Path
from typing import List, Tuple

import cv2
import numpy as np

from mmavs.media.listing import list_images
from mmavs.media.picture_files import read_picture

from ..synthetic.scene import FRAME_OFFSET, VIDEO_FPS, place_apart
from ..synthetic.script import ClipScript
from .looks import draw_cut_out, draw_upright_motion, paste
from .material import Material

_PAN = 0.02  # of the camera, in shares of the shorter side per second
_WINDOW = (0.6, 0.9)  # of the background's shorter side
_STREAM = 1  # of the script's random numbers


@functools.lru_cache(maxsize=32)
def _read_background(folder: Path) -> List[np.ndarray]:
    return [read_picture(path) for path in list_images(folder)]


class ComposedScene:
    """Cut-outs on a background, at any time and size.

    Args:
        script (ClipScript): Who is visible.
        size (tuple[int, int]): Height and width in pixels.
        material (Material): What there is to draw.
    """

    def __init__(
        self, script: ClipScript, size: Tuple[int, int], material: Material
    ) -> None:
        rng = script.rng(_STREAM)
        self.size, self.scale = size, min(size)
        self.extent = np.array(size[::-1]) / self.scale
        self.cut_outs = []
        for label in script.visible:
            files = material.classes[label].pictures[script.split]
            path = material.folder / files[rng.integers(len(files))]
            self.cut_outs.append(draw_cut_out(label, path, rng, self.scale))
        times = np.arange(script.num_frames) + FRAME_OFFSET
        self.motions = place_apart(
            rng,
            self.cut_outs,
            times,
            self.extent,
            draw_motion=draw_upright_motion,
        )
        self.pan = rng.uniform(-_PAN, _PAN, 2)
        self._place_background(rng, material, script)
        self.noise = rng.normal(
            0, rng.uniform(1, 5), (size[0] + 32, size[1] + 32, 3)
        ).astype(np.float32)

    def _place_background(
        self, rng: np.random.Generator, material: Material, script: ClipScript
    ) -> None:
        """Choose a background, a window of it and its light."""
        names = material.backgrounds[script.split]
        path = material.folder / names[rng.integers(len(names))]
        self.pictures = _read_background(path)
        height, width = self.pictures[0].shape[:2]
        height_out, width_out = self.size
        largest = min(height / height_out, width / width_out)
        self.zoom = largest * rng.uniform(*_WINDOW)
        room = np.array([width, height]) - self.zoom * np.array(
            [width_out, height_out]
        )
        self.corner = room * rng.uniform(0.15, 0.85, 2)
        self.mirrored = rng.random() < 0.5
        self.light = np.float32(
            rng.uniform(0.8, 1.15) * rng.uniform(0.95, 1.05, 3)
        )
        self.first = rng.integers(len(self.pictures))

    def render(self, t: float) -> Tuple[np.ndarray, np.ndarray]:
        """Draw the scene at time ``t`` in seconds.

        Returns:
            tuple: The frame (H, W, 3) uint8 BGR, and (H, W) uint8 with
            ``label + 1`` of the object seen in a pixel, 0 for none.
        """
        image = self._background(t)
        owner = np.zeros(self.size, np.uint8)
        for cut_out, motion in zip(self.cut_outs, self.motions):
            center = motion.position([t], self.extent)[0] + self.pan * t
            angle = motion.angle + motion.spin * t
            paste(image, owner, cut_out, tuple(center * self.scale), angle)
        row, column = int(t * 97) % 32, int(t * 61) % 32
        height, width = self.size
        image += self.noise[row : row + height, column : column + width]
        return np.clip(image, 0, 255).astype(np.uint8), owner

    def _background(self, t: float) -> np.ndarray:
        """Cut the window out of the background, (H, W, 3) float32."""
        height, width = self.size
        index = (self.first + int(t * VIDEO_FPS)) % len(self.pictures)
        left, top = self.corner - self.pan * t * self.scale * self.zoom
        way = np.array([[self.zoom, 0, left], [0, self.zoom, top]])
        image = cv2.warpAffine(
            self.pictures[index],
            way,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        if self.mirrored:
            image = image[:, ::-1]
        return image * self.light
