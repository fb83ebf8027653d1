"""From pictures and sound to masks, in little memory."""

import logging
from collections import defaultdict
from contextlib import nullcontext
from itertools import groupby
from typing import Callable, ContextManager, Iterator, List, Optional, Tuple

from mmengine.logging import print_log
from torch import nn

from mmavs.media.sound_stream import SoundReader, warn_if_short
from mmavs.media.sources import Media
from mmavs.media.video import Picture

from .clip_pipeline import ClipPipeline
from .inference import can_hear, config_of, run_clips, silence_for
from .results import MaskFrame, ResultReader
from .timing import ClipWindows, Window, pictures_of_masks, sound_start

MIN_SOUND = 0.5  # seconds; half of what a frame is paired with


class StreamSegmenter:
    """Runs a model over media of any length, clip by clip.

    Args:
        model (nn.Module): From :func:`~mmavs.apis.init_model`.
        fps (int): Masks per second.
        clip_frames (int): T.
        batch_size (int): Clips at a time.
        max_size (int): Longer side of the predicted masks, at most.
        carry_memory (bool): A clip looks back at those before it in the video.

    Raises:
        ValueError: A memory is to be carried by a model without one, or
            through several clips at once.
    """

    def __init__(
        self,
        model: nn.Module,
        fps: int,
        clip_frames: int,
        batch_size: int,
        max_size: int,
        carry_memory: bool = False,
    ) -> None:
        if carry_memory:
            _check_memory(model, batch_size)
        self.carry_memory = carry_memory
        self.model = model
        self.fps = fps
        self.clip_frames = clip_frames
        self.batch_size = batch_size
        self.max_size = max_size
        self.pipeline = ClipPipeline(config_of(model))
        self.reader = ResultReader(model)

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
        # one memory for each of the ``fps`` sequences of clips
        videos = defaultdict(lambda: self.model.decode_head.begin_video())
        try:
            for mask, picture in pictures_of_masks(pictures, self.fps):
                frame = self.pipeline.prepare(picture.read(), mask, size)
                ready = windows.add(mask, frame)
                yield from self._segment(ready, sound, name, whole, videos)
            last = windows.finish()
            yield from self._segment(last, sound, name, whole, videos)
            found = list(_missing(media, sound))
            if missing is not None:
                missing += found
            if sound is not None and not found:
                warn_if_short(sound, picture.time)
        finally:
            if sound is not None:
                sound.close()

    def _open_sound(self, media: Media) -> Optional[SoundReader]:
        if not can_hear(self.model):
            return None
        if media.sound is None:
            raise ValueError(
                f'{media.name} comes without sound, and the model segments '
                'what sounds. Fix: give a sound file (audio=, --audio).'
            )
        # a last clip reaches back by less than its own length
        sound = media.sound.open(
            self.pipeline.sample_rate,
            keep_seconds=3 * self.clip_frames + 3,
            channels=self.pipeline.channels,
        )
        sound.read(0.0, 1.0)
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
        videos: dict,
    ) -> List[MaskFrame]:
        """Run windows through the model; give their new masks, in order."""
        found = []
        for length, alike in groupby(windows, key=lambda w: len(w.masks)):
            alike = list(alike)
            for i in range(0, len(alike), self.batch_size):
                batch = alike[i : i + self.batch_size]
                clips = [self._pack(w, length, sound, name) for w in batch]
                with self._within(batch[0], videos):
                    samples = run_clips(self.model, clips)
                for window, sample in zip(batch, samples):
                    found += [
                        self.reader.read(sample, t, window.masks[t], size)
                        for t in range(length - window.fresh, length)
                    ]
        return sorted(found, key=lambda frame: frame.index)

    def _within(self, window: Window, videos: dict) -> ContextManager:
        """Let a clip look back, if it is to."""
        if not self.carry_memory:
            return nullcontext()
        second, phase = divmod(window.masks[0], self.fps)
        videos[phase].start = second
        return self.model.decode_head.within(videos[phase])

    def _pack(
        self,
        window: Window,
        num_seconds: int,
        sound: Optional[SoundReader],
        name: str,
    ) -> dict:
        if sound is None:
            heard = silence_for(self.model, num_seconds)
        else:
            start = sound_start(window.masks[0], self.fps)
            heard = sound.read(start, num_seconds), sound.sample_rate
        return self.pipeline.pack(window.items, heard, name)


def _check_memory(model: nn.Module, batch_size: int) -> None:
    """Refuse what cannot be carried from clip to clip."""
    head = getattr(model, 'decode_head', None)
    if not getattr(head, 'remembers', False):
        raise ValueError(
            f'{type(head).__name__} keeps no memory of a video. Fix: leave '
            'carry_memory out, or take a model with SAM2MaskHead, such as '
            'auralsam2_hiera-l_ms3.'
        )
    if batch_size > 1:
        raise ValueError(
            f'with carry_memory clips follow each other, got batch_size='
            f'{batch_size}. Fix: batch_size=1.'
        )


def _missing(media: Media, sound: Optional[SoundReader]) -> Iterator[dict]:
    """Say what cut-off files state that they hold, and do not."""
    tracks = [('pictures', media.source, media.pictures)]
    if sound is not None:
        tracks.append(('sound', sound.name, sound))
    for what, name, track in tracks:
        if track.missing is not None:
            start, end = (round(second, 2) for second in track.missing)
            print_log(
                f'{name} is cut off: of {end} s of {what} only '
                f'{start} s are there. Fix: download or record it again.',
                logger='current',
                level=logging.WARNING,
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
