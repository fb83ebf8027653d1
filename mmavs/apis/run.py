"""One video's way from its files to those that are written."""

from math import ceil
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Union

from mmavs.media.picture_files import has_opencv
from mmavs.media.sources import Media

from .mask_frames import MaskFrame
from .motion import Motion
from .outputs import Outputs
from .painting import (
    Painter,
    alpha_painter,
    overlay_painter,
    plain_painter,
    write_videos,
)
from .seconds import Second, seconds_of
from .shown import OVERLAY_FPS, ComputedMasks, FittedMasks
from .streaming import StreamSegmenter, limited

Progress = Union[bool, Callable[[float], None]]


class Run:
    """Segments one video, and writes what is asked for.

    Args:
        segmenter (StreamSegmenter): Gives the masks.
        media (Media): The video.
        outputs (Outputs): Checked.
        keep (bool): Keep ``seconds``.

    Attributes:
        rows (list[dict]): The summary's, one per mask.
        missing (list[dict]): See :meth:`StreamSegmenter.masks`.
        seconds (list[Second]): If kept.
    """

    def __init__(
        self,
        segmenter: StreamSegmenter,
        media: Media,
        outputs: Outputs,
        keep: bool,
    ) -> None:
        self.segmenter, self.media, self.outputs = segmenter, media, outputs
        self.keep = keep
        self.rows: List[dict] = []
        self.missing: List[dict] = []
        self.seconds: List[Second] = []
        self._frames: List[MaskFrame] = []

    def go(self, opacity: float, progress: Progress) -> None:
        """Do it.

        Args:
            opacity (float): Of the overlay's paint, 0..1.
            progress (bool or callable): Show a bar, or be told which second
                is done.
        """
        painters = self._painters(opacity)
        fps = self.segmenter.fps
        # what moves is followed by OpenCV
        fitted = bool(painters) and fps < OVERLAY_FPS and has_opencv()
        motion = Motion(OVERLAY_FPS) if fitted else None
        watch = {} if motion is None else dict(passing=motion.see)
        masks = self.segmenter.masks(self.media, self.missing, **watch)
        masks = _told(self._record(masks), self.media, fps, progress)
        reader = self.segmenter.reader
        if motion is not None:
            size = limited(self.media.pictures.size, self.segmenter.max_size)
            shown = FittedMasks(masks, fps, reader, motion, size)
        else:
            shown = ComputedMasks(masks, fps, reader)
        if painters:
            write_videos(painters, self.media, shown)
        for _ in masks:  # those that no picture stands for
            pass
        size = self.media.pictures.size
        self.seconds = list(seconds_of(iter(self._frames), fps, size))

    def _painters(self, opacity: float) -> Dict[Path, Painter]:
        painters = {}
        palette = self.segmenter.reader.palette
        if self.outputs.video is not None:
            paint = overlay_painter if has_opencv() else plain_painter
            painters[self.outputs.video] = paint(palette, opacity)
        if self.outputs.alpha is not None:
            path = self.outputs.alpha
            painters[path] = alpha_painter(path)
        return painters

    def _record(self, masks: Iterator[MaskFrame]) -> Iterator[MaskFrame]:
        """Write each mask's files and its row while it passes."""
        fps, size = self.segmenter.fps, self.media.pictures.size
        for frame in masks:
            if not self.rows:  # inputs and model have shown that they work
                self.outputs.begin()
            row = dict(
                start=round(frame.index / fps, 4),
                end=round((frame.index + 1) / fps, 4),
                objects=frame.objects,
            )
            if self.outputs.folder is not None:
                row['files'] = self.outputs.write_masks(frame, size)
            self.rows.append(row)
            if self.keep:
                self._frames.append(frame)
            yield frame


def _told(
    masks: Iterator[MaskFrame], media: Media, fps: int, progress: Progress
) -> Iterator[MaskFrame]:
    """Say how far it is while masks pass."""
    try:
        from rich.markup import escape
        from rich.progress import Progress as Bar
    except ImportError:  # where exported models run it may not be
        yield from _reported(masks, fps, progress)
        return
    seconds = media.pictures.duration
    total = None if seconds is None else ceil(seconds * fps)
    with Bar(disable=progress is not True) as bar:
        task = bar.add_task(f'masks of {escape(media.name)}', total=total)
        for frame in _reported(masks, fps, progress):
            bar.advance(task)
            yield frame


def _reported(
    masks: Iterator[MaskFrame], fps: int, progress: Progress
) -> Iterator[MaskFrame]:
    """Say how far it is to whoever asked, without a bar."""
    for frame in masks:
        if callable(progress):
            progress((frame.index + 1) / fps)
        yield frame
