"""How the pictures of a video move, step by step, at a small size."""

from typing import Dict, Optional

import numpy as np

from mmavs.media.video import Picture

from .timing import TOLERANCE

SIDE = 128  # pixels on the longer side
_KEPT = 16  # steps behind the one asked for


class Motion:
    """Watches pictures as they pass; says what moved where.

    Displacements come from dense inverse search (Kroeger et al., "Fast
    Optical Flow using Dense Inverse Search", ECCV 2016) between neighbouring
    steps, and are chained over several: from one picture to one per second
    later nothing could be followed.

    Args:
        fps (int): Steps per second; step k is the picture on screen at
            (k + 0.5) / fps.
    """

    def __init__(self, fps: int) -> None:
        import cv2

        self.fps = fps
        self.count = 0  # steps that have passed
        self._small: Dict[int, np.ndarray] = {}
        self._ways: Dict[tuple, Optional[np.ndarray]] = {}
        preset = cv2.DISOPTICAL_FLOW_PRESET_FAST
        self._search = cv2.DISOpticalFlow_create(preset)

    def see(self, picture: Picture) -> None:
        """Take the steps at which a picture is on screen."""
        until = picture.time + picture.seconds - TOLERANCE
        small = None
        # of a video shorter than a step, its first picture
        while not self.count or (self.count + 0.5) / self.fps < until:
            small = _small(picture.read()) if small is None else small
            self._small[self.count] = small
            self.count += 1

    def picture(self, step: int) -> np.ndarray:
        """Give a step's picture, (h, w) uint8, grey and small."""
        return self._small[step]

    def between(self, step: int, other: int) -> Optional[np.ndarray]:
        """Say where what is seen at one step lies at another.

        Args:
            step (int): k.
            other (int): Before it or after it.

        Returns:
            ndarray: (h, w, 2) float32, in pixels to the right and down; None
            if nothing moved at all.
        """
        if step == other:
            return None
        key = step, other
        if key not in self._ways:
            beside = step + (1 if other > step else -1)
            self._ways[key] = _chained(
                self._search_between(step, beside),
                self.between(beside, other),
            )
        return self._ways[key]

    def forget(self, step: int) -> None:
        """Keep nothing of what lies long before a step."""
        first = step - _KEPT
        self._small = {k: p for k, p in self._small.items() if k >= first}
        self._ways = {k: w for k, w in self._ways.items() if min(k) >= first}

    def _search_between(self, step: int, other: int) -> Optional[np.ndarray]:
        here, there = self._small[step], self._small[other]
        if here is there or np.array_equal(here, there):
            return None
        return self._search.calc(here, there, None)


def _chained(
    near: Optional[np.ndarray], far: Optional[np.ndarray]
) -> Optional[np.ndarray]:
    """Go on from where the first displacement leads; None is no motion."""
    if near is None or far is None:
        return far if near is None else near
    return near + warp(far, near)


def warp(maps: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    """Fetch from where things lie at another step.

    Args:
        maps (ndarray): (h, w) or (h, w, C) float32 or uint8, of that step.
        displacement (ndarray): (h, w, 2), see :meth:`Motion.between`.

    Returns:
        ndarray: Of the shape of ``maps``; what lies outside is as at the
        border.
    """
    import cv2

    height, width = displacement.shape[:2]
    grid = np.empty_like(displacement)
    grid[..., 0] = displacement[..., 0] + np.arange(width, dtype=np.float32)
    grid[..., 1] = displacement[..., 1]
    grid[..., 1] += np.arange(height, dtype=np.float32)[:, None]
    layers = maps.reshape(height, width, -1)
    warped = [
        cv2.remap(
            np.ascontiguousarray(layers[..., i]),
            grid,
            None,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for i in range(layers.shape[-1])
    ]
    return np.stack(warped, axis=-1).reshape(maps.shape)


def _small(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) BGR -> (h, w) grey, at least as large as the search needs."""
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    # the search halves pictures, and fails on those of a few pixels
    size = max(16, round(width * scale)), max(16, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
