"""From pictures and sound to masks, in little memory; torch is not needed."""

from itertools import groupby
from typing import (
    Any,
    Callable,
    Iterator,
    List,
    Optional,
    Protocol,
    Sequence,
    Tuple,
)

import numpy as np

from mmavs.media.sound_stream import SoundReader, warn_if_short
from mmavs.media.sources import Media
from mmavs.media.video import Picture
from mmavs.warn_once import warn

from .mask_frames import MaskFrame, MaskReader
from .timing import ClipWindows, Window, pictures_of_masks, sound_start

MIN_SOUND = 0.5  # seconds; half of what a frame is paired with
Heard = Optional[Tuple[np.ndarray, int]]


class ClipModel(Protocol):
    """A model of clips, in PyTorch or exported.

    Attributes:
        hears (bool): Whether it takes sound.
        sample_rate (int): Of that sound, in Hz.
        channels (int): Of that sound.
        reader (MaskReader): Says what its masks show.
    """

    hears: bool
    sample_rate: int
    channels: int
    reader: MaskReader

    def begin(self) -> Any:
        """Give what a video keeps between its clips."""

    def prepare(
        self, picture: np.ndarray, mask: int, size: Tuple[int, int]
    ) -> Any:
        """Make a frame of (H, W, 3) uint8 BGR, whose mask is wanted at a
        height and width.
        """

    def segment(
        self,
        windows: Sequence[Window],
        sounds: Sequence[Heard],
        name: str,
        video: Any,
        size: Tuple[int, int],
    ) -> List[MaskFrame]:
        """Give the fresh masks of windows of one length.

        Args:
            windows (Sequence[Window]): Whose items are prepared frames.
            sounds (Sequence[tuple or None]): Waveform, (S,) or (2, S)
                float32 in [-1, 1], and Hz, of each.
            name (str): What errors call the sound.
            video (Any): From :meth:`begin`.
            size (tuple[int, int]): Height and width of the pictures.
        """


class StreamSegmenter:
    """Runs a model over media of any length, clip by clip.

    Args:
        model (ClipModel): The model.
        fps (int): Masks per second.
        clip_frames (int): T.
        batch_size (int): Clips at a time.
        max_size (int): Longer side of the predicted masks, at most.
    """

    def __init__(
        self,
        model: ClipModel,
        fps: int,
        clip_frames: int,
        batch_size: int,
        max_size: int,
    ) -> None:
        self.model = model
        self.fps = fps
        self.clip_frames = clip_frames
        self.batch_size = batch_size
        self.max_size = max_size

    @property
    def reader(self) -> MaskReader:
        """MaskReader: Says what the masks show."""
        return self.model.reader

    def masks(
        self,
        media: Media,
        missing: Optional[List[dict]] = None,
        passing: Callable[[Picture], None] = lambda picture: None,
    ) -> Iterator[MaskFrame]:
        """Segment, mask after mask in the order of time.

        Args:
            media (Media): From :func:`~mmavs.media.sources.find_media`.
            missing (list[dict], optional): At the end, takes what files that
                are cut off state and do not hold: ``what`` ('pictures' or
                'sound'), ``start`` and ``end`` in seconds.
            passing (callable): Is shown every picture as it passes.

        Yields:
            MaskFrame: m = 0, 1, ...

        Raises:
            ValueError: No sound, too little of it, or a damaged file.
        """
        # what comes live comes from here on, for all that read it
        pictures = _passing(iter(media.pictures), passing)
        sound = self._open_sound(media)
        whole = media.pictures.size
        size = limited(whole, self.max_size)
        name = media.name if sound is None else sound.name
        windows = ClipWindows(self.clip_frames, self.fps)
        video = self.model.begin()
        try:
            for mask, picture in pictures_of_masks(pictures, self.fps):
                frame = self.model.prepare(picture.read(), mask, size)
                ready = windows.add(mask, frame)
                yield from self._segment(ready, sound, name, whole, video)
            last = windows.finish()
            yield from self._segment(last, sound, name, whole, video)
            found = list(_missing(media, sound))
            if missing is not None:
                missing += found
            if sound is not None and not found:
                warn_if_short(sound, picture.time)
        finally:
            if sound is not None:
                sound.close()

    def _open_sound(self, media: Media) -> Optional[SoundReader]:
        if not self.model.hears:
            return None
        if media.sound is None:
            raise ValueError(
                f'{media.name} comes without sound, and the model segments '
                'what sounds. Fix: give a sound file (audio=, --audio).'
            )
        # a last clip reaches back by less than its own length
        sound = media.sound.open(
            self.model.sample_rate,
            keep_seconds=3 * self.clip_frames + 3,
            channels=self.model.channels,
        )
        sound.read_array(0.0, 1.0)
        if sound.end is not None and sound.end < MIN_SOUND:
            sound.close()
            raise ValueError(
                f'{sound.name} is too short: {sound.end:.2f} s of '
                'sound, where a frame is paired with about one second (at '
                f'least {MIN_SOUND} s). Fix: give a longer video.'
            )
        return sound

    def _segment(
        self,
        windows: List[Window],
        sound: Optional[SoundReader],
        name: str,
        size: Tuple[int, int],
        video: Any,
    ) -> List[MaskFrame]:
        """Run windows through the model; give their new masks, in order."""
        found = []
        for _, alike in groupby(windows, key=lambda w: len(w.masks)):
            alike = list(alike)
            for i in range(0, len(alike), self.batch_size):
                batch = alike[i : i + self.batch_size]
                sounds = [self._hear(window, sound) for window in batch]
                found += self.model.segment(batch, sounds, name, video, size)
        return sorted(found, key=lambda frame: frame.index)

    def _hear(self, window: Window, sound: Optional[SoundReader]) -> Heard:
        """Read the sound of a window."""
        if sound is None:
            return None
        start = sound_start(window.masks[0], self.fps)
        waveform = sound.read_array(start, len(window.masks))
        return waveform, sound.sample_rate


def _missing(media: Media, sound: Optional[SoundReader]) -> Iterator[dict]:
    """Say what cut-off files state that they hold, and do not."""
    tracks = [('pictures', media.source, media.pictures)]
    if sound is not None:
        tracks.append(('sound', sound.name, sound))
    for what, name, track in tracks:
        if track.missing is not None:
            start, end = (round(second, 2) for second in track.missing)
            warn(
                f'{name} is cut off: of {end} s of {what} only '
                f'{start} s are there. Fix: download or record it again.'
            )
            yield dict(what=what, start=start, end=end)


def _passing(
    pictures: Iterator[Picture], show: Callable[[Picture], None]
) -> Iterator[Picture]:
    for picture in pictures:
        show(picture)
        yield picture


def limited(size: Tuple[int, int], longest: int) -> Tuple[int, int]:
    """Scale a height and width down to a longest side."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
