"""Category maps for MS3, from AVSBench-semantic or from a model.

A map holds, at every pixel that sounds, 1 + the index of a category among
S4's 23, or 255 where the category is not known; 0 elsewhere.
"""

from pathlib import Path
from typing import Dict, List, Sequence

import numpy as np
from scipy.ndimage import distance_transform_edt

from mmavs.files.text_files import read_rows
from mmavs.media.picture_files import resize_labels

from .avsbench import AVSS_NUM_FRAMES
from .avss_classes import AVSS_CLASSES, AVSS_PALETTE
from .masks import read_mask
from .s4_categories import AVSS_TO_S4, S4_CATEGORIES

UNKNOWN = 255
# Masks of the two data sets were drawn and resized apart: where an AVSS map
# says "background" just inside an MS3 mask, the nearest class within so many
# pixels (of 224) is meant.
MARGIN = 8


def avss_lookup() -> np.ndarray:
    """Give the category value of each AVSS class, (71,) uint8.

    Background gives 0, classes of no S4 category 255.
    """
    values = [
        1 + S4_CATEGORIES.index(AVSS_TO_S4[name])
        if name in AVSS_TO_S4
        else UNKNOWN
        for name in AVSS_CLASSES
    ]
    values[0] = 0
    return np.array(values, np.uint8)


def map_from_avss(labels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Name what sounds in an MS3 mask by the same frame's AVSS labels.

    Args:
        labels (ndarray): (H, W) AVSS class indices, at the original size.
        mask (ndarray): (h, w) bool, MS3's mask.

    Returns:
        ndarray: (h, w) uint8, 0 outside the mask.
    """
    values = avss_lookup()[resize_labels(labels, mask.shape)]
    if (values > 0).any():
        distance, (rows, columns) = distance_transform_edt(
            values == 0, return_indices=True
        )
        values = values[rows, columns]
        values[distance > MARGIN] = UNKNOWN
    else:
        values = np.full_like(values, UNKNOWN)
    return np.where(mask, values, 0).astype(np.uint8)


def map_from_scores(scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Name what sounds by a model's category scores.

    Args:
        scores (ndarray): (K, h, w), any range.
        mask (ndarray): (h, w) bool, MS3's mask.

    Returns:
        ndarray: (h, w) uint8, 0 outside the mask.
    """
    return np.where(mask, scores.argmax(0) + 1, 0).astype(np.uint8)


def find_avss_labels(root: Path) -> Dict[str, List[Path]]:
    """Find the label maps of AVSS's v1m clips, which are MS3's clips.

    Args:
        root (Path): ``AVSBench-semantic``.

    Returns:
        dict[str, list[Path]]: uid to its five label maps, indices where they
        exist, else colours; clips whose files are absent are left out.

    Raises:
        FileNotFoundError: There is no ``metadata.csv``.
    """
    found = {}
    for row in read_rows(
        root / 'metadata.csv', ('uid', 'label'), paths=['uid']
    ):
        if row['label'] != 'v1m':
            continue
        for kind in ('labels_semantic', 'labels_rgb'):
            folder = root / 'v1m' / row['uid'] / kind
            paths = [
                folder / f'{i}.png' for i in range(AVSS_NUM_FRAMES['v1m'])
            ]
            if all(path.is_file() for path in paths):
                found[row['uid']] = paths
                break
    return found


def read_avss_labels(path: Path) -> np.ndarray:
    """Read one AVSS label map as (H, W) uint8 class indices."""
    encoding = 'index' if path.parent.name == 'labels_semantic' else 'palette'
    return read_mask(path, encoding, len(AVSS_CLASSES), AVSS_PALETTE)


def unmapped_classes(paths: Sequence[Path]) -> List[str]:
    """Name the AVSS classes in label maps that have no S4 category."""
    present = set()
    for path in paths:
        present.update(np.unique(read_avss_labels(path)).tolist())
    names = [AVSS_CLASSES[i] for i in sorted(present - {0})]
    return [name for name in names if name not in AVSS_TO_S4]
