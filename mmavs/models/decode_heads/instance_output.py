"""Predicted instances, from the head's tensors into the clips' samples."""

from typing import Sequence, Tuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmavs.models.layers.avsc import AVSC, Instances, log_odds
from mmavs.structures import AVHeadOutput, AVSDataSample, FramePixelData

from .write_maps import HowToWrite, resize_logits, undo_geometry


def write_instances(
    output: AVHeadOutput,
    data_samples: Sequence[AVSDataSample],
    how: HowToWrite,
    categories: Sequence[str],
) -> None:
    """Store ``pred_instances`` in every clip.

    Args:
        output (AVHeadOutput): Of N = B*T frames, with ``instances`` and
            ``sounding`` in its extras.
        data_samples (Sequence[AVSDataSample]): B clips, changed in place:
            ``pred_instances`` becomes a list of InstanceData, one per frame
            (padded frames left out), on the CPU: ``masks`` (M, H, W) bool at
            ``how.size``, none of them empty, ``labels`` (M,) int64,
            ``scores`` (M,) the visual scores and ``sounding_probs`` (M,),
            both in [0, 1]. Metainfo ``categories`` gives the labels' names.
        how (HowToWrite): Sizes.
        categories (Sequence[str]): K names.
    """
    clips = (len(data_samples), -1)
    instances = Instances(
        *(part.unflatten(0, clips) for part in output.extras['instances'])
    )
    sounding = output.extras['sounding'].unflatten(0, clips)  # (B, T, M)
    for b, sample in enumerate(data_samples):
        sample.set_metainfo(dict(categories=tuple(categories)))
        sample.pred_instances = [
            _frame_instances(
                Instances(*(part[b, t] for part in instances)),
                sounding[b, t],
                sample,
                how,
            )
            for t in range(sample.num_frames)
        ]


def _frame_instances(
    instances: Instances,
    sounding: Tensor,
    sample: AVSDataSample,
    how: HowToWrite,
) -> InstanceData:
    """Undo the geometry; leave out padding of (M, ...) and empty masks."""
    masks = instances.mask_logits[None]  # (1, M, h, w)
    padded = sample.get('batch_input_shape', sample.img_shape)
    masks = resize_logits(masks, padded[:2], False)
    masks = undo_geometry(masks, sample)
    masks = resize_logits(masks, how.size(sample), False)[0]
    masks = masks > 0  # (M, H, W)
    found = instances.valid & masks.any((1, 2))
    return InstanceData(
        masks=masks[found].cpu(),
        labels=instances.labels[found].cpu(),
        scores=instances.scores[found].detach().float().cpu(),
        sounding_probs=sounding[found].detach().float().cpu(),
    )


def write_sounding_maps(
    data_samples: Sequence[AVSDataSample], avsc: AVSC, how: HowToWrite
) -> None:
    """Paint S_asl (Eq. 1) from the instances as they are given out.

    Resizing the head's own map would eat into the masks: it leaps from
    nothing to a probability that may be little above the threshold, and
    whatever lies between falls below.

    Args:
        data_samples (Sequence[AVSDataSample]): B clips with
            ``pred_instances``; ``pred_sem_seg`` and, if kept, ``seg_logits``
            are added.
        avsc (AVSC): Says what overlapping masks add up to.
        how (HowToWrite): Sizes and threshold.
    """
    for sample in data_samples:
        maps = [
            _sounding_map(instances, avsc, how.size(sample))
            for instances in sample.pred_instances
        ]
        painted = torch.stack(maps)  # (T, 1, H, W)
        decided = (painted > how.threshold).long()
        sample.pred_sem_seg = FramePixelData(data=decided)
        sample.set_metainfo(dict(threshold=how.threshold))
        if how.keep_logits is True:
            sample.seg_logits = FramePixelData(data=log_odds(painted))


def _sounding_map(
    instances: InstanceData, avsc: AVSC, size: Tuple[int, int]
) -> Tensor:
    """Give S_asl of one frame, (1, H, W)."""
    sounding = instances.sounding_probs[None]
    if not len(instances):
        return sounding.new_zeros(1, *size)
    return avsc.compose(sounding, instances.masks[None])
