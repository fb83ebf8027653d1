"""Predicted instances on disk: pictures, and a COCO-style file."""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from PIL import Image

from mmavs.evaluation.mask_files import clip_mask_path, write_image
from mmavs.files.output_folder import OutputFolder
from mmavs.files.whole_files import write_text
from mmavs.registry import METRICS
from mmavs.visualization.instances import instance_map
from mmavs.visualization.paint import palette_for

from .entries import in_dataset_order, source_of, threshold_of

FOLDER, FILE = 'instances', 'instances.json'


@METRICS.register_module()
class InstanceWriter(BaseMetric):
    """Writes the instances of every clip, and scores nothing.

    Below ``output_dir``:

    - ``instances/[category/]clip/clip_1.png``: a palette picture per frame,
      1 + category of what sounds (at most one instance of a category does),
      above the threshold of the masks;
    - ``instances.json``: COCO's ``images``, ``categories`` and
      ``annotations`` of all potential sounding objects, with ``score`` (the
      visual score), ``sounding_prob`` and an uncompressed run-length
      ``segmentation``, which pycocotools reads.

    Clips of models without instances leave nothing.

    Args:
        output_dir (str): Where to.
        first (int): Number of the first frame in file names. Defaults to 1,
            as the benchmark's ground truth.
        collect_device (str): See mmengine.
        collect_dir (str, optional): See mmengine.
    """

    default_prefix = ''

    def __init__(
        self,
        output_dir: str,
        first: int = 1,
        collect_device: str = 'cpu',
        collect_dir: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device, collect_dir=collect_dir)
        self.output_dir = Path(output_dir)
        self.output = OutputFolder(output_dir)
        self.first = first

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Write pictures, keep what goes into the file.

        Args:
            data_batch (Any): Unused.
            data_samples (Sequence[dict]): Clips, with ``pred_instances`` and
                ``categories``.
        """
        for sample in data_samples:
            entry = dict(
                clip_id=sample.get('clip_id'),
                sample_idx=sample.get('sample_idx'),
                source=source_of(sample),
                categories=sample.get('categories'),
                frames=[],
            )
            for t, instances in enumerate(sample.get('pred_instances', [])):
                path = clip_mask_path(
                    self.output_dir / FOLDER, sample, t + self.first
                )
                name = path.relative_to(self.output_dir)
                picture = instance_map(instances, threshold_of(sample))
                write_palette_image(
                    picture, entry['categories'], self.output.file(name)
                )
                entry['frames'].append(
                    dict(
                        file_name=str(name),
                        frame=t,
                        size=list(instances.masks.shape[-2:]),
                        annotations=annotate(instances),
                    )
                )
            self.results.append(entry)

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Write the file; there is no score."""
        entries = in_dataset_order(results)
        entries = [entry for entry in entries if entry['frames']]
        if entries:
            path = self.output.file(FILE)
            write_text(path, json.dumps(as_coco(entries)))
            print_log(f'instances are in {path}', logger='current')
        return {}


def write_palette_image(
    labels: np.ndarray, categories: Sequence[str], path: Path
) -> None:
    """Write (H, W) uint8 labels, 1 + category, in the categories' colours."""
    image = Image.fromarray(labels)
    palette = palette_for(len(categories) + 1)
    image.putpalette([value for colour in palette for value in colour])
    write_image(image, path)


def annotate(instances) -> List[dict]:
    """Describe the instances of a frame, as COCO's annotations."""
    rows = zip(
        instances.masks.cpu().numpy(),
        instances.labels.tolist(),
        instances.scores.tolist(),
        instances.sounding_probs.tolist(),
    )
    return [
        dict(
            category_id=label + 1,
            segmentation=run_lengths(mask),
            area=int(mask.sum()),
            bbox=bounding_box(mask),
            iscrowd=0,
            score=round(score, 6),
            sounding_prob=round(probability, 6),
        )
        for mask, label, score, probability in rows
    ]


def run_lengths(mask: np.ndarray) -> dict:
    """Encode a mask as COCO's uncompressed run lengths.

    Args:
        mask (ndarray): (H, W) bool.

    Returns:
        dict: ``size`` [H, W] and ``counts``: lengths of runs of 0, 1, 0, ...
        down the columns, the first of 0.
    """
    flat = mask.flatten(order='F')
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate([[0], changes, [flat.size]])
    counts = np.diff(edges).tolist()
    if flat.size and flat[0]:
        counts.insert(0, 0)
    return dict(size=list(mask.shape), counts=counts)


def bounding_box(mask: np.ndarray) -> List[int]:
    """Give [x, y, width, height] of a mask, zeros if it is empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return [0, 0, 0, 0]
    top, left = int(rows[0]), int(columns[0])
    return [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1]


def as_coco(entries: List[dict]) -> dict:
    """Number the frames and instances of all clips, as COCO's files do."""
    images, annotations = [], []
    for entry in entries:
        for frame in entry['frames']:
            image_id = len(images) + 1
            height, width = frame['size']
            images.append(
                dict(
                    id=image_id,
                    file_name=frame['file_name'],
                    height=height,
                    width=width,
                    clip_id=entry['clip_id'],
                    frame=frame['frame'],
                )
            )
            for annotation in frame['annotations']:
                number = len(annotations) + 1
                annotations.append(
                    dict(annotation, id=number, image_id=image_id)
                )
    categories = [
        dict(id=number, name=name)
        for number, name in enumerate(entries[0]['categories'], start=1)
    ]
    return dict(images=images, categories=categories, annotations=annotations)
