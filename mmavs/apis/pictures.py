"""Pictures of a video or of a folder, one at a time, in order."""

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Callable, Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmavs.utils.media import (
    decode,
    duration,
    open_media,
    picture_stream,
    upright,
)
from mmavs.utils.pictures import read_picture

_MAX_JUMP = 600  # seconds between two pictures or two pieces of sound


class Picture(NamedTuple):
    """One picture.

    Attributes:
        time (float): When it comes on screen, in seconds after the first one.
        read (callable): Gives (H, W, 3) uint8 BGR, a video's upright.
            Converting costs time, so it is left to those who need the pixels.
    """

    time: float
    read: Callable[[], np.ndarray]


class VideoPictures:
    """The pictures of a video file; can be gone through more than once.

    Args:
        path (str or Path): Anything that FFmpeg reads.

    Attributes:
        size (tuple[int, int]): Height and width, upright.
        rate (Fraction): Mean pictures per second, as the file states it.
        duration (float or None): In seconds, as the file states it.
        start (float): When the first picture comes on screen, on the clock
            that the file's sound counts from.
        pixel_aspect (Fraction): Width by height of a pixel, upright.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no video, has no pictures, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        with open_media(self.path) as container:
            stream = picture_stream(container, self.path)
            first = next(self._decode(container), None)
            if first is None:
                raise ValueError(
                    f'{self.path} has a video track without a single picture '
                    'in it. Mend: record or download it again.'
                )
            self.start = first.time or 0.0
            self.turns = round(first.rotation / 90) % 4
            self.size = first.height, first.width
            self.rate = Fraction(stream.average_rate or 25)
            self.pixel_aspect = Fraction(stream.sample_aspect_ratio or 1)
            self.duration = duration(container, stream)
        if self.turns % 2:
            self.size = self.size[::-1]
            self.pixel_aspect = 1 / self.pixel_aspect

    def __iter__(self) -> Iterator[Picture]:
        with open_media(self.path) as container:
            time = -1.0
            for frame in self._decode(container):
                # Without a time stamp, or with one that goes back, a picture
                # follows the one before it at the file's mean rate.
                stated = None if frame.time is None else frame.time
                following = time + float(1 / self.rate)
                if stated is None or stated - self.start <= time:
                    time = max(following, 0.0)
                else:
                    check_jump(self.path, stated - self.start - time)
                    time = stated - self.start
                yield Picture(time, partial(upright, frame, self.turns))

    def _decode(self, container) -> Iterator:
        stream = picture_stream(container, self.path)
        stream.thread_type = 'AUTO'
        return decode(container, stream, self.path)


class FolderPictures:
    """Picture files, one a second, read as the data sets read them.

    Args:
        paths (Sequence[Path]): In the order of time.

    Attributes are those of :class:`VideoPictures`.

    Raises:
        ValueError: There is no picture, or one is damaged or of another size
            than the first.
    """

    start = 0.0
    rate = Fraction(1)
    pixel_aspect = Fraction(1)

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        if not self.paths:
            raise ValueError('a clip needs at least one picture, got none')
        self.path = self.paths[0].parent
        self.size = _read_file(self.paths[0], None).shape[:2]
        self.duration = float(len(self.paths))

    def __iter__(self) -> Iterator[Picture]:
        for second, path in enumerate(self.paths):
            yield Picture(
                float(second), lambda path=path: _read_file(path, self.size)
            )


def check_jump(path: Path, seconds: float) -> None:
    """Refuse time stamps that leap, as after a broken recording.

    Raises:
        ValueError: They leap by more than ten minutes.
    """
    if seconds > _MAX_JUMP:
        raise ValueError(
            f'{path}: time stamps leap forward by {seconds:.0f} s. Mend: '
            f'"ffmpeg -fflags +genpts -i {path.name} repaired.mp4".'
        )


def _read_file(path: Path, size: Optional[Tuple[int, int]]) -> np.ndarray:
    image = read_picture(path)
    if size is not None and image.shape[:2] != size:
        raise ValueError(
            f'{path} is {image.shape[1]} x {image.shape[0]}, the first frame '
            f'{size[1]} x {size[0]}. Mend: use frames of one size.'
        )
    return image
