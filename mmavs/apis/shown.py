"""Which mask is on screen at which time."""

from math import floor
from typing import Dict, Iterator, List, NamedTuple, Tuple

import numpy as np

from mmavs.visualization.regions import Region

from .mask_frames import MaskFrame, MaskReader
from .motion import Motion, warp
from .timing import picture_time

OVERLAY_FPS = 6  # masks per second on screen, at least
_NOISE = 24.0  # grey levels by which what is seen again may differ
_FADE = 1 / 3  # seconds from one mask to the next
_PATCH = 15  # pixels on a side in which what is seen is compared
_DOUBT = 0.05  # weight of what is not seen again

Shown = Tuple[np.ndarray, List[Region]]


class ComputedMasks:
    """Shows mask m from m / fps to (m + 1) / fps.

    Args:
        masks (Iterator[MaskFrame]): In the order of time.
        fps (int): Masks per second.
        reader (MaskReader): Says what a mask shows.
    """

    def __init__(
        self, masks: Iterator[MaskFrame], fps: int, reader: MaskReader
    ) -> None:
        self.fps, self._masks, self._reader = fps, masks, reader
        self._index, self._shown = -1, None

    def at(self, index: int) -> Shown:
        """Labels and regions of step ``index``, or of the last there is."""
        frame = None
        while self._index < index:
            following = next(self._masks, None)
            if following is None:
                break
            frame, self._index = following, following.index
        if frame is not None:
            regions = self._reader.regions(frame)
            self._shown = self._reader.labels(frame), regions
        return self._shown


class FittedMasks:
    """Shows more masks than were computed, fitted to what moves.

    Mask m stands for the sound from m / fps to (m + 1) / fps, and is made
    from a picture near the end of that time: shown as it is, it runs ahead of
    what moves by up to a second. Here a step between takes the evidence of
    the two masks whose sound is nearest in time, from one to the next within
    a third of a second; each is moved to where the picture has, and counts
    for less in places that look otherwise than in the picture that it was
    made from (as after a cut).

    Args:
        masks (Iterator[MaskFrame]): In the order of time.
        fps (int): Masks per second.
        reader (MaskReader): Says what a mask shows.
        motion (Motion): Has seen the pictures of these masks.
        size (tuple[int, int]): Height and width of the masks.
    """

    def __init__(
        self,
        masks: Iterator[MaskFrame],
        fps: int,
        reader: MaskReader,
        motion: Motion,
        size: Tuple[int, int],
    ) -> None:
        self.fps, self._size = motion.fps, size
        self._masks, self._masks_fps, self._reader = masks, fps, reader
        self._motion = motion
        self._frames: Dict[int, MaskFrame] = {}
        self._last, self._step, self._shown = -1, -1, None

    def at(self, index: int) -> Shown:
        """Labels and regions of step ``index``."""
        if index != self._step:
            self._step = index
            self._shown = self._fit(index)
        return self._shown

    def _fit(self, step: int) -> Shown:
        place = (step + 0.5) / self.fps * self._masks_fps - 0.5
        before = floor(place)
        self._read_to(before + 1)
        # the last mask may be the only one, and the step beyond the last
        before = min(before, self._last)
        after = min(before + 1, self._last)
        # near the middle of its time a mask stands alone
        period = 1 / self._masks_fps
        share = 0.5 + (place - before - 0.5) * max(period / _FADE, 1.0)
        share = min(max(share, 0.0), 1.0)
        weights = {max(before, 0): 1 - share}
        weights[after] = weights.get(after, 0.0) + share
        step = min(step, self._motion.count - 1)
        parts = [
            self._moved(self._frames[mask], step, weight)
            for mask, weight in weights.items()
            if weight
        ]
        self._forget(before, step)
        nearest = sorted(parts, key=lambda part: part.weight)
        regions = {
            region.value: region
            for part in nearest
            for region in self._reader.regions(part.frame)
        }
        return blend(parts, self._size), list(regions.values())

    def _moved(self, frame: MaskFrame, step: int, weight: float) -> 'Part':
        """Bring a mask's evidence to a step."""
        import cv2

        motion = self._motion
        seen = floor(picture_time(frame.index, self._masks_fps) * self.fps)
        seen = min(seen, motion.count - 1)
        here = motion.picture(step)
        maps = frame.evidence.maps.transpose(1, 2, 0)
        sure = np.full(here.shape, weight, np.float32)
        way = motion.between(step, seen)
        if len(frame.evidence.values):
            maps = _as_3d(cv2.resize(maps, here.shape[::-1]))
        else:
            maps = np.empty((*here.shape, 0), np.float32)
        if way is not None:
            if maps.shape[-1]:
                maps = warp(maps, way)
            there = warp(motion.picture(seen), way)
            apart = cv2.absdiff(here, there).astype(np.float32) / _NOISE
            alike = cv2.blur(np.exp(-(apart**2)), (_PATCH, _PATCH))
            sure *= np.maximum(alike, _DOUBT)
        return Part(frame, weight, maps, sure)

    def _read_to(self, mask: int) -> None:
        while self._last < mask:
            frame = next(self._masks, None)
            if frame is None:
                return
            self._last = frame.index
            self._frames[frame.index] = frame

    def _forget(self, mask: int, step: int) -> None:
        for old in [m for m in self._frames if m < mask]:
            del self._frames[old]
        self._motion.forget(step)


class Part(NamedTuple):
    """What one mask says at a step.

    Attributes:
        frame (MaskFrame): The mask.
        weight (float): By its time.
        maps (ndarray): (h, w, V) float32, its evidence, moved.
        sure (ndarray): (h, w) float32, its weight by time and by sight.
    """

    frame: MaskFrame
    weight: float
    maps: np.ndarray
    sure: np.ndarray


def blend(parts: List[Part], size: Tuple[int, int]) -> np.ndarray:
    """Decide, from the weighted mean of evidence.

    First whether there is anything, from each mask's strongest value, then
    which value: where one mask says a guitar and the next a violin, there is
    never nothing between them.

    Args:
        parts (list[Part]): Of the masks around a step.
        size (tuple[int, int]): Height and width of what is wanted.

    Returns:
        ndarray: (H, W) uint8, 0 or a value.
    """
    import cv2

    total = sum(part.sure for part in parts)
    anything = sum(part.sure * _strongest(part.maps) for part in parts) / total
    by_value: Dict[int, np.ndarray] = {}
    for part in parts:
        for i, value in enumerate(part.frame.evidence.values):
            said = part.sure * (part.maps[..., i] + 1)
            by_value[value] = by_value.get(value, 0) + said
    there = cv2.resize(anything, size[::-1]) > 0
    values = np.array([0, *by_value], np.uint8)
    if len(by_value) < 2:
        return there * values[-1]
    maps = [cv2.resize(m, size[::-1]) for m in by_value.values()]
    return there * values[1 + np.argmax(maps, axis=0)]


def _strongest(maps: np.ndarray) -> np.ndarray:
    if maps.shape[-1]:
        return maps.max(axis=-1)
    return np.full(maps.shape[:2], -1, np.float32)


def _as_3d(maps: np.ndarray) -> np.ndarray:
    """OpenCV drops a last axis of one."""
    return maps.reshape(*maps.shape[:2], -1)
