"""Sound of a media file, read as it is needed."""

import logging
from pathlib import Path
from typing import Iterator, Optional

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from mmavs.compat.av_files import decode, open_media
from mmavs.media.picture_streams import check_jump

_MAX_DRIFT = 0.1  # seconds of disagreement between time stamps and samples


class SoundReader:
    """Pieces of a sound track by time, forward, in little memory.

    Args:
        path (str or Path): Video or sound file.
        start (float): Where second 0 lies on the file's clock. Defaults to 0.
        keep_seconds (float): How far back a piece may begin, measured from
            the end of the furthest piece read. Defaults to 30.

    Attributes:
        sample_rate (int): In Hz, as in the file.
        end (float or None): Where the sound ends, once that is known.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file has no sound track, or one without samples.
    """

    def __init__(
        self, path: Path, start: float = 0.0, keep_seconds: float = 30.0
    ) -> None:
        self.path = Path(path)
        self.start = start
        self.end: Optional[float] = None
        self._container = open_media(self.path)
        if not self._container.streams.audio:
            self.close()
            raise ValueError(
                f'{self.path} has no sound track, and the model segments what '
                'sounds. Mend: give its sound as a file of its own (audio=, '
                '--audio), or take a video with sound.'
            )
        self._stream = self._container.streams.audio[0]
        self.sample_rate = self._stream.rate
        self._keep = int(keep_seconds * self.sample_rate)
        self._buffer = np.zeros(0, np.float32)
        self._offset = 0  # sample number of the buffer's first sample
        self._chunks = self._decode()
        self._append_next()
        if self.end is not None and not len(self._buffer):
            self.close()
            raise ValueError(
                f'{self.path} has a sound track without a single sample in '
                'it. Mend: extract or record the sound again.'
            )

    def read(self, start: float, seconds: float) -> Tensor:
        """Read a piece.

        Args:
            start (float): In seconds; may lie before 0.
            seconds (float): Length.

        Returns:
            Tensor: (S,) float32 in [-1, 1], mono (mean of the channels), at
            ``sample_rate``. What lies outside the file is silence.

        Raises:
            ValueError: The piece begins before what is kept, or the file is
                damaged.
        """
        first = round(start * self.sample_rate)
        length = round(seconds * self.sample_rate)
        while self.end is None and self._filled < first + length:
            self._append_next()
        if max(first, 0) < self._offset:
            raise ValueError(
                f'sound before {self._offset / self.sample_rate:.1f} s is no '
                'longer kept; read forward'
            )
        piece = np.zeros(length, np.float32)
        begin, end = max(first, 0), min(first + length, self._filled)
        if begin < end:
            piece[begin - first : end - first] = self._buffer[
                begin - self._offset : end - self._offset
            ]
        self._forget(first + length - self._keep)
        return torch.from_numpy(piece)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    @property
    def _filled(self) -> int:
        """Sample number after the last one that is there."""
        return self._offset + len(self._buffer)

    def _append_next(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            self.end = self._filled / self.sample_rate
        else:
            self._buffer = np.concatenate([self._buffer, chunk])

    def _forget(self, before: int) -> None:
        surplus = min(before - self._offset, len(self._buffer))
        # in large steps, since what remains is copied
        if surplus > self._keep:
            self._buffer = self._buffer[surplus:].copy()
            self._offset += surplus

    def _decode(self) -> Iterator[np.ndarray]:
        """Yield mono chunks that follow each other from second 0 on."""
        import av

        resampler = av.AudioResampler(format='fltp')
        position = 0
        for frame in decode(self._container, self._stream, self.path):
            time = frame.time
            for part in resampler.resample(frame):
                chunk = part.to_ndarray().mean(axis=0, dtype=np.float32)
                chunk = self._place(chunk, time, position)
                position += len(chunk)
                time = None
                yield chunk

    def _place(
        self, chunk: np.ndarray, time: Optional[float], position: int
    ) -> np.ndarray:
        """Cut what lies before second 0; fill gaps with silence."""
        if time is None:
            return chunk
        lead = round((time - self.start) * self.sample_rate) - position
        tolerance = _MAX_DRIFT * self.sample_rate if position else 0
        if lead > tolerance:
            check_jump(self.path, lead / self.sample_rate)
            return np.concatenate([np.zeros(lead, np.float32), chunk])
        return chunk[-lead:] if lead < 0 and not position else chunk


def has_sound(path: Optional[Path]) -> bool:
    """Whether a file has a sound track."""
    if path is None:
        return False
    with open_media(Path(path)) as container:
        return bool(container.streams.audio)


def warn_if_short(sound: SoundReader, pictures_end: float) -> None:
    """Say so if the sound ends more than a second before the pictures."""
    if sound.end is not None and pictures_end - sound.end > 1:
        print_log(
            f'{sound.path}: the sound ends at {sound.end:.1f} s, the pictures '
            f'at {pictures_end:.1f} s; silence is assumed in between.',
            logger='current',
            level=logging.WARNING,
        )
