"""Objects cut out of photographs by annotations in COCO's format."""

from pathlib import Path
from typing import Dict, List, Optional, Tuple

import cv2
import numpy as np

from mmavs.files.names import path_inside
from mmavs.files.text_files import read_json

from .class_map import avss_class, class_of_coco
from .items import PICTURE, Item, LeftOut
from .own_folders import NOT_STATED

MIN_SIDE = 64  # pixels of a box's longer side
MIN_FILL = 0.25  # of the box; thinner ones are mostly hidden by others
BORDER = 2  # pixels; a box that touches the border is cut off there
_FINE, _SHIFT = 4, 4  # parts of a pixel; bits of a part's fraction
_FIX = 'give instances_train2017.json or another file in COCO format'


def read_coco(
    annotations: Path, images: Path
) -> Tuple[List[Item], List[LeftOut]]:
    """List the instances of classes that sound.

    Crowds, small and thin instances and those cut off by the border are left
    out; so are categories that :mod:`.class_map` gives no sound.

    Args:
        annotations (Path): Of instances, polygons or RLE.
        images (Path): Folder of the photographs.

    Returns:
        tuple: Items; one line for each reason, with the number left out.

    Raises:
        FileNotFoundError: There is no such file or folder.
        ValueError: The file is not of that format.
    """
    if not images.is_dir():
        raise FileNotFoundError(
            f'folder of photographs not found: {images}. Fix: check the '
            'second value of --coco.'
        )
    content = read_json(annotations, _FIX)
    tables = _tables(annotations, content)
    photographs, categories, licences = tables
    items, left_out = [], {}
    for entry in content['annotations']:
        try:
            category = categories[entry['category_id']]
            photograph = photographs[entry['image_id']]
            reason = _unfit(entry, category, photograph)
            if reason is None:
                items.append(_item(entry, category, photograph, images))
                licence = licences.get(photograph.get('license'), NOT_STATED)
                items[-1] = items[-1]._replace(licence=licence)
        except (KeyError, TypeError, ValueError) as error:
            reason = f'not as COCO has it ({type(error).__name__}: {error})'
        if reason is not None:
            left_out[reason] = left_out.get(reason, 0) + 1
    lines = [
        LeftOut(f'{number} instances of {annotations.name}', reason)
        for reason, number in left_out.items()
    ]
    return items, lines


def _tables(path: Path, content: dict) -> Tuple[Dict, Dict, Dict]:
    """Look up photographs, categories and licences by their ids."""
    try:
        return (
            {image['id']: image for image in content['images']},
            {kind['id']: str(kind['name']) for kind in content['categories']},
            {
                licence['id']: str(licence['name'])
                for licence in content.get('licenses', [])
            },
        )
    except (KeyError, TypeError) as error:
        raise ValueError(
            f'{path} is not in COCO format ({type(error).__name__}: {error}). '
            f'Fix: {_FIX}.'
        ) from None


def _unfit(entry: dict, category: str, photograph: dict) -> Optional[str]:
    """Say why an instance is left out, None if it is used."""
    if class_of_coco(category) is None:
        return f'{category}: no sound in the class map'
    if entry.get('iscrowd'):
        return 'crowds'
    left, top, width, height = entry['bbox']
    if max(width, height) < MIN_SIDE:
        return f'smaller than {MIN_SIDE} pixels'
    if entry['area'] < MIN_FILL * width * height:
        return f'thinner than {MIN_FILL:.0%} of the box'
    right = photograph['width'] - left - width
    bottom = photograph['height'] - top - height
    if min(left, top, right, bottom) < BORDER:
        return 'cut off by the border'
    return None


def _item(entry: dict, category: str, photograph: dict, images: Path) -> Item:
    kind = class_of_coco(category)
    file_name = photograph['file_name']
    return Item(
        PICTURE,
        kind,
        path_inside(images, file_name),
        f'coco/{file_name}#{entry["id"]}',
        NOT_STATED,
        avss_class(kind),
        group=f'coco/{file_name}',
        instance=dict(
            segmentation=entry['segmentation'],
            size=(photograph['height'], photograph['width']),
        ),
    )


def instance_mask(instance: dict, size: Tuple[int, int]) -> np.ndarray:
    """Draw an instance.

    Args:
        instance (dict): ``segmentation`` (polygons [x0, y0, x1, y1, ...], or
            RLE with ``counts``) and the ``size`` it was drawn for.
        size (tuple[int, int]): Height and width of the photograph.

    Returns:
        np.ndarray: (H, W) uint8, 0 or 255.

    Raises:
        ValueError: The photograph has another size, or the outline is
            damaged.
    """
    if tuple(instance['size']) != tuple(size):
        raise ValueError(
            f'{size[1]} x {size[0]} pixels, annotated at '
            f'{instance["size"][1]} x {instance["size"][0]}. Fix: give the '
            'photographs that belong to the annotations.'
        )
    outline = instance['segmentation']
    if isinstance(outline, list):
        return _fill_polygons(outline, size)
    if tuple(outline.get('size', ())) != tuple(size):
        raise ValueError(f'an outline of {outline.get("size")} pixels')
    if isinstance(outline['counts'], list):
        return _expand_runs(outline['counts'], size)
    try:
        from pycocotools import mask as coco_mask
    except ImportError:
        raise ValueError(
            'its outline is compressed RLE. Fix: pip install pycocotools'
        ) from None
    return coco_mask.decode(outline) * np.uint8(255)


def _fill_polygons(polygons: List, size: Tuple[int, int]) -> np.ndarray:
    """Fill polygons [x0, y0, x1, y1, ...] in pixels, with soft edges."""
    outlines = []
    for polygon in polygons:
        corners = np.asarray(polygon, np.float64)
        if corners.ndim != 1 or corners.size < 6 or corners.size % 2:
            raise ValueError(f'a polygon of {corners.size} numbers')
        outlines.append(corners.reshape(-1, 2))
    ends = np.concatenate(outlines) if outlines else np.empty((0, 2))
    limit = np.array(size[::-1])
    # NaN as well; annotations leave the picture by rounding only
    if not outlines or not ((ends >= -1) & (ends <= limit + 1)).all():
        raise ValueError('polygons that leave the picture')
    first = np.maximum(ends.min(0).astype(int), 0)
    last = np.minimum(np.ceil(ends.max(0)).astype(int), limit)
    width, height = last - first
    if width < 1 or height < 1:
        raise ValueError('polygons without an area')
    fine = np.zeros((height * _FINE, width * _FINE), np.uint8)
    for corners in outlines:
        # (0, 0) is a corner of the first pixel here, its centre in OpenCV
        points = (corners - first) * _FINE - 0.5
        points = np.round(points * 2**_SHIFT).astype(np.int32)
        cv2.fillPoly(fine, [points], 255, shift=_SHIFT)
    mask = np.zeros(size, np.uint8)
    mask[first[1] : last[1], first[0] : last[0]] = cv2.resize(
        fine, (width, height), interpolation=cv2.INTER_AREA
    )
    return mask


def _expand_runs(counts: List[int], size: Tuple[int, int]) -> np.ndarray:
    """Expand RLE: columns one after the other, first zeros, then ones."""
    runs = np.asarray(counts)
    if (
        runs.dtype.kind != 'i'
        or (runs < 0).any()
        or runs.sum() != np.prod(size)
    ):
        raise ValueError('runs that do not fill the picture')
    values = np.arange(len(runs)) % 2 * 255
    flat = np.repeat(values.astype(np.uint8), runs)
    return np.ascontiguousarray(flat.reshape(size[::-1]).T)
