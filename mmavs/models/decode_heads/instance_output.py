"""Predicted instances, from the head's tensors into the clips' samples."""

import math
from typing import List, Optional, Sequence, Tuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmavs.models.layers.avsc import AVSC, log_odds
from mmavs.models.layers.instance_filter import Instances
from mmavs.models.segmentors.clips import undo_geometry
from mmavs.structures import AVHeadOutput, AVSDataSample, FramePixelData

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


def write_sounding_maps(
    data_samples: Sequence[AVSDataSample],
    avsc: Optional[AVSC],
    threshold: float,
) -> None:
    """Paint S_asl (Eq. 1) from the instances as they are given out.

    Resizing the map itself would eat into the masks: it leaps from nothing to
    a probability that may be little above the threshold, and whatever lies
    between falls below.

    Args:
        data_samples (Sequence[AVSDataSample]): B clips, changed in place,
            with ``pred_instances`` at the size of their ``pred_sem_seg``,
            which is replaced, and so is ``seg_logits``, if kept.
        avsc (AVSC, optional): Says what overlapping masks add up to; None
            leaves the clips as they are.
        threshold (float): Probability above which a pixel sounds.
    """
    for sample in data_samples if avsc is not None else ():
        size = sample.pred_sem_seg.shape
        maps = [
            _sounding_map(instances, avsc, size)
            for instances in sample.pred_instances
        ]
        painted = torch.stack(maps)
        decided = (painted > threshold).to(sample.pred_sem_seg.data)
        sample.pred_sem_seg = FramePixelData(data=decided)
        if 'seg_logits' in sample:
            logits = log_odds(painted).to(sample.seg_logits.data)
            sample.seg_logits = FramePixelData(data=logits)


def _sounding_map(
    instances: InstanceData, avsc: AVSC, size: Tuple[int, int]
) -> Tensor:
    """Give S_asl of one frame, (1, H, W)."""
    sounding = instances.sounding_probs[None]
    if not len(instances):
        return sounding.new_zeros(1, *size)
    return avsc.compose(sounding, instances.masks[None])
