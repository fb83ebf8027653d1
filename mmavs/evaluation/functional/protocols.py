"""From the sums of clips to the numbers of a table, one function a protocol.

``avsbench``
    The means of "Audio-Visual Segmentation" (https://arxiv.org/abs/2207.05042)
    and of those who took its code over: over frames within a test batch, then
    over batches. A batch is a group of ``clips_per_batch`` clips in dataset
    order, whatever the loader did.
``dataset``
    Pixels are summed over the whole set first, as is usual in semantic
    segmentation and in CAVP (https://arxiv.org/abs/2304.02970).
"""

from typing import Dict, List, Sequence, Union

import torch
from torch import Tensor

from .binary import BETA2

PROTOCOLS = ('avsbench', 'dataset')
Sums = Dict[str, Tensor]


def check_protocol(
    protocol: str, clips_per_batch: Union[int, str] = 1
) -> None:
    """Refuse what is no protocol.

    Raises:
        ValueError: An unknown protocol or grouping.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(
            f'unknown protocol {protocol!r}. Mend: one of {PROTOCOLS}'
        )
    whole = isinstance(clips_per_batch, int) and clips_per_batch > 0
    if not whole and clips_per_batch != 'all':
        raise ValueError(
            f"clips_per_batch must be a positive number or 'all', got "
            f'{clips_per_batch!r}'
        )


def binary_scores(
    clips: Sequence[Sums],
    protocol: str = 'avsbench',
    clips_per_batch: Union[int, str] = 1,
    background: str = 'without',
) -> Dict[str, float]:
    """Score binary clips.

    Args:
        clips (Sequence[dict]): What :func:`binary_sums` gave for each clip,
            in dataset order.
        protocol (str): ``'avsbench'`` or ``'dataset'``.
        clips_per_batch (int or str): Clips in a group of ``avsbench``, or
            ``'all'``.
        background (str): ``'without'`` scores the sounding pixels,
            ``'all'`` (``dataset`` only) takes the mean of sounding and
            background pixels.

    Returns:
        dict[str, float]: ``mIoU`` and ``mFscore`` in [0, 1]; ``dataset`` also
        ``mPrecision`` and ``mRecall``. NaN where no frame is labelled.
    """
    check_protocol(protocol, clips_per_batch)
    if protocol == 'dataset':
        pixels = _total(clips, 'pixels', 4)
        kinds = [pixels]
        if background == 'all':  # true negatives are its true positives
            kinds.append(pixels[[3, 2, 1, 0]])
        parts = [_pixel_scores(*kind[:3]) for kind in kinds]
        return _mean_of(parts)
    parts = [
        _batch_scores(batch)
        for batch in batches(clips, clips_per_batch)
        if _total(batch, 'frames') > 0
    ]
    return _mean_of(parts)


def batches(clips: Sequence, clips_per_batch: Union[int, str]) -> List:
    """Cut clips into consecutive groups; the last may be short."""
    step = len(clips) if clips_per_batch == 'all' else clips_per_batch
    return [clips[i : i + step] for i in range(0, len(clips), step or 1)]


def f_measure(tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
    """F-measure (beta^2 = 0.3) from counts; NaN where all are 0."""
    return (1 + BETA2) * tp / ((1 + BETA2) * tp + BETA2 * fn + fp)


def _batch_scores(clips: Sequence[Sums]) -> Dict[str, float]:
    """Score one test batch as released."""
    jaccard = _total(clips, 'jaccard') / _total(clips, 'frames')
    sounding = _total(clips, 'sounding')
    # a batch in which nothing sounds scores F = 0, as released
    curve = _total(clips, 'f_curve', clips[0]['f_curve'].numel())
    f_score = curve.max() / sounding if sounding > 0 else sounding
    return dict(mIoU=float(jaccard), mFscore=float(f_score))


def _pixel_scores(tp: Tensor, fp: Tensor, fn: Tensor) -> Dict[str, float]:
    return dict(
        mIoU=float(tp / (tp + fp + fn)),
        mFscore=float(f_measure(tp, fp, fn)),
        mPrecision=float(tp / (tp + fp)),
        mRecall=float(tp / (tp + fn)),
    )


def _total(clips: Sequence[Sums], key: str, length: int = 1) -> Tensor:
    total = torch.zeros(length, dtype=torch.float64)
    for clip in clips:
        total += clip[key].to('cpu', torch.float64)
    return total


def _mean_of(parts: List[Dict[str, float]]) -> Dict[str, float]:
    """Average dicts of numbers, each part weighing the same."""
    if not parts:
        return dict(mIoU=float('nan'), mFscore=float('nan'))
    return {
        key: sum(part[key] for part in parts) / len(parts) for key in parts[0]
    }
