"""Predictions to a file, for scoring offline."""

from typing import Any, Optional, Sequence

import torch
from mmengine.evaluator import DumpResults

from mmavs.registry import METRICS


@METRICS.register_module()
class DumpClips(DumpResults):
    """mmengine's ``DumpResults`` with labels as single bytes.

    Of a binary clip 6 bytes per pixel are kept in place of 20, of a semantic
    one 2 in place of 16; ``evaluate_dump.py`` reads both kinds of file. Every
    clip says what the classes are (``classes``), since labels alone do not
    tell how many there could be.

    Args:
        out_file_path (str): Must end with '.pkl' or '.pickle'.
        collect_device (str): 'cpu' or 'gpu', see mmengine.
        collect_dir (str, optional): See mmengine.
    """

    default_prefix = ''

    def process(self, data_batch: Any, predictions: Sequence[dict]) -> None:
        """Take one batch of clips in.

        Args:
            data_batch (Any): Unused.
            predictions (Sequence[dict]): Clips as dicts.
        """
        classes = (self.dataset_meta or {}).get('classes')
        super().process(
            data_batch, [_compact(clip, classes) for clip in predictions]
        )


def _compact(clip: dict, classes: Optional[Sequence[str]]) -> dict:
    """Store labels below 256 as bytes, and the names of the classes."""
    compact = dict(clip)
    if classes:
        compact['classes'] = tuple(classes)
    for field in ('gt_sem_seg', 'pred_sem_seg'):
        if field in clip:
            data = clip[field]['data']
            if data.numel() and 0 <= data.min() and data.max() < 256:
                data = data.to(torch.uint8)
            compact[field] = dict(clip[field], data=data)
    return compact
