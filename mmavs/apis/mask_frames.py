"""Masks that can wait, be written and be painted; torch is not needed."""

import io
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from PIL import Image

from mmavs.media.picture_files import resize_labels
from mmavs.media.run_lengths import box_of, encode
from mmavs.visualization.regions import Region, lay_out

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


class FoundInstances(NamedTuple):
    """The M instances of a frame.

    Attributes:
        masks (ndarray): (M, H, W) bool.
        labels (ndarray): (M,) int, category.
        scores (ndarray): (M,) in [0, 1], that it is there.
        sounding (ndarray): (M,) in [0, 1], that it sounds.
    """

    masks: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    sounding: np.ndarray


class MaskReader:
    """Makes masks of arrays, and says what they show.

    Args:
        binary (bool): Whether the model tells sounding from silent alone.
        threshold (float): Probability above which a pixel sounds.
        classes (Sequence[str]): Names of the values of the segmentation.
        categories (Sequence[str]): Of a model with instances, their names.
        palette (Sequence): RGB colours of what is painted.
    """

    def __init__(
        self,
        *,
        binary: bool,
        threshold: float,
        classes: Sequence[str],
        categories: Sequence[str],
        palette: Sequence[Sequence[int]],
    ) -> None:
        self.binary, self.threshold = binary, threshold
        self.classes, self.categories = list(classes), tuple(categories)
        self.palette = palette

    def of_map(
        self,
        labels: np.ndarray,
        logits: np.ndarray,
        index: int,
        size: Tuple[int, int],
    ) -> MaskFrame:
        """Make mask ``index`` of a segmentation.

        Args:
            labels (ndarray): (h, w) uint8, decided.
            logits (ndarray): (K, h', w') float32, of any size.
            index (int): The mask.
            size (tuple[int, int]): Height and width of the pictures, at which
                boxes and run-length codes are given.
        """
        return MaskFrame(
            index,
            self.binary,
            to_png(labels * 255 if self.binary else labels),
            None,
            self._count(labels, logits, size),
            evidence_of_logits(logits, self.threshold),
        )

    def of_instances(
        self,
        labels: np.ndarray,
        found: FoundInstances,
        index: int,
        size: Tuple[int, int],
    ) -> MaskFrame:
        """Make mask ``index`` of instances; see :meth:`of_map`."""
        instances = lay_out(found.masks, found.labels, found.sounding)
        return MaskFrame(
            index,
            self.binary,
            to_png(labels * 255 if self.binary else labels),
            to_png(instances),
            self._list(found, size),
            evidence_of_labels(instances),
        )

    def _count(
        self, labels: np.ndarray, logits: np.ndarray, size: Tuple[int, int]
    ) -> List[dict]:
        """List the classes of a segmentation, largest first."""
        areas = np.bincount(labels.ravel(), minlength=1) / labels.size
        order = [int(v) for v in areas.argsort()[::-1] if v and areas[v]]
        if not order:
            return []
        scores = _probabilities(logits.astype(np.float32))
        objects = []
        for value in order:
            mask = labels == value
            score = Image.fromarray(scores[0 if self.binary else value])
            score = score.resize(mask.shape[::-1], Image.Resampling.BILINEAR)
            objects.append(
                dict(
                    value=value,
                    name=self.classes[value],
                    area=round(float(areas[value]), 6),
                    sounding=True,
                    score=round(float(np.asarray(score)[mask].mean()), 4),
                    **outline(mask, size),
                )
            )
        return objects

    def _list(
        self, found: FoundInstances, size: Tuple[int, int]
    ) -> List[dict]:
        """List the instances of a frame, what sounds most probably first."""
        objects = []
        for i in (-found.sounding).argsort(kind='stable').tolist():
            value = int(found.labels[i]) + 1
            probability = float(found.sounding[i])
            objects.append(
                dict(
                    value=value,
                    name=self.categories[value - 1],
                    area=round(float(found.masks[i].mean()), 6),
                    sounding=probability > self.threshold,
                    sounding_prob=round(probability, 4),
                    score=round(float(found.scores[i]), 4),
                    **outline(found.masks[i], size),
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


def _probabilities(logits: np.ndarray) -> np.ndarray:
    """Sigmoid of one channel, softmax of several, (K, h, w)."""
    if len(logits) == 1:
        return 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
    powers = np.exp(logits - logits.max(axis=0))
    return powers / powers.sum(axis=0)


def outline(mask: np.ndarray, size: Tuple[int, int]) -> Dict[str, Any]:
    """Give a mask in COCO's codes.

    Args:
        mask (ndarray): (h, w) bool.
        size (tuple[int, int]): Height and width at which it is given.

    Returns:
        dict: ``box`` (x, y, width, height in pixels) and ``rle``, the
        run-length code as pycocotools reads it (``size`` and ``counts``).
    """
    mask = resize_labels(mask.astype(np.uint8), size)
    shape = [int(side) for side in mask.shape]
    return dict(box=box_of(mask), rle=dict(size=shape, counts=encode(mask)))


def to_png(labels: np.ndarray, size: Optional[Sequence[int]] = None) -> bytes:
    """Encode (H, W) uint8, enlarged to a height and width if given."""
    if size is not None:
        labels = resize_labels(labels, size)
    data = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(labels))
    image.save(data, 'PNG', compress_level=1)
    return data.getvalue()


def from_png(data: bytes) -> np.ndarray:
    """Decode what :func:`to_png` gave."""
    return np.array(Image.open(io.BytesIO(data), formats=('PNG',)))
