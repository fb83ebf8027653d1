"""Pictures and sound that come once, together: a camera, or any generator."""

from collections import deque
from fractions import Fraction
from itertools import chain
from typing import Deque, Iterable, Iterator, List, Tuple

import numpy as np

from mmavs.media.in_memory import check_sound, to_bgr
from mmavs.media.sound_sources import SampledSound
from mmavs.media.video import Picture

Moment = Tuple[object, tuple]
_ITEM = (
    'a generator gives pairs (picture, (waveform, sample_rate)), with the '
    'sound that is heard while the picture is on screen'
)


class LiveMedia:
    """Pairs of a picture and its sound, gone through once.

    The sound is the clock: a picture stays for as long as its sound lasts.
    Pictures and sound may be gone through by several readers at a time; what
    one of them has read waits for the others, and for no one else.

    Args:
        moments (Iterator): Pairs ``(picture, (waveform, sample_rate))``, see
            :mod:`mmavs.media.in_memory`; sound of one rate, pictures of one
            size.

    Attributes:
        pictures (LivePictures): For the model and for those who paint.
        sound (SampledSound): Likewise.

    Raises:
        TypeError, ValueError: They are something else; also while they come.
    """

    def __init__(self, moments: Iterable[Moment]) -> None:
        self._moments = iter(moments)
        self._pictures: List[Deque[Picture]] = []
        self._pieces: List[Deque[np.ndarray]] = []
        self._count, self._samples = 0, 0
        first = next(self._moments, None)
        if first is None:
            raise ValueError('a generator of frames and sound gave nothing')
        image, piece, self.rate = self._read(first)
        self.size = image.shape[:2]
        self._moments = chain([first], self._moments)
        self.pictures = LivePictures(self, len(piece))
        self.sound = SampledSound('the live sound', self.pieces, self.rate)

    def read_pictures(self) -> Iterator[Picture]:
        """Give pictures from now on, until there are no more."""
        return self._reader(self._pictures)

    def pieces(self) -> Iterator[np.ndarray]:
        """Give sound from now on, (S,) float32, until there is no more."""
        return self._reader(self._pieces)

    def _reader(self, queues: list) -> Iterator:
        queue = deque()
        queues.append(queue)

        def read() -> Iterator:
            while queue or self._pull():
                while queue:
                    yield queue.popleft()

        return read()

    def _pull(self) -> bool:
        """Hand the next pair out; False if there is none."""
        moment = next(self._moments, None)
        if moment is None:
            return False
        image, piece, rate = self._read(moment)
        if image.shape[:2] != self.size or rate != self.rate:
            raise ValueError(
                f'picture {self._count} is of {image.shape[:2]} with sound at '
                f'{rate} Hz, the first one of {self.size} at {self.rate} Hz. '
                'Fix: keep size and rate.'
            )
        time = self._samples / self.rate
        picture = Picture(time, len(piece) / self.rate, lambda: image)
        for queue in self._pictures:
            queue.append(picture)
        for queue in self._pieces:
            queue.append(piece)
        self._count += 1
        self._samples += len(piece)
        return True

    def _read(self, moment: Moment) -> tuple:
        if not is_moment(moment):
            raise TypeError(f'{_ITEM}; got {type(moment).__name__}')
        import torch

        from mmavs.audio.resampling import to_mono

        image = to_bgr(moment[0], f'picture {self._count}')
        name = f'the sound of picture {self._count}'
        waveform, rate = check_sound(moment[1], name)
        piece = to_mono(torch.atleast_2d(waveform)).numpy()
        return image, piece, rate


class LivePictures:
    """The pictures of :class:`LiveMedia`.

    Attributes are those of :class:`~mmavs.media.video.VideoPictures`.
    """

    start = 0.0
    pixel_aspect = Fraction(1)
    missing = duration = None

    def __init__(self, media: LiveMedia, first_samples: int) -> None:
        self.size, self.files = media.size, []
        self.rate = Fraction(media.rate, first_samples)
        self._media = media

    def __iter__(self) -> Iterator[Picture]:
        return self._media.read_pictures()


def is_moment(item: object) -> bool:
    """Whether this is a picture with its sound."""
    return (
        isinstance(item, tuple)
        and len(item) == 2
        and isinstance(item[1], (tuple, list))
    )
