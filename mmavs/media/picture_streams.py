"""Pictures that are not a video: of a folder, or in memory."""

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Iterator, List, Sequence

import numpy as np

from mmavs.media.in_memory import Picture as MemoryPicture
from mmavs.media.in_memory import is_path, to_bgr
from mmavs.media.picture_files import read_picture
from mmavs.media.video import Picture


class FolderPictures:
    """Pictures, one per second, read as the data sets read them.

    Args:
        pictures (Sequence): In the order of time: files, or what
            :func:`~mmavs.media.in_memory.to_bgr` takes.

    Attributes are those of :class:`~mmavs.media.video.VideoPictures`.

    Raises:
        FileNotFoundError: A file is absent.
        TypeError, ValueError: There is no picture, or one is damaged, of
            another size than the first, or not a picture.
    """

    start = 0.0
    rate = Fraction(1)
    pixel_aspect = Fraction(1)
    missing = None

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
            yield Picture(float(second), 1.0, partial(self._read, second))

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
