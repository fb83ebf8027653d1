"""Which category sounds where, for heads that learn instances."""

import numpy as np
from mmcv.transforms import BaseTransform

from mmavs.registry import TRANSFORMS

from ..masks import category_map_path, read_mask


@TRANSFORMS.register_module()
class MergeClasses(BaseTransform):
    """Let any class count as sounding: 0 and 255 stay, the rest becomes 1.

    For binary models on AVSBench-semantic, as AuralSAM2 trains them. Put it
    behind LoadFrameMask; a frame without a mask is left as it is.

    Modified Keys:

    - gt_seg_map (np.ndarray): (H, W) uint8
    """

    def transform(self, results: dict) -> dict:
        """Merge."""
        mask = results.get('gt_seg_map')
        if mask is not None:
            results['gt_seg_map'] = np.where(
                mask == 255, mask, mask > 0
            ).astype(np.uint8)
        return results


@TRANSFORMS.register_module()
class LoadCategoryMap(BaseTransform):
    """Load the category map that stands beside a frame's mask.

    A map is an 8-bit PNG of the mask's size: 0 nothing sounds, 1 + k category
    k of ``decode_head.categories``, 255 something sounds whose category is
    not known. AVSBench has none: S4 says the category of a clip by its
    folder, and for MS3 ``tools/dataset_converters/ms3_categories.py`` makes
    them. Put it right behind LoadFrameMask.

    Required Keys:

    - seg_map_path (str or None): None leaves the frame unlabelled
    - ori_shape (tuple[int, int])

    Added Keys:

    - gt_category_map (np.ndarray): (H, W) uint8

    Args:
        masks (str): Folder of the masks.
        categories (str): Folder of the maps, which stands in its place in the
            path.

    Raises:
        FileNotFoundError: There is no such map.
        ValueError: It is damaged, or of another size than the frame; the mask
            lies in no folder ``masks``.
    """

    def __init__(
        self, masks: str = 'gt_masks', categories: str = 'gt_categories'
    ) -> None:
        self.masks = masks
        self.categories = categories

    def transform(self, results: dict) -> dict:
        """Read the map."""
        mask_path = results.get('seg_map_path')
        if mask_path is None:
            return results
        path = category_map_path(mask_path, self.masks, self.categories)
        if path is None:
            raise ValueError(
                f'{mask_path} lies in no folder {self.masks!r}, beside which '
                f'a folder {self.categories!r} would hold its category map. '
                'Fix: name both folders, LoadCategoryMap(masks=..., '
                'categories=...).'
            )
        if not path.is_file():
            raise FileNotFoundError(
                f'category map not found: {path}. MS3 names no categories; '
                'instances need them. Fix: make the maps with '
                'tools/dataset_converters/ms3_categories.py (synthetic sets '
                'have them: run tools/dataset_converters/'
                'synthesize_avsbench.py again on a folder made without).'
            )
        category_map = read_mask(path, 'index', 255, ignore_index=255)
        if category_map.shape != tuple(results['ori_shape'][:2]):
            height, width = category_map.shape
            raise ValueError(
                f'{path} is {width} x {height}, but its frame '
                f'{results["img_path"]} is {results["ori_shape"][1]} x '
                f'{results["ori_shape"][0]} (width x height). Fix: make the '
                'maps again with tools/dataset_converters/ms3_categories.py.'
            )
        results['gt_category_map'] = category_map
        results['seg_fields'].append('gt_category_map')
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(masks={self.masks!r}, '
            f'categories={self.categories!r})'
        )


@TRANSFORMS.register_module()
class PickFrame(BaseTransform):
    """Keep one frame of a clip, and its piece of sound.

    For training on single frames (:class:`SingleFrames`); a clip without
    ``frame_index`` stays whole. Put it behind the audio front end, which
    needs the whole sound, and before ForEachFrame, which then loads one frame.

    Required Keys:

    - frames (list[dict]), labeled_frames (list[int]), num_frames (int)
    - frame_index (int), optional
    - audio (torch.Tensor), optional: (T, ...)

    Modified Keys: all of them, as of a clip of one frame.
    """

    def transform(self, results: dict) -> dict:
        """Cut the clip down to its frame."""
        if 'frame_index' not in results:
            return results
        index = results.pop('frame_index')
        results['frames'] = [results['frames'][index]]
        results['num_frames'] = 1
        results['labeled_frames'] = (
            [0] if index in results['labeled_frames'] else []
        )
        if 'audio' in results:
            results['audio'] = results['audio'][index : index + 1]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
