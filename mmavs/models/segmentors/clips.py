"""Between clips and the frames they are made of."""

from typing import Callable, List, Tuple

import torch
from torch import Tensor

from mmavs.structures import AVSDataSample

UNLABELLED = 255


def labeled_frames(
    data_samples: List[AVSDataSample],
    num_frames: int,
    warn: Callable[[str], None],
) -> Tuple[list, Tensor]:
    """Collect the supervised frames of a batch.

    Args:
        data_samples (list[AVSDataSample]): B clips.
        num_frames (int): T of the (padded) batch.
        warn (callable): Told if no frame at all is labelled.

    Returns:
        tuple: The L labelled frames as SegDataSamples, and (L,) int64 indices
        of theirs among N = B*T.
    """
    frames, indices = [], []
    for b, sample in enumerate(data_samples):
        views = sample.frames()
        for t in sample.labeled_frames:
            frames.append(views[t])
            indices.append(b * num_frames + t)
    if not frames:
        warn(
            'no frame of a batch is labelled, so its losses are 0. Mend, '
            'unless masks are rare in your data: put LoadFrameMask into '
            'ForEachFrame of the training pipeline, and the masks where the '
            'data set looks for them. Further such batches are not named.'
        )
    return frames, torch.tensor(indices, dtype=torch.long)


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


def undo_geometry(logits: Tensor, sample: AVSDataSample) -> Tensor:
    """Cut the padding off and undo a flip.

    Args:
        logits (Tensor): (T, K, H, W) at the padded input size.
        sample (AVSDataSample): With ``img_shape`` and, if flipped,
            ``flip_direction``.

    Returns:
        Tensor: (T, K, h, w) at ``img_shape``.
    """
    height, width = sample.img_shape[:2]
    logits = logits[..., :height, :width]
    if sample.get('flip', False):
        axes = {'horizontal': [-1], 'vertical': [-2], 'diagonal': [-2, -1]}
        logits = logits.flip(dims=axes[sample.flip_direction])
    return logits


def bare_sample(shape: torch.Size) -> AVSDataSample:
    """A sample for inputs that came without one."""
    size = tuple(shape[-2:])
    return AVSDataSample(
        metainfo=dict(num_frames=shape[1], img_shape=size, ori_shape=size)
    )
