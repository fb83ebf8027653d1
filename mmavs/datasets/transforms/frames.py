"""Transforms of one frame, to be used inside ForEachFrame."""

from typing import Dict, Optional, Tuple

import mmcv
import mmengine.fileio as fileio
import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmavs.audio.cache import TensorCache, content_key
from mmavs.registry import TRANSFORMS

from ..masks import ENCODINGS, read_mask

# How a whole file ends; some decoders fill what is missing with grey.
_ENDS = {b'\x89PNG': b'IEND', b'\xff\xd8': b'\xff\xd9'}


def _is_whole(data: bytes) -> bool:
    """Whether PNG and JPEG data reach their end."""
    return not any(
        data.startswith(start) and end not in data[-64:]
        for start, end in _ENDS.items()
    )


@TRANSFORMS.register_module()
class LoadFrame(BaseTransform):
    """Load a frame, and say which file it was if that fails.

    As mmcv's ``LoadImageFromFile`` (which may stand in its place) otherwise.

    Required Keys:

    - img_path

    Added Keys:

    - img (np.ndarray): (H, W, 3) uint8 BGR
    - img_shape, ori_shape (tuple[int, int]): H, W

    Args:
        imdecode_backend (str): 'cv2' or 'pillow'. Pillow decodes JPEG as the
            released AVSBench-semantic loader does. Defaults to 'cv2'.
        cache_dir (str, optional): Keep decoded frames there, by content of
            the file: 150 KB each at 224 px, read several times faster than a
            PNG is decoded. For small frames and a fast disk; nothing is kept
            by default.
        backend_args (dict, optional): For files that are not on a local
            disk, see ``mmengine.fileio``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is truncated or no picture.
    """

    def __init__(
        self,
        imdecode_backend: str = 'cv2',
        cache_dir: Optional[str] = None,
        backend_args: Optional[dict] = None,
    ) -> None:
        self.imdecode_backend = imdecode_backend
        self.cache = cache_dir and TensorCache(cache_dir)
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Read and decode."""
        path = results['img_path']
        try:
            data = fileio.get(path, backend_args=self.backend_args)
        except FileNotFoundError:
            raise FileNotFoundError(
                f'frame not found: {path}. Mend: check data_root, or make '
                'frames from the videos with '
                'tools/dataset_converters/prepare_avsbench.py.'
            ) from None
        read = self._recall if self.cache else self._decode
        image = read(data, path)
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def _recall(self, data: bytes, path: str) -> np.ndarray:
        key = content_key(data, decoder=self.imdecode_backend)
        image = self.cache.get(
            key, lambda: torch.from_numpy(self._decode(data, path))
        )
        return image.numpy()

    def _decode(self, data: bytes, path: str) -> np.ndarray:
        """(H, W, 3) uint8 BGR."""
        image = None
        if _is_whole(data):
            try:
                image = mmcv.imfrombytes(data, backend=self.imdecode_backend)
            except Exception:
                # cv2.error, OSError, SyntaxError, ...: as many as decoders.
                pass
        if image is None:
            raise ValueError(
                f'{path} is truncated or no picture. Mend: copy the file '
                'again, or extract the frame again with '
                'tools/dataset_converters/prepare_avsbench.py.'
            )
        return image

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
            RGB), 'index' (raw values are classes) or 'palette' (colours are
            classes). Defaults to what the data set says.
        ignore_index (int, optional): Value of pixels without a label that
            'index' masks may hold, 255 as a rule. Defaults to None.

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
                '(width x height). Mend: prepare both from the same video at '
                'one size.'
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


def _size(shape: Tuple[int, ...]) -> str:
    return f'{shape[1]} x {shape[0]}'
