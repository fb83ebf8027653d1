"""From a clip's results dict to what the model takes."""

from typing import List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmavs.registry import TRANSFORMS
from mmavs.structures import AVSDataSample, FramePixelData

CLIP_KEYS = (
    'clip_id',
    'sample_idx',
    'num_frames',
    'labeled_frames',
    'audio_path',
    'group',
    'category',
)
FRAME_KEYS = (
    'ori_shape',
    'img_shape',
    'pad_shape',
    'scale_factor',
    'flip',
    'flip_direction',
)


@TRANSFORMS.register_module()
class PackAVSInputs(BaseTransform):
    """Pack a clip: one dict of inputs, one dense sample.

    Required Keys:

    - frames (list[dict]): T results dicts with ``img`` (H, W, 3) uint8 BGR
      and, if labelled, ``gt_seg_map`` (h, w)
    - labeled_frames (list[int])
    - audio (torch.Tensor), optional: (T, ...) float32

    Returns ``inputs=dict(imgs, audio)`` with imgs (T, 3, H, W) uint8, and
    ``data_samples``, one :class:`AVSDataSample`: ``gt_sem_seg`` (T, 1, h, w)
    int64, 255 all over unlabelled frames and absent if no frame has one;
    likewise ``gt_category_map``, if :class:`LoadCategoryMap` gave one. The
    metainfo ``max_label`` is the clip's highest label but ``ignore_index``.

    Args:
        clip_keys (Sequence[str]): Metainfo of the clip.
        frame_keys (Sequence[str]): Metainfo of the frames, which must be the
            same for all of them.
        ignore_index (int): Label of unlabelled frames.

    Raises:
        ValueError: The frames differ in size or geometry, a labelled frame
            has no mask, or sound and frames do not pair.
    """

    def __init__(
        self,
        clip_keys: Sequence[str] = CLIP_KEYS,
        frame_keys: Sequence[str] = FRAME_KEYS,
        ignore_index: int = 255,
    ) -> None:
        self.clip_keys = tuple(clip_keys)
        self.frame_keys = tuple(frame_keys)
        self.ignore_index = ignore_index

    def transform(self, results: dict) -> dict:
        """Pack."""
        frames, clip_id = results['frames'], results.get('clip_id')
        inputs = dict(imgs=_stack_images(frames, clip_id))
        if 'audio' in results:
            inputs['audio'] = _check_audio(results, len(frames))
        masks = self._stack_masks(results, 'gt_seg_map')
        metainfo = self._metainfo(results)
        if masks is None:
            metainfo['labeled_frames'] = []
        sample = AVSDataSample(metainfo=metainfo)
        if masks is not None:
            sample.gt_sem_seg = FramePixelData(data=masks)
            sample.set_metainfo(dict(max_label=self._max_label(results)))
        if any('gt_category_map' in frame for frame in frames):
            categories = self._stack_masks(results, 'gt_category_map')
            sample.gt_category_map = FramePixelData(data=categories)
        return dict(inputs=inputs, data_samples=sample)

    def _metainfo(self, results: dict) -> dict:
        frames = results['frames']
        metainfo = {k: results[k] for k in self.clip_keys if k in results}
        metainfo['img_path'] = [frame['img_path'] for frame in frames]
        metainfo['frame_ids'] = [frame['frame_id'] for frame in frames]
        for key in self.frame_keys:
            values = [frame.get(key) for frame in frames]
            if any(value != values[0] for value in values):
                raise ValueError(
                    f'frames of clip {results.get("clip_id")} differ in '
                    f'{key}: {sorted(set(map(str, values)))}. Fix: use '
                    'frames of one size, and random transforms inside '
                    'ForEachFrame with share_random_params=True.'
                )
            if values[0] is not None:
                metainfo[key] = values[0]
        return metainfo

    def _stack_masks(self, results: dict, key: str) -> Optional[Tensor]:
        """Masks (T, 1, h, w) int64, or None if no frame is labelled."""
        frames, labeled = results['frames'], results['labeled_frames']
        absent = [t for t in labeled if key not in frames[t]]
        if absent and len(absent) < len(labeled):
            raise ValueError(
                f'clip {results.get("clip_id")}: labelled frames {absent} '
                'carry no mask. Fix: put LoadFrameMask into ForEachFrame.'
            )
        if not labeled or absent:
            return None
        shape = frames[labeled[0]][key].shape[:2]
        masks = np.full(
            (len(frames), 1, *shape), self.ignore_index, dtype=np.int64
        )
        for t in labeled:
            masks[t, 0] = frames[t][key]
        return torch.from_numpy(masks)

    def _max_label(self, results: dict) -> int:
        """Highest label of the masks as they are stacked."""
        masks = [
            results['frames'][t]['gt_seg_map']
            for t in results['labeled_frames']
        ]
        kept = [np.where(m == self.ignore_index, 0, m) for m in masks]
        return max(int(mask.max()) for mask in kept)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(ignore_index={self.ignore_index})'


def _stack_images(frames: List[dict], clip_id: Optional[str]) -> Tensor:
    """(T, 3, H, W) uint8."""
    images = [frame['img'] for frame in frames]
    shapes: List[Tuple[int, ...]] = sorted({image.shape for image in images})
    if len(shapes) > 1:
        raise ValueError(
            f'frames of clip {clip_id} differ in size: {shapes}. Fix: add '
            'Resize to ForEachFrame.'
        )
    stacked = np.stack([image.transpose(2, 0, 1) for image in images])
    return torch.from_numpy(np.ascontiguousarray(stacked))


def _check_audio(results: dict, num_frames: int) -> Tensor:
    audio = torch.as_tensor(results['audio'])
    if len(audio) != num_frames:
        raise ValueError(
            f'clip {results.get("clip_id")}: {num_frames} frames came with '
            f'{len(audio)} pieces of sound ({results.get("audio_path")})'
        )
    return audio
