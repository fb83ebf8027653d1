"""Predicted instances, from the head's tensors into the clips' samples."""

import math
from typing import List, Sequence

from mmengine.structures import InstanceData
from torch import Tensor

from mmavs.models.layers.instance_filter import Instances
from mmavs.models.segmentors.clips import undo_geometry
from mmavs.structures import AVHeadOutput, AVSDataSample

from .avs_decode_head import resize_logits


def write_instances(
    output: AVHeadOutput,
    data_samples: List[AVSDataSample],
    num_frames: int,
    eval_size: str,
    mask_thr: float,
    categories: Sequence[str],
) -> None:
    """Store ``pred_instances`` in every clip.

    Args:
        output (AVHeadOutput): Of N = B*T frames, with ``instances`` and
            ``sounding`` in its extras.
        data_samples (list[AVSDataSample]): B clips, changed in place:
            ``pred_instances`` becomes a list of InstanceData, one a frame
            (padded frames left out), on the CPU: ``masks`` (M, H, W) bool at
            ``eval_size``, none of them empty, ``labels`` (M,) int64,
            ``scores`` (M,) the visual scores and ``sounding_probs`` (M,),
            both in [0, 1]. Metainfo ``categories`` gives the labels' names.
        num_frames (int): T of the batch.
        eval_size (str): 'input' or 'original'.
        mask_thr (float): Probability above which a pixel is in a mask.
        categories (Sequence[str]): K names.
    """
    instances: Instances = output.extras['instances']
    sounding: Tensor = output.extras['sounding']
    for b, sample in enumerate(data_samples):
        frames = range(b * num_frames, b * num_frames + sample.num_frames)
        sample.set_metainfo(dict(categories=tuple(categories)))
        sample.pred_instances = [
            _frame_instances(
                Instances(*(part[n] for part in instances)),
                sounding[n],
                sample,
                eval_size,
                mask_thr,
            )
            for n in frames
        ]


def _frame_instances(
    instances: Instances,
    sounding: Tensor,
    sample: AVSDataSample,
    eval_size: str,
    mask_thr: float,
) -> InstanceData:
    """Undo the geometry; leave out padding of (M, ...) and empty masks."""
    masks = instances.mask_logits[None]
    size = sample.img_shape if eval_size == 'input' else sample.ori_shape
    padded = sample.get('batch_input_shape', sample.img_shape)
    masks = resize_logits(masks, padded[:2], False)
    masks = undo_geometry(masks, sample)
    masks = resize_logits(masks, size[:2], False)[0]
    masks = masks > math.log(mask_thr / (1 - mask_thr))
    found = instances.valid & masks.any((1, 2))
    return InstanceData(
        masks=masks[found].cpu(),
        labels=instances.labels[found].cpu(),
        scores=instances.scores[found].detach().float().cpu(),
        sounding_probs=sounding[found].detach().float().cpu(),
    )
