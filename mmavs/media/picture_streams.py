"""Pictures of a video or of a folder, one at a time, in order."""

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Callable, Iterator, List, NamedTuple, Sequence

import numpy as np

from mmavs.compat.av_files import (
    decode,
    duration,
    open_media,
    picture_stream,
    upright,
)
from mmavs.media.in_memory import Picture as MemoryPicture
from mmavs.media.in_memory import is_path, to_bgr
from mmavs.media.picture_files import read_picture

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
        files (list[Path]): What is read.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no video, has no pictures, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.files = [self.path]
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
    """Pictures, one a second, whose files are read as the data sets read them.

    Args:
        pictures (Sequence): In the order of time: files, or what
            :func:`~mmavs.media.in_memory.to_bgr` takes.

    Attributes are those of :class:`VideoPictures`.

    Raises:
        FileNotFoundError: A file is absent.
        TypeError, ValueError: There is no picture, or one is damaged, of
            another size than the first, or not a picture.
    """

    start = 0.0
    rate = Fraction(1)
    pixel_aspect = Fraction(1)

    def __init__(self, pictures: Sequence[MemoryPicture]) -> None:
        self.pictures = list(pictures)
        if not self.pictures:
            raise ValueError('a clip needs at least one picture, got none')
        self.files = [Path(p) for p in self.pictures if is_path(p)]
        self.size = self._read(0).shape[:2]
        self.duration = float(len(self.pictures))

    @property
    def names(self) -> List[str]:
        """What the pictures are called."""
        return [self._name(second) for second in range(len(self.pictures))]

    def __iter__(self) -> Iterator[Picture]:
        for second in range(len(self.pictures)):
            yield Picture(float(second), partial(self._read, second))

    def _read(self, second: int) -> np.ndarray:
        picture, name = self.pictures[second], self._name(second)
        if is_path(picture):
            image = read_picture(picture)
        else:
            image = to_bgr(picture, name)
        (height, width), first = image.shape[:2], getattr(self, 'size', None)
        if first not in (None, (height, width)):
            raise ValueError(
                f'{name} is {width} x {height}, the first one {first[1]} x '
                f'{first[0]}. Fix: use pictures of one size.'
            )
        return image

    def _name(self, second: int) -> str:
        picture = self.pictures[second]
        if is_path(picture):
            return str(picture)
        return f'picture {second} of the clip'


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
