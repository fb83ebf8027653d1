"""J and F of binary audio-visual segmentation (S4, MS3)."""

from typing import Dict, List, Union

import torch
from torch import Tensor

from mmavs.evaluation.functional.binary import binary_sums
from mmavs.evaluation.functional.protocols import (
    binary_scores,
    check_binary,
)
from mmavs.registry import METRICS

from .clip_metric import ClipMetric
from .entries import (
    check_frames,
    frames_of,
    threshold_of,
)


@METRICS.register_module()
class AVSMetric(ClipMetric):
    """Jaccard index and F-measure (beta^2 = 0.3) of sounding pixels.

    A pixel sounds above the ``threshold`` of its clip, which is that of the
    model; 0.5 unless its config names another one, which then stands beside
    the figures.

    "Audio-Visual Segmentation" (https://arxiv.org/abs/2207.05042), as its
    released code acts, and by whole-dataset sums; ``docs/en/metrics.md`` has
    the formulas and says which paper used which protocol.

    For models that find instances, ``I`` counts them, summed over the frames
    of the set (Table 3 of https://arxiv.org/abs/2307.16620).

    Args:
        protocol (str): ``'avsbench'``: mean over the frames of a group of
            clips, then over groups. ``'dataset'``: from pixels summed over
            the set, with precision and recall.
        clips_per_batch (int or str): Clips in a group of ``avsbench``, in
            dataset order, independent of the loader's batches and of ranks:
            1, 2, 4 (as published: 4 TPAVI, 2 AVSegFormer and AVSAC, 1
            AVS-BG and AVIS) or ``'all'``.
        background (str): For ``dataset``: ``'without'`` scores sounding
            pixels alone, ``'all'`` takes the mean with the background, as
            CAVP's tables do.
        soft_masks (bool): Write probabilities (grey, 256 levels) in place
            of masks: J and F come out of them again as they are, which no
            mask can give F.
        **kwargs: See :class:`ClipMetric`.

    Raises:
        ValueError: An unknown protocol, grouping or background.
    """

    def __init__(
        self,
        *,
        protocol: str = 'avsbench',
        clips_per_batch: Union[int, str] = 1,
        background: str = 'without',
        soft_masks: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        check_binary(protocol, clips_per_batch, background)
        self.protocol = protocol
        self.clips_per_batch = clips_per_batch
        self.background = background
        self.soft_masks = soft_masks

    def measure(self, sample: dict) -> Dict[str, Tensor]:
        """See :meth:`ClipMetric.measure`."""
        logits, target = logits_of(sample), sample['gt_sem_seg']['data']
        check_frames(sample, logits, target)
        sums = binary_sums(
            to_binary(logits, sample),
            target[:, 0],
            threshold=threshold_of(sample),
        )
        if 'pred_instances' in sample:
            found = sum(len(frame) for frame in sample['pred_instances'])
            sums['instances'] = torch.tensor(found)
        return sums

    def mask_kind(self) -> str:
        """See :meth:`ClipMetric.mask_kind`."""
        return 'soft' if self.soft_masks else 'binary'

    def mask_frames(self, sample: dict) -> Tensor:
        """Give probabilities, or what this metric takes for sounding."""
        logits = to_binary(logits_of(sample), sample)
        probability = logits.float().sigmoid()
        if self.soft_masks:
            return probability
        return probability > threshold_of(sample)

    def score(self, clips: List[Dict[str, Tensor]]) -> Dict[str, float]:
        """See :meth:`ClipMetric.score`."""
        return binary_scores(
            clips, self.protocol, self.clips_per_batch, self.background
        )

    def describe(self) -> Dict[str, str]:
        """See :meth:`ClipMetric.describe`."""
        grouping = (
            f'background={self.background}'
            if self.protocol == 'dataset'
            else f'clips_per_batch={self.clips_per_batch}'
        )
        return dict(protocol=self.protocol, grouping=grouping)

    def check(self, entries: List[dict]) -> None:
        """See :meth:`ClipMetric.check`."""
        for entry in entries:
            wrong, strange = entry['sums']['invalid'].tolist()
            if wrong:
                raise ValueError(
                    f'clip {entry["clip_id"]}: {wrong} predicted pixels are '
                    'NaN: the model diverged, or overflowed in float16. Fix: '
                    'take an earlier checkpoint, or train with --amp bfloat16'
                )
            if strange:
                raise ValueError(
                    f'clip {entry["clip_id"]}: {strange} pixels of the ground '
                    'truth are none of 0, 1 and 255 (no label). Fix: give a '
                    'binary set masks of 0 and 1; AVSSMetric scores class '
                    'labels'
                )
        if not any(entry['sums']['frames'] for entry in entries):
            raise ValueError(
                'no frame of any clip is labelled. Fix: evaluate on a split '
                'with ground truth'
            )


def logits_of(sample: dict) -> Tensor:
    """Give the clip's raw logits (T, K, H, W)."""
    return frames_of(
        sample,
        'seg_logits',
        'F needs logits, not masks: set test_cfg.keep_logits=True',
    )


def to_binary(logits: Tensor, sample: dict) -> Tensor:
    """Give the logit of "sounding", (T, H, W).

    Args:
        logits (Tensor): (T, K, H, W), K = 1, or K = 2 of a softmax over
            background and sounding, whose log-odds are the difference.
        sample (dict): For the message.

    Raises:
        ValueError: Neither one nor two channels.
    """
    if logits.shape[1] == 1:
        return logits[:, 0]
    if logits.shape[1] == 2:
        return logits[:, 1].float() - logits[:, 0].float()
    raise ValueError(
        f'clip {sample.get("clip_id")}: AVSMetric scores one- or two-channel '
        f'logits, got {logits.shape[1]} channels. Fix: AVSSMetric'
    )
