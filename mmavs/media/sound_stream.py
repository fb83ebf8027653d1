"""Sound, read as it is needed."""

from typing import TYPE_CHECKING, Optional, Tuple, Union

import numpy as np

from mmavs.audio.sound_track import SampledTrack, SoundTrack
from mmavs.warn_once import warn

if TYPE_CHECKING:
    from torch import Tensor


class SoundReader:
    """Pieces of a sound track by time, forward, in little memory.

    Args:
        track (SoundTrack or SampledTrack): Just opened.
        keep_seconds (float): How far back a piece may begin, measured from
            the end of the furthest piece read.

    Attributes:
        name (str): What errors call the sound.
        sample_rate (int): In Hz.
        end (float or None): Where the sound ends, once that is known.

    Raises:
        ValueError: The track is without samples.
    """

    def __init__(
        self, track: Union[SoundTrack, SampledTrack], keep_seconds: float
    ) -> None:
        self.name, self.sample_rate = track.name, track.sample_rate
        self.end: Optional[float] = None
        self._track = track
        self._keep = int(keep_seconds * self.sample_rate)
        lead = () if track.channels == 1 else (track.channels,)
        self._buffer = np.zeros((*lead, 0), np.float32)
        self._offset = 0  # sample number of the buffer's first sample
        self._chunks = iter(track)
        try:
            self._append_next()
        except ValueError:
            self.close()
            raise

    @property
    def missing(self) -> Optional[Tuple[float, float]]:
        """tuple or None: From which second to which the file states sound that
        did not come; known once ``end`` is.
        """
        return self._track.missing

    def read(self, start: float, seconds: float) -> 'Tensor':
        """As :meth:`read_array`, a Tensor."""
        import torch

        return torch.from_numpy(self.read_array(start, seconds))

    def read_array(self, start: float, seconds: float) -> np.ndarray:
        """Read a piece.

        Args:
            start (float): In seconds; may lie before 0.
            seconds (float): Length.

        Returns:
            ndarray: (S,) float32 in [-1, 1], mono, or (2, S). What lies
            outside the file is silence.

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
        piece = np.zeros((*self._buffer.shape[:-1], length), np.float32)
        begin, end = max(first, 0), min(first + length, self._filled)
        if begin < end:
            piece[..., begin - first : end - first] = self._buffer[
                ..., begin - self._offset : end - self._offset
            ]
        self._forget(first + length - self._keep)
        return piece

    def close(self) -> None:
        """Close the file."""
        self._track.close()

    @property
    def _filled(self) -> int:
        """Sample number after the last one that is there."""
        return self._offset + self._buffer.shape[-1]

    def _append_next(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            self.end = self._filled / self.sample_rate
        else:
            self._buffer = np.concatenate([self._buffer, chunk], axis=-1)

    def _forget(self, before: int) -> None:
        surplus = min(before - self._offset, self._buffer.shape[-1])
        # in large steps, since what remains is copied
        if surplus > self._keep:
            self._buffer = self._buffer[..., surplus:].copy()
            self._offset += surplus


def warn_if_short(sound: SoundReader, pictures_end: float) -> None:
    """Say so if the sound ends more than a second before the pictures."""
    if sound.end is not None and pictures_end - sound.end > 1:
        warn(
            f'{sound.name}: the sound ends at {sound.end:.1f} s, the pictures '
            f'at {pictures_end:.1f} s; silence is assumed in between.'
        )
