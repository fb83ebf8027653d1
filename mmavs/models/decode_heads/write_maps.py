"""From the logits of a batch to the maps that its clips keep."""

from typing import NamedTuple, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from mmavs.structures import AVSDataSample, FramePixelData


class HowToWrite(NamedTuple):
    """At which size, and how decided, predictions are kept.

    Attributes:
        input_size (tuple[int, int]): H, W of the padded batch.
        eval_size (str): 'input' or 'original'.
        keep_logits (bool or str): Keep raw logits beside the decision;
            'coarse': at the head's own size.
        threshold (float): Probability above which a pixel sounds, used with
            one channel.
        align_corners (bool): For resizing logits.
    """

    input_size: Tuple[int, int]
    eval_size: str
    keep_logits: Union[bool, str]
    threshold: float
    align_corners: bool = False

    def size(self, sample: AVSDataSample) -> Tuple[int, int]:
        """Height and width at which a clip's predictions are kept."""
        whole = self.eval_size == 'original'
        return (sample.ori_shape if whole else sample.img_shape)[:2]


def write_maps(
    logits: Tensor, data_samples: Sequence[AVSDataSample], how: HowToWrite
) -> None:
    """Store ``pred_sem_seg`` and, if kept, ``seg_logits`` in every clip.

    Args:
        logits (Tensor): (B * T, K, h, w), raw.
        data_samples (Sequence[AVSDataSample]): B clips, changed in place;
            padded frames are left out.
        how (HowToWrite): Sizes and threshold.
    """
    if how.keep_logits == 'coarse':
        _keep_coarse(logits, data_samples, how.input_size)
    logits = resize_logits(logits, how.input_size, how.align_corners)
    clips = logits.unflatten(0, (len(data_samples), -1))
    for sample, clip in zip(data_samples, clips):
        _write_clip(clip[: sample.num_frames], sample, how)


def _write_clip(
    logits: Tensor, sample: AVSDataSample, how: HowToWrite
) -> None:
    """Undo padding and flip, resize, and decide, frame by frame.

    Frame by frame, so that K classes at full size never exist for more than
    one frame unless they are to be kept.
    """
    logits = undo_geometry(logits, sample)  # (T, K, h, w)
    kept, decided = [], []
    for frame in logits.split(1):
        # (1, K, H, W)
        frame = resize_logits(frame, how.size(sample), how.align_corners)
        decided.append(decide(frame, how.threshold))
        if how.keep_logits is True:
            kept.append(frame)
    sample.pred_sem_seg = FramePixelData(data=torch.cat(decided))
    if logits.shape[1] == 1:
        sample.set_metainfo(dict(threshold=how.threshold))
    if kept:
        sample.seg_logits = FramePixelData(data=torch.cat(kept))


def _keep_coarse(
    logits: Tensor,
    data_samples: Sequence[AVSDataSample],
    input_size: Tuple[int, int],
) -> None:
    """Keep (B * T, K, h, w) as they are, less what stands for padding."""
    clips = logits.unflatten(0, (len(data_samples), -1))
    for sample, clip in zip(data_samples, clips):
        rows, columns = (
            max(1, round(have * shown / padded))
            for have, shown, padded in zip(
                clip.shape[-2:], sample.img_shape[:2], input_size
            )
        )
        clip = clip[: sample.num_frames, :, :rows, :columns]
        sample.seg_logits = FramePixelData(data=clip)


def decide(logits: Tensor, threshold: float) -> Tensor:
    """Turn raw logits (T, K, H, W) into labels (T, 1, H, W) int64.

    One channel is cut where its probability is above ``threshold``.
    """
    if logits.shape[1] == 1:
        return (logits.float().sigmoid() > threshold).long()
    return logits.argmax(dim=1, keepdim=True)


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


def resize_logits(logits: Tensor, size, align_corners: bool) -> Tensor:
    """Resize (N, K, h, w) logits to ``size`` bilinearly, if they differ.

    Args:
        logits (Tensor): (N, K, h, w), any range.
        size (tuple[int, int]): H, W.
        align_corners (bool): As in :func:`torch.nn.functional.interpolate`.

    Returns:
        Tensor: (N, K, H, W).
    """
    if logits.shape[-2:] == tuple(size):
        return logits
    return F.interpolate(
        logits, size=tuple(size), mode='bilinear', align_corners=align_corners
    )
