"""From a model's output to masks that can wait, be written and be painted."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np
from mmengine.structures import InstanceData
from torch import nn

from mmavs.media.picture_files import resize_labels
from mmavs.structures import AVSDataSample
from mmavs.visualization.instances import instance_map
from mmavs.visualization.paint import Region, palette_for


class MaskFrame(NamedTuple):
    """What was found for one mask's stretch of time.

    Masks wait as PNG files in memory: tens of kilobytes instead of the
    megabytes of their pixels.

    Attributes:
        index (int): m; it stands for seconds m / fps to (m + 1) / fps.
        segmentation (bytes): PNG: 0 or 255 of a binary model, else class
            indices.
        instances (bytes or None): PNG: 1 + category of every instance,
            sounding or silent; None of a model without instances.
        objects (list[dict]): What the masks show, for the summary.
    """

    index: int
    segmentation: bytes
    instances: Optional[bytes]
    objects: List[Dict[str, Any]]


class ResultReader:
    """Reads a model's samples frame by frame.

    Args:
        model (nn.Module): From :func:`~mmavs.apis.init_model`.

    Attributes:
        classes (Sequence[str]): Names of the values of the segmentation.
        palette (Sequence): RGB colours of what is painted.
    """

    def __init__(self, model: nn.Module) -> None:
        meta = model.dataset_meta
        self.binary = model.out_channels == 1
        self.threshold = model.threshold
        self.classes = list(meta.get('classes') or ('background', 'sounding'))
        categories = getattr(model.decode_head, 'categories', None)
        self.categories = tuple(categories or ())
        palette = meta.get('palette')
        if self.categories or not palette:
            number = len(self.categories or self.classes[1:])
            palette = palette_for(number + 1)
        self.palette = palette

    def read(self, sample: AVSDataSample, t: int, index: int) -> MaskFrame:
        """Read frame t of a clip as mask ``index``."""
        labels = sample.pred_sem_seg.data[t, 0].numpy().astype(np.uint8)
        if 'pred_instances' in sample:
            found = sample.pred_instances[t]
            instances, objects = instance_map(found), self._list(found)
        else:
            instances, objects = None, self._count(labels)
        return MaskFrame(
            index,
            to_png(labels * 255 if self.binary else labels),
            None if instances is None else to_png(instances),
            objects,
        )

    def _count(self, labels: np.ndarray) -> List[dict]:
        """List the classes of a segmentation, largest first."""
        areas = np.bincount(labels.ravel(), minlength=1) / labels.size
        order = [int(v) for v in areas.argsort()[::-1] if v and areas[v]]
        return [
            dict(
                value=value,
                name=self.classes[value],
                area=round(float(areas[value]), 6),
                sounding=True,
            )
            for value in order
        ]

    def _list(self, found: InstanceData) -> List[dict]:
        """List the instances of a frame, what sounds most probably first."""
        objects = []
        order = found.sounding_probs.argsort(descending=True, stable=True)
        for i in order.tolist():
            value = int(found.labels[i]) + 1
            probability = float(found.sounding_probs[i])
            objects.append(
                dict(
                    value=value,
                    name=self.categories[value - 1],
                    area=round(float(found.masks[i].float().mean()), 6),
                    sounding=probability > self.threshold,
                    sounding_prob=round(probability, 4),
                    score=round(float(found.scores[i]), 4),
                )
            )
        return objects

    def regions(self, frame: MaskFrame) -> Tuple[np.ndarray, List[Region]]:
        """Say what to paint.

        Returns:
            tuple: Labels (h, w) uint8, and their regions.
        """
        labels = from_png(frame.instances or frame.segmentation)
        if self.binary and frame.instances is None:
            labels = (labels > 0).astype(np.uint8)
        named = not self.binary or frame.instances is not None
        regions = [
            Region(o['value'], o['name'] if named else '', o['sounding'])
            for o in frame.objects
        ]
        return labels, regions


def to_png(labels: np.ndarray, size: Optional[Sequence[int]] = None) -> bytes:
    """Encode (H, W) uint8, enlarged to a height and width if given."""
    if size is not None:
        labels = resize_labels(labels, size)
    _, data = cv2.imencode('.png', labels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return data.tobytes()


def from_png(data: bytes) -> np.ndarray:
    """Decode what :func:`to_png` gave."""
    array = np.frombuffer(data, np.uint8)
    return cv2.imdecode(array, cv2.IMREAD_GRAYSCALE)
