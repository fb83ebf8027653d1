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

from typing import Dict, List, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from .binary import BETA2

PROTOCOLS = ('avsbench', 'dataset')
# classes that enter a mean, as (first, end)
BACKGROUNDS = {'all': (0, None), 'without': (1, None), 'released': (0, -1)}
Sums = Dict[str, Tensor]


def check_binary(
    protocol: str, clips_per_batch: Union[int, str], background: str
) -> None:
    """Refuse what is not a binary protocol.

    Raises:
        ValueError: An unknown protocol, grouping or background.
    """
    check_choice('protocol', protocol, PROTOCOLS)
    whole = isinstance(clips_per_batch, int) and clips_per_batch > 0
    if not whole and clips_per_batch != 'all':
        raise ValueError(
            f"clips_per_batch must be a positive number or 'all', got "
            f'{clips_per_batch!r}'
        )
    sides = ('without', 'all') if protocol == 'dataset' else ('without',)
    check_choice(f'background under {protocol}', background, sides)


def check_semantic(
    protocol: str, background: str, absent_classes: str
) -> None:
    """Refuse what is not a semantic protocol.

    Raises:
        ValueError: An unknown protocol, background or treatment of absent
            classes.
    """
    check_choice('protocol', protocol, PROTOCOLS)
    check_choice('background', background, tuple(BACKGROUNDS))
    check_choice('absent_classes', absent_classes, ('zero', 'skip'))


def check_choice(name: str, value: str, choices: tuple) -> None:
    """Raise ValueError unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(
            f'unknown {name}: {value!r}. Fix: take one of {choices}'
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
    check_binary(protocol, clips_per_batch, background)
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


def class_scores(
    clips: Sequence[Sums],
    protocol: str = 'avsbench',
    padded_frames: Optional[int] = None,
) -> Dict[str, Tensor]:
    """Score each class of semantic clips.

    Args:
        clips (Sequence[dict]): What :func:`semantic_sums` gave for each clip.
        protocol (str): ``'avsbench'``: per frame, mean over the frames in
            which the class is predicted or true. ``'dataset'``: from pixels
            summed over the set.
        padded_frames (int, optional): For ``avsbench``: length to which the
            released code pads clips with frames of nothing but rightly
            predicted background, and scores them. They are added here by
            arithmetic.

    Returns:
        dict[str, Tensor]: ``J``, ``F`` and, for ``dataset``, ``P`` and ``R``,
        (K,) in [0, 1], NaN where the class occurs nowhere; ``frames`` (K,).
    """
    num_classes = clips[0]['iou'].numel()
    frames = _total(clips, 'frames', num_classes)
    if protocol == 'dataset':
        tp, fp, fn = _total(clips, 'pixels', (3, num_classes))
        return dict(
            J=tp / (tp + fp + fn),
            F=f_measure(tp, fp, fn),
            P=tp / (tp + fp),
            R=tp / (tp + fn),
            frames=frames,
        )
    iou = _total(clips, 'iou', num_classes)
    f_score = _total(clips, 'f_score', num_classes)
    lengths = [int(clip['length']) for clip in clips]
    padding = sum(max(0, (padded_frames or 0) - n) for n in lengths)
    for total in (frames, iou, f_score):
        total[0] += padding  # background, predicted rightly
    return dict(J=iou / frames, F=f_score / frames, frames=frames)


def semantic_scores(
    clips: Sequence[Sums],
    protocol: str = 'avsbench',
    background: str = 'all',
    padded_frames: Optional[int] = None,
    absent_classes: str = 'zero',
) -> Dict[str, float]:
    """Score semantic clips.

    Args:
        clips (Sequence[dict]): What :func:`semantic_sums` gave for each clip.
        protocol (str): See :func:`class_scores`.
        background (str): Classes of the mean: ``'all'``, ``'without'`` class
            0, or ``'released'``, which leaves out the last class where the
            released code's name for it says background.
        padded_frames (int, optional): See :func:`class_scores`.
        absent_classes (str): A class that occurs nowhere counts as
            ``'zero'``, as released, or is left out (``'skip'``).

    Returns:
        dict[str, float]: ``mIoU`` and ``mFscore`` in [0, 1]; ``dataset`` also
        ``mPrecision`` and ``mRecall``.
    """
    check_semantic(protocol, background, absent_classes)
    scores = class_scores(clips, protocol, padded_frames)
    chosen = slice(*BACKGROUNDS[background])
    names = dict(J='mIoU', F='mFscore', P='mPrecision', R='mRecall')
    absent = scores['J'].isnan()[chosen]
    result = {}
    for key in names.keys() & scores.keys():
        values = scores[key][chosen].nan_to_num(0)
        if absent_classes == 'skip':
            values = values[~absent]
        result[key] = float(values.mean())
    return {name: result[key] for key, name in names.items() if key in result}


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


def _total(
    clips: Sequence[Sums], key: str, shape: Union[int, Tuple[int, ...]] = 1
) -> Tensor:
    total = torch.zeros(shape, dtype=torch.float64)
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
