"""Transforms of one frame, to be used inside ForEachFrame."""

from functools import partial
from pathlib import Path
from typing import Callable, Dict, Optional, Tuple

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmavs.audio.cache import TensorCache, content_key
from mmavs.media.picture_files import (
    BACKENDS,
    decode_picture,
    stored_orientation,
)
from mmavs.registry import TRANSFORMS

from ..masks import ENCODINGS, read_mask


@TRANSFORMS.register_module()
class LoadFrame(BaseTransform):
    """Load a frame, and say which file it was if that fails.

    Otherwise as mmcv's ``LoadImageFromFile`` (which may stand in its place)
    with ``color_type='color_ignore_orientation'``: an orientation in EXIF is
    not applied, see :func:`mmavs.media.picture_files.decode_picture`.

    Required Keys:

    - img_path

    Added Keys:

    - img (np.ndarray): (H, W, 3) uint8 BGR
    - img_shape, ori_shape (tuple[int, int]): H, W

    Args:
        imdecode_backend (str): 'cv2' or 'pillow'. Pillow decodes JPEG as the
            released AVSBench-semantic loader does.
        cache_dir (str, optional): Keep decoded frames there, by content of
            the file: 150 KB each at 224 px, read several times faster than a
            PNG is decoded. For small frames and a fast disk; nothing is kept
            by default.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: An unknown backend; a file that is truncated, not a
            picture, or larger than is safe to decode.
    """

    def __init__(
        self,
        imdecode_backend: str = 'cv2',
        cache_dir: Optional[str] = None,
    ) -> None:
        if imdecode_backend not in BACKENDS:
            raise ValueError(
                f'imdecode_backend must be one of {BACKENDS}, got '
                f'{imdecode_backend!r}'
            )
        self.imdecode_backend = imdecode_backend
        self.cache = cache_dir and TensorCache(
            cache_dir, (None, None, 3), torch.uint8
        )

    def transform(self, results: dict) -> dict:
        """Read and decode."""
        path = results['img_path']
        try:
            data = Path(path).read_bytes()
        except FileNotFoundError:
            raise FileNotFoundError(
                f'frame not found: {path}. Fix: check data_root, or make '
                'frames from the videos with '
                'tools/dataset_converters/prepare_avsbench.py.'
            ) from None
        decode = partial(decode_picture, data, path, self.imdecode_backend)
        image = self._recall(data, decode) if self.cache else decode()
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def _recall(
        self, data: bytes, decode: Callable[[], np.ndarray]
    ) -> np.ndarray:
        key = content_key(data, decoder=self.imdecode_backend)
        image = self.cache.get(key, lambda: torch.from_numpy(decode()))
        return image.numpy()

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.imdecode_backend!r})'


@TRANSFORMS.register_module()
class LoadFrameMask(BaseTransform):
    """Load a frame's ground truth, if the frame has one.

    Put it before the transforms that change geometry to train on the mask,
    and to score at the size of the input (``eval_size='input'``); put it
    after ``Resize`` to score at the size of the file
    (``eval_size='original'``).

    Required Keys:

    - seg_map_path (str or None): None leaves the frame unlabelled
    - ori_shape (tuple[int, int])
    - mask_encoding, num_classes, palette: as the data set gives them
    - label_map (dict[int, int], optional): old labels to new ones

    Added Keys:

    - gt_seg_map (np.ndarray): (H, W) uint8 in 0..K-1

    Args:
        encoding (str, optional): 'binary' (black and white in modes 1, L, P,
            RGB), 'near-binary' (the same but for rounding), 'index' (raw
            values are classes) or 'palette' (colours are classes), see
            :func:`read_mask`. Defaults to what the data set says.
        ignore_index (int, optional): Value of pixels without a label that
            'index' masks may hold, 255 as a rule.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, has another size than its frame, or
            holds values it should not (see :func:`read_mask`).
    """

    def __init__(
        self,
        encoding: Optional[str] = None,
        ignore_index: Optional[int] = None,
    ) -> None:
        if encoding not in (None, *ENCODINGS):
            raise ValueError(
                f'encoding must be one of {ENCODINGS}, got {encoding!r}'
            )
        self.encoding = encoding
        self.ignore_index = ignore_index

    def transform(self, results: dict) -> dict:
        """Read the mask, compare its size."""
        path = results.get('seg_map_path')
        if path is None:
            return results
        mask = read_mask(
            path,
            self.encoding or results['mask_encoding'],
            results['num_classes'],
            results['palette'],
            self.ignore_index,
        )
        if mask.shape != tuple(results['ori_shape'][:2]):
            raise ValueError(
                f'{path} is {_size(mask.shape)}, but its frame '
                f'{results["img_path"]} is {_size(results["ori_shape"])} '
                f'(width x height). Fix: {_how_to_fit(results, mask)}'
            )
        if results.get('label_map'):
            mask = _renumber(mask, results['label_map'])
        results['gt_seg_map'] = mask
        results['seg_fields'].append('gt_seg_map')
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(encoding={self.encoding!r}, '
            f'ignore_index={self.ignore_index!r})'
        )


def _renumber(mask: np.ndarray, label_map: Dict[int, int]) -> np.ndarray:
    """Old labels to new ones; what is not in the map becomes 255."""
    table = np.full(256, 255, np.uint8)
    table[list(label_map)] = list(label_map.values())
    return table[mask]


def _how_to_fit(results: dict, mask: np.ndarray) -> str:
    """Say what to do about a mask of another size than its frame."""
    path = results['img_path']
    lies = mask.shape == tuple(results['ori_shape'][1::-1])
    if lies and path and Path(path).is_file():
        orientation = stored_orientation(path)
        if orientation != 1:
            return (
                'the frame is stored on its side (EXIF orientation '
                f'{orientation}), and taken as it is stored; save it upright '
                '(ImageOps.exif_transpose of Pillow), as its mask is.'
            )
    return 'prepare both from the same video at one size.'


def _size(shape: Tuple[int, ...]) -> str:
    return f'{shape[1]} x {shape[0]}'
