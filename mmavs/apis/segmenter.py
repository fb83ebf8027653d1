"""A model in PyTorch, as one that a stream of clips goes through."""

from collections import defaultdict
from contextlib import nullcontext
from typing import Any, ContextManager, List, Sequence, Tuple

import numpy as np
from torch import nn

from .clip_pipeline import ClipPipeline
from .inference import can_hear, config_of, run_clips, silence_for
from .mask_frames import MaskFrame
from .results import ResultReader
from .streaming import Heard
from .timing import Window


class TorchClips:
    """A :class:`~mmavs.apis.streaming.ClipModel` of a segmentor.

    Args:
        model (nn.Module): From :func:`~mmavs.apis.init_model`.
        fps (int): Masks per second.
        batch_size (int): Clips at a time.
        carry_memory (bool): A clip looks back at those before it in the video.

    Raises:
        ValueError: A memory is to be carried by a model without one, or
            through several clips at once.
    """

    def __init__(
        self,
        model: nn.Module,
        fps: int,
        batch_size: int,
        carry_memory: bool = False,
    ) -> None:
        if carry_memory:
            _check_memory(model, batch_size)
        self.model, self.fps = model, fps
        self.carry_memory = carry_memory
        self.pipeline = ClipPipeline(config_of(model))
        self.reader = ResultReader(model)
        self.hears = can_hear(model)
        self.sample_rate = self.pipeline.sample_rate
        self.channels = self.pipeline.channels

    def begin(self) -> Any:
        """Give one memory for each of the ``fps`` sequences of clips."""
        return defaultdict(lambda: self.model.decode_head.begin_video())

    def prepare(
        self, picture: np.ndarray, mask: int, size: Tuple[int, int]
    ) -> dict:
        """See :class:`~mmavs.apis.streaming.ClipModel`."""
        return self.pipeline.prepare(picture, mask, size)

    def segment(
        self,
        windows: Sequence[Window],
        sounds: Sequence[Heard],
        name: str,
        video: Any,
        size: Tuple[int, int],
    ) -> List[MaskFrame]:
        """See :class:`~mmavs.apis.streaming.ClipModel`."""
        clips = []
        for window, sound in zip(windows, sounds):
            if sound is None:
                sound = silence_for(self.model, len(window.masks))
            clips.append(self.pipeline.pack(window.items, sound, name))
        with self._within(windows[0], video):
            samples = run_clips(self.model, clips)
        return [
            self.reader.read(sample, t, window.masks[t], size)
            for window, sample in zip(windows, samples)
            for t in window.new_places
        ]

    def _within(self, window: Window, videos: dict) -> ContextManager:
        """Let a clip look back, if it is to."""
        if not self.carry_memory:
            return nullcontext()
        second, phase = divmod(window.masks[0], self.fps)
        videos[phase].start = second
        return self.model.decode_head.within(videos[phase])


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
