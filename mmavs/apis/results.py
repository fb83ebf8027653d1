"""From a model's samples in PyTorch to masks."""

from typing import Tuple

import numpy as np
from torch import nn

from mmavs.structures import AVSDataSample
from mmavs.visualization.paint import palette_for

from .mask_frames import FoundInstances, MaskFrame, MaskReader


class ResultReader(MaskReader):
    """Reads a model's samples frame by frame.

    Args:
        model (nn.Module): From :func:`~mmavs.apis.init_model`.
    """

    def __init__(self, model: nn.Module) -> None:
        meta = model.dataset_meta
        classes = list(meta.get('classes') or ('background', 'sounding'))
        categories = getattr(model.decode_head, 'categories', None) or ()
        palette = meta.get('palette')
        if categories or not palette:
            palette = palette_for(len(categories or classes[1:]) + 1)
        super().__init__(
            binary=model.out_channels == 1,
            threshold=model.threshold,
            classes=classes,
            categories=categories,
            palette=palette,
        )

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
        if 'pred_instances' not in sample:
            logits = sample.seg_logits.data[t].float().numpy()
            return self.of_map(labels, logits, index, size)
        found = sample.pred_instances[t]
        arrays = FoundInstances(
            found.masks.numpy(),
            found.labels.numpy(),
            found.scores.numpy(),
            found.sounding_probs.numpy(),
        )
        return self.of_instances(labels, arrays, index, size)
