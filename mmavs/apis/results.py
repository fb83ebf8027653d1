"""From a model's output to masks that can wait, be written and be painted."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmavs.media.picture_files import resize_labels
from mmavs.structures import AVSDataSample
from mmavs.visualization.instances import instance_map
from mmavs.visualization.paint import Region, palette_for

from .evidence import Evidence, evidence_of_labels, evidence_of_logits


class MaskFrame(NamedTuple):
    """What was found for one mask's stretch of time.

    Masks wait as PNG files in memory: tens of kilobytes instead of the
    megabytes of their pixels.

    Attributes:
        index (int): m; it stands for seconds m / fps to (m + 1) / fps.
        binary (bool): Whether the model tells sounding from silent alone.
        segmentation (bytes): PNG: 0 or 255 of a binary model, else class
            indices.
        instances (bytes or None): PNG: 1 + category of every instance,
            sounding or silent; None of a model without instances.
        objects (list[dict]): What the masks show, for the summary.
        evidence (Evidence): For masks at times between this and the next.
    """

    index: int
    binary: bool
    segmentation: bytes
    instances: Optional[bytes]
    objects: List[Dict[str, Any]]
    evidence: Evidence


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

    def read(
        self, sample: AVSDataSample, t: int, index: int, size: Tuple[int, int]
    ) -> MaskFrame:
        """Read frame t of a clip as mask ``index``.

        Args:
            sample (AVSDataSample): With coarse ``seg_logits`` or instances.
            t (int): The frame.
            index (int): The mask.
            size (tuple[int, int]): Height and width of the pictures, at which
                boxes and run-length codes are given.
        """
        labels = sample.pred_sem_seg.data[t, 0].numpy().astype(np.uint8)
        if 'pred_instances' in sample:
            found = sample.pred_instances[t]
            instances, objects = instance_map(found), self._list(found, size)
            evidence = evidence_of_labels(instances)
        else:
            logits = sample.seg_logits.data[t]
            instances, objects = None, self._count(labels, logits, size)
            evidence = evidence_of_logits(logits, self.threshold)
        return MaskFrame(
            index,
            self.binary,
            to_png(labels * 255 if self.binary else labels),
            None if instances is None else to_png(instances),
            objects,
            evidence,
        )

    def _count(
        self, labels: np.ndarray, logits: Tensor, size: Tuple[int, int]
    ) -> List[dict]:
        """List the classes of a segmentation, largest first."""
        areas = np.bincount(labels.ravel(), minlength=1) / labels.size
        order = [int(v) for v in areas.argsort()[::-1] if v and areas[v]]
        if not order:
            return []
        logits = logits.float()
        scores = logits.sigmoid() if self.binary else logits.softmax(0)
        objects = []
        for value in order:
            mask = labels == value
            score = scores[0 if self.binary else value].numpy()
            score = cv2.resize(score, mask.shape[::-1])[mask].mean()
            objects.append(
                dict(
                    value=value,
                    name=self.classes[value],
                    area=round(float(areas[value]), 6),
                    sounding=True,
                    score=round(float(score), 4),
                    **outline(mask, size),
                )
            )
        return objects

    def _list(self, found: InstanceData, size: Tuple[int, int]) -> List[dict]:
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
                    **outline(found.masks[i].numpy(), size),
                )
            )
        return objects

    def labels(self, frame: MaskFrame) -> np.ndarray:
        """Give what is painted, (h, w) uint8."""
        labels = from_png(frame.instances or frame.segmentation)
        if self.binary and frame.instances is None:
            labels = (labels > 0).astype(np.uint8)
        return labels

    def regions(self, frame: MaskFrame) -> List[Region]:
        """Say what the values of the labels are."""
        return [
            Region(found['value'], found['name'], found['sounding'])
            for found in frame.objects
        ]


def outline(mask: np.ndarray, size: Tuple[int, int]) -> Dict[str, Any]:
    """Give a mask in COCO's codes.

    Args:
        mask (ndarray): (h, w) bool.
        size (tuple[int, int]): Height and width at which it is given.

    Returns:
        dict: ``box`` (x, y, width, height in pixels) and ``rle``, the
        run-length code as pycocotools reads it (``size`` and ``counts``).
    """
    from pycocotools import mask as coco

    mask = resize_labels(mask.astype(np.uint8), size)
    rle = coco.encode(np.asfortranarray(mask))
    box = [int(number) for number in coco.toBbox(rle)]
    counts = rle['counts'].decode('ascii')
    return dict(box=box, rle=dict(size=list(rle['size']), counts=counts))


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
