"""Geometry of frames that stock transforms do not offer exactly."""

import mmcv
from mmcv.transforms import BaseTransform

from mmavs.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ResizeShortEdge(BaseTransform):
    """Resize so that the shorter side has a given length.

    The longer side is truncated to an integer and Pillow interpolates, as in
    the released loader of AVSBench-semantic; with ``CenterCrop`` after it,
    its training geometry. (mmcv and mmseg round the longer side.)

    Modified Keys:

    - img (np.ndarray): (H, W, 3) uint8, bilinear
    - seg_fields (np.ndarray): (H, W) each, nearest
    - img_shape, scale, scale_factor

    Args:
        size (int): Length of the shorter side in pixels.
        backend (str): 'pillow' or 'cv2'.
    """

    def __init__(self, size: int, backend: str = 'pillow') -> None:
        self.size = size
        self.backend = backend

    def transform(self, results: dict) -> dict:
        """Resize frame and masks."""
        height, width = results['img'].shape[:2]
        if width > height:
            scale = int(width * self.size / height), self.size
        else:
            scale = self.size, int(height * self.size / width)
        results['img'] = mmcv.imresize(
            results['img'], scale, backend=self.backend
        )
        for key in results.get('seg_fields', ()):
            results[key] = mmcv.imresize(
                results[key],
                scale,
                interpolation='nearest',
                backend=self.backend,
            )
        results['img_shape'] = results['img'].shape[:2]
        results['scale'] = scale
        results['scale_factor'] = scale[0] / width, scale[1] / height
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(size={self.size})'
