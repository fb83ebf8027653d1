"""What was found in each second, in memory."""

from typing import Any, Iterator, List, NamedTuple, Tuple

import numpy as np

from mmavs.media.picture_files import resize_labels

from .mask_frames import MaskFrame, from_png


class Instance(NamedTuple):
    """One thing in one mask.

    Of a model without instances, all that belongs to one class is one thing.

    Attributes:
        start (float): From which second its mask stands.
        end (float): To which.
        name (str): Of its class.
        value (int): Of its class: the index, or of a model with instances
            1 + category.
        sounding (bool): Silent ones come only of a model with instances.
        score (float): How sure the model is, 0..1: of a model with instances
            that the thing is there, else the mean probability in its mask.
        box (tuple[int, ...]): x, y, width and height, in pixels.
        rle (dict): Its mask in COCO's run-length code, ``size`` and
            ``counts``, as pycocotools reads it.
    """

    start: float
    end: float
    name: str
    value: int
    sounding: bool
    score: float
    box: Tuple[int, ...]
    rle: dict

    @property
    def mask(self) -> np.ndarray:
        """ndarray: (H, W) bool, at the pictures' size."""
        from pycocotools import mask as coco

        return coco.decode(self.rle).astype(bool)


class Second(NamedTuple):
    """What was found in one second.

    Masks wait as PNG and are decoded when they are asked for, so that a long
    video's seconds can all be kept.

    Attributes:
        start (float): In seconds.
        end (float): In seconds.
        size (tuple[int, int]): Height and width of the pictures.
        fps (int): Masks per second.
        frames (list[MaskFrame]): As many masks, fewer at the end.
    """

    start: float
    end: float
    size: Tuple[int, int]
    fps: int
    frames: List[MaskFrame]

    @property
    def masks(self) -> np.ndarray:
        """ndarray: (fps, H, W) uint8: 0 or 1 of a binary model, else class
        indices.
        """
        labels = [from_png(frame.segmentation) for frame in self.frames]
        if all(frame.binary for frame in self.frames):
            labels = [np.minimum(map_, 1) for map_ in labels]
        return np.stack([resize_labels(map_, self.size) for map_ in labels])

    @property
    def instances(self) -> List[Instance]:
        """list[Instance]: Of all its masks, in the order of time."""
        return [
            Instance(
                frame.index / self.fps,
                (frame.index + 1) / self.fps,
                **_fields(found),
            )
            for frame in self.frames
            for found in frame.objects
        ]


def seconds_of(
    masks: Iterator[MaskFrame], fps: int, size: Tuple[int, int]
) -> Iterator[Second]:
    """Gather masks by the second.

    Args:
        masks (Iterator[MaskFrame]): In the order of time.
        fps (int): Masks per second.
        size (tuple[int, int]): Height and width of the pictures.

    Yields:
        Second: As soon as its masks are there.
    """
    frames: List[MaskFrame] = []
    for frame in masks:
        frames.append(frame)
        if (frame.index + 1) % fps == 0:
            yield _second(frames, fps, size)
            frames = []
    if frames:
        yield _second(frames, fps, size)


def _second(
    frames: List[MaskFrame], fps: int, size: Tuple[int, int]
) -> Second:
    start, end = frames[0].index / fps, (frames[-1].index + 1) / fps
    return Second(start, end, size, fps, frames)


def _fields(found: dict) -> dict:
    kept = ('name', 'value', 'sounding', 'score', 'box', 'rle')
    fields: dict[str, Any] = {name: found[name] for name in kept}
    return dict(fields, box=tuple(found['box']))
