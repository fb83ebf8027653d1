"""Sound that goes with pictures: in a file, in memory, or made as it plays.

Each kind can be opened for a model, put into a video, and says of which files
it is made.
"""

from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Callable,
    Iterable,
    Iterator,
    List,
    Optional,
    Union,
)

import numpy as np

from mmavs.audio.sound_track import SampledTrack, SoundTrack, second_zero
from mmavs.compat.av_files import find_stream, open_media

from .sound_packets import packets_of_file, packets_of_samples
from .sound_stream import SoundReader

if TYPE_CHECKING:
    from torch import Tensor

KEEP = 30.0  # seconds


class SoundFile:
    """The first sound track of a file.

    Args:
        path (str or Path): Video or sound file.
        start (float, optional): Where second 0 lies on the file's clock.
            Defaults to :func:`~mmavs.audio.sound_track.second_zero`.
    """

    ends = True

    def __init__(
        self, path: Union[str, Path], start: Optional[float] = None
    ) -> None:
        self.path, self.start = Path(path), start
        self.files: List[Path] = [self.path]

    def __str__(self) -> str:
        return str(self.path)

    def open(
        self,
        sample_rate: int = 16000,
        keep_seconds: float = KEEP,
        channels: int = 1,
    ) -> SoundReader:
        """Open it for reading.

        Args:
            sample_rate (int): Wanted rate in Hz.
            keep_seconds (float): How far back a piece may begin.
            channels (int): See :func:`mmavs.audio.read_sound`.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It has no sound track, or one without samples.
        """
        name = str(self.path)
        track = SoundTrack(self.path, name, self.start, sample_rate, channels)
        return SoundReader(track, keep_seconds)

    def packets(self, target) -> Iterator:
        """Put it into a video, see
        :func:`~mmavs.media.sound_packets.packets_of_file`; nothing if the
        file has no sound track.
        """
        with open_media(self.path) as container:
            if find_stream(container, 'audio') is None:
                return iter(())
        start = second_zero(self.path) if self.start is None else self.start
        return packets_of_file(target, self.path, start)


class SampledSound:
    """Samples that come piece by piece.

    Args:
        name (str): What errors call it.
        pieces (callable): Begins anew and gives pieces (S,) float32 in
            [-1, 1], mono.
        rate (int): Of the samples, in Hz.
        ends (bool): Whether the pieces come to an end by themselves; in a
            video, sound that does not ends with the pictures.
    """

    def __init__(
        self,
        name: str,
        pieces: Callable[[], Iterable[np.ndarray]],
        rate: int,
        ends: bool = True,
    ) -> None:
        self.name, self.pieces, self.rate = name, pieces, rate
        self.ends = ends
        self.files: List[Path] = []

    def __str__(self) -> str:
        return self.name

    def open(
        self,
        sample_rate: int = 16000,
        keep_seconds: float = KEEP,
        channels: int = 1,
    ) -> SoundReader:
        """Open it for reading, see :meth:`SoundFile.open`."""
        track = SampledTrack(
            self.pieces(), self.rate, self.name, sample_rate, channels
        )
        return SoundReader(track, keep_seconds)

    def packets(self, target) -> Iterator:
        """Put it into a video, see
        :func:`~mmavs.media.sound_packets.packets_of_samples`.
        """
        return packets_of_samples(target, self.pieces(), self.rate, self.name)


class Waveform(SampledSound):
    """Sound in memory.

    Args:
        waveform (Tensor): (S,) or (channels, S) float in [-1, 1].
        rate (int): In Hz.
        name (str): What errors call it.
    """

    def __init__(self, waveform: 'Tensor', rate: int, name: str) -> None:
        import torch

        from mmavs.audio.resampling import to_channels

        self.waveform = torch.atleast_2d(waveform)
        mono = to_channels(self.waveform, 1)
        super().__init__(name, lambda: [mono.numpy()], rate)

    def open(
        self,
        sample_rate: int = 16000,
        keep_seconds: float = KEEP,
        channels: int = 1,
    ) -> SoundReader:
        """Open it for reading, resampled as wav files of a data set are."""
        from mmavs.audio.resampling import resample, to_channels

        samples = to_channels(self.waveform, channels)
        samples = resample(samples, self.rate, sample_rate).numpy()
        track = SampledTrack(
            [samples], sample_rate, self.name, sample_rate, channels
        )
        return SoundReader(track, keep_seconds)
