"""From a labelled frame to its sounding instances."""

from typing import Sequence, Tuple

import torch
from mmseg.structures import SegDataSample
from torch import Tensor

UNKNOWN = 255  # of a category map: it sounds, but its category is not known


def instance_targets(
    frame: SegDataSample, categories: Sequence[str]
) -> Tuple[Tensor, Tensor]:
    """Split a frame's binary ground truth by category.

    AVSBench-object has no instances. Where a frame carries a category map
    (``gt_category_map``: 0 nothing, 1 + k category k, 255 sounding but
    unknown), each category is one instance, since "the current dataset does
    not contain two instances of the same category producing sound
    simultaneously" (https://arxiv.org/abs/2307.16620, section 3.3). Else the
    clip's ``category`` names the one instance (S4).

    Args:
        frame (SegDataSample): With ``gt_sem_seg`` (1, H, W), 1 where it
            sounds.
        categories (Sequence[str]): K names.

    Returns:
        tuple[Tensor, Tensor]: labels (G,) int64 in 0..K-1, masks (G, H, W)
        bool; G = 0 for a silent frame.

    Raises:
        ValueError: The clip has no category, or one that is not among
            ``categories``.
    """
    sounding = frame.gt_sem_seg.data[0] == 1
    if 'gt_category_map' in frame:
        return _from_map(frame, sounding, len(categories))
    name = frame.metainfo.get('category')
    if name is None:
        raise ValueError(
            f'clip {frame.metainfo.get("clip_id")} has no category, which '
            'instances need. Fix: for MS3 make category maps with '
            'tools/dataset_converters/ms3_categories.py and load them with '
            'LoadCategoryMap; for clips of your own add a category column.'
        )
    if name not in categories:
        raise ValueError(
            f'clip {frame.metainfo.get("clip_id")} is of category {name!r}, '
            f'which the {len(categories)} categories of decode_head do not '
            f'name. Fix: add it to decode_head.categories (and train anew: '
            'a checkpoint knows only the categories it was trained with).'
        )
    found = sounding.any()
    label = torch.tensor([list(categories).index(name)], device=found.device)
    return label[: int(found)], sounding[None][: int(found)]


def _from_map(
    frame: SegDataSample, sounding: Tensor, num_categories: int
) -> Tuple[Tensor, Tensor]:
    category_map = frame.gt_category_map.data[0] * sounding
    present = category_map.unique()
    present = present[(present > 0) & (present != UNKNOWN)]
    if len(present) and int(present[-1]) > num_categories:
        raise ValueError(
            f'the category map of clip {frame.metainfo.get("clip_id")} holds '
            f'category {int(present[-1])}, decode_head names '
            f'{num_categories}. Fix: set decode_head.categories to the list '
            'the maps were made with.'
        )
    return present - 1, category_map == present[:, None, None]
