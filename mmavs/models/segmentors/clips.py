"""The clips' samples, as the segmentor meets them."""

from typing import List

import torch

from mmavs.structures import AVSDataSample
from mmavs.structures.labeled_frames import UNLABELLED


def check_labels(
    data_samples: List[AVSDataSample], num_classes: int, ignore_index: int
) -> None:
    """Refuse labels that the head has no class for.

    On a GPU such a label ends the process without saying which clip it was
    of. ``max_label``, which :class:`PackAVSInputs` notes, spares a look at the
    masks, for which the host would wait in every step.

    Args:
        data_samples (list[AVSDataSample]): B clips.
        num_classes (int): K.
        ignore_index (int): Label that no loss counts.

    Raises:
        ValueError: A labelled frame holds another label than 0..K-1.
    """
    for sample in data_samples:
        known = ignore_index == UNLABELLED and 'max_label' in sample
        if known and sample.max_label < num_classes:
            continue
        for t in sample.labeled_frames:
            mask = sample.gt_sem_seg.data[t]
            strange = (mask < 0) | (mask >= num_classes)
            labels = mask[strange & (mask != ignore_index)].unique().tolist()
            if labels:
                raise ValueError(
                    f'clip {sample.get("clip_id")}, {sample.img_path[t]}: the '
                    f'mask holds labels {labels}, but decode_head.num_classes='
                    f'{num_classes} knows 0..{num_classes - 1}. Fix: set '
                    'num_classes to the number of classes of the data set, '
                    "or the data set's metainfo=dict(classes=...) to those "
                    f'of the head; pixels without a label are {ignore_index}.'
                )


def bare_sample(shape: torch.Size) -> AVSDataSample:
    """A sample for inputs that came without one."""
    size = tuple(shape[-2:])
    return AVSDataSample(
        metainfo=dict(num_frames=shape[1], img_shape=size, ori_shape=size)
    )
