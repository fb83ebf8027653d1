"""Augmentation of a clip in time that keeps frames and seconds paired."""

from abc import abstractmethod
from typing import Optional, Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from mmavs.registry import TRANSFORMS


class ClipTimeTransform(BaseTransform):
    """Take other frames, and the pieces of sound that go with them.

    Place it after the audio front end: pieces are moved whole, so frame and
    second stay paired; the waveform, which no longer fits, is dropped.

    Required and Modified Keys:

    - frames (list[dict]): T results dicts
    - audio (torch.Tensor), if there is a model that hears: (T, ...)
    - labeled_frames (list[int])
    - num_frames (int)
    """

    @abstractmethod
    def choose(self, results: dict) -> Optional[Sequence[int]]:
        """Indices of the frames to take, in order; None for all as is."""

    def transform(self, results: dict) -> dict:
        """Take frames and sound by the same indices."""
        chosen = self.choose(results)
        if chosen is None:
            return results
        if 'waveform' in results and 'audio' not in results:
            raise ValueError(
                f'{type(self).__name__} moves frames and pieces of sound '
                'together. Fix: put it after VGGishLogMel (or another audio '
                'front end) in the pipeline.'
            )
        labeled = set(results['labeled_frames'])
        results['frames'] = [results['frames'][i] for i in chosen]
        results['labeled_frames'] = [
            place for place, index in enumerate(chosen) if index in labeled
        ]
        results['num_frames'] = len(chosen)
        if 'audio' in results:
            results['audio'] = results['audio'][list(chosen)]
        for key in ('waveform', 'sample_rate', 'audio_key'):
            results.pop(key, None)
        return results


@TRANSFORMS.register_module()
class RollClip(ClipTimeTransform):
    """Start the clip at another second; what was before comes at the end.

    Frames, masks and sound move together. Keys are those of
    :class:`ClipTimeTransform`.

    Args:
        prob (float): Share of clips that are shifted.
    """

    def __init__(self, prob: float = 0.5) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must lie in 0..1, got {prob}')
        self.prob = prob

    def choose(self, results: dict) -> Optional[Sequence[int]]:
        """Draw a shift."""
        num_frames = len(results['frames'])
        if np.random.rand() >= self.prob:
            return None
        shift = int(np.random.randint(1 - num_frames, num_frames))
        return [(t - shift) % num_frames for t in range(num_frames)]

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob})'


@TRANSFORMS.register_module()
class CropClip(ClipTimeTransform):
    """Take a run of frames with their sound out of a longer clip.

    Keys are those of :class:`ClipTimeTransform`. Clips that are not longer
    stay whole. Only the runs with the most labelled frames are considered, so
    that clips of which one frame is labelled stay useful.

    Args:
        num_frames (int): Length of the run.
        random (bool): A random run, else the middle one.

    Raises:
        ValueError: ``num_frames`` below 1.
    """

    def __init__(self, num_frames: int, random: bool = True) -> None:
        if num_frames < 1:
            raise ValueError(f'num_frames must be >= 1, got {num_frames}')
        self.num_frames = num_frames
        self.random = random

    def choose(self, results: dict) -> Optional[Sequence[int]]:
        """Draw a run."""
        spare = len(results['frames']) - self.num_frames
        if spare <= 0:
            return None
        labeled = np.zeros(len(results['frames']))
        labeled[results['labeled_frames']] = 1
        # of the run that begins at each frame
        counts = np.convolve(labeled, np.ones(self.num_frames), 'valid')
        starts = np.flatnonzero(counts == counts.max())
        middle = len(starts) // 2
        start = np.random.choice(starts) if self.random else starts[middle]
        return range(start, start + self.num_frames)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(num_frames={self.num_frames}, '
            f'random={self.random})'
        )
