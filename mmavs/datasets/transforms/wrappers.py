"""Transforms of one frame, applied to all frames of a clip."""

import random
from typing import Iterable, List, Sequence, Tuple

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_random_params

from mmavs.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ForEachFrame(BaseTransform):
    """Apply transforms of mmcv, mmseg or one's own to every frame.

    A clip must be flipped, cropped and coloured as one. So by default all
    frames share the random decisions of each transform: those mmcv caches
    (``cache_randomness``), and, since not every transform declares them, all
    other draws from Python's, NumPy's and PyTorch's global generators, whose
    state is set back for each frame.

    Required Keys:

    - frames (list[dict]): T results dicts, each changed in place

    Args:
        transforms (list[dict]): Applied in order.
        share_random_params (bool): Draw once per clip.

    Raises:
        ValueError: A transform drops a frame, which would break the pairing
            of frames and seconds.
    """

    def __init__(
        self, transforms: Sequence[dict], share_random_params: bool = True
    ) -> None:
        self.transforms = [
            TRANSFORMS.build(t) if isinstance(t, dict) else t
            for t in transforms
        ]
        self.share_random_params = share_random_params

    def transform(self, results: dict) -> dict:
        """Apply each transform to all frames before the next one."""
        frames = results['frames']
        for transform in self.transforms:
            if self.share_random_params:
                with cache_random_params(transform):
                    frames = _apply_alike(transform, frames)
            else:
                frames = [transform(frame) for frame in frames]
            if any(frame is None for frame in frames):
                raise ValueError(
                    f'{transform} dropped a frame of clip '
                    f'{results.get("clip_id")}; every second of sound needs '
                    'its frame'
                )
        results['frames'] = frames
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}({self.transforms}, '
            f'share_random_params={self.share_random_params})'
        )


def _apply_alike(transform: BaseTransform, frames: List[dict]) -> List[dict]:
    """Apply to every frame from the same state of the generators.

    To be called under ``cache_random_params``. A rehearsal on a copy fills
    its cache first; else the first frame alone would draw what the others
    find cached, and their further draws would differ.
    """
    if _caches(transform):
        transform(_copy(frames[0]))
    state = _random_state()
    changed = []
    for t, frame in enumerate(frames):
        if t:
            _set_random_state(state)
        changed.append(transform(frame))
    return changed


def _caches(transform: BaseTransform) -> bool:
    """Whether it, or what it wraps, may declare random parameters."""
    return isinstance(transform, Iterable) or hasattr(
        transform, '_methods_with_randomness'
    )


def _copy(frame: dict) -> dict:
    kinds = (np.ndarray, list, dict)
    return {
        k: v.copy() if isinstance(v, kinds) else v for k, v in frame.items()
    }


def _random_state() -> Tuple:
    return random.getstate(), np.random.get_state(), torch.get_rng_state()


def _set_random_state(state: Tuple) -> None:
    random.setstate(state[0])
    np.random.set_state(state[1])
    torch.set_rng_state(state[2])
