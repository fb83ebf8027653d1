"""A whole set of clips to one table row, without any framework around."""

from typing import Dict, Iterable, Optional, Tuple, Union

from .binary import binary_sums
from .counting import as_tensor
from .protocols import (
    binary_scores,
    check_binary,
    check_semantic,
    semantic_scores,
)
from .semantic import IGNORE_INDEX, semantic_sums


def evaluate_binary(
    clips: Iterable[Tuple],
    protocol: str = 'avsbench',
    clips_per_batch: Union[int, str] = 1,
    background: str = 'without',
    from_logits: bool = True,
    threshold: float = 0.5,
) -> Dict[str, float]:
    """Score binary clips, streaming.

    Args:
        clips (Iterable[tuple]): Of each clip prediction and target, both
            (T, H, W), arrays or tensors; T and size may differ between
            clips. Predictions are raw logits; targets hold 0, 1 and 255 (no
            label). The order matters for groups of clips.
        protocol (str): ``'avsbench'`` or ``'dataset'``.
        clips_per_batch (int or str): Clips in a group of ``avsbench``, or
            ``'all'``.
        background (str): For ``dataset``: ``'without'`` or ``'all'``.
        from_logits (bool): False takes probabilities in [0, 1].
        threshold (float): Probability above which a pixel sounds; the
            published figures take 0.5.

    Returns:
        dict[str, float]: ``mIoU``, ``mFscore`` (and, for ``dataset``,
        ``mPrecision``, ``mRecall``), in percent.

    Raises:
        ValueError: An unknown protocol, a clip whose shapes differ, or values
            that no prediction or target can have; clips are counted from 0.
    """
    check_binary(protocol, clips_per_batch, background)
    sums = []
    for number, (prediction, target) in enumerate(clips):
        _check_shapes(number, prediction, target)
        sums.append(
            binary_sums(
                as_tensor(prediction),
                as_tensor(target),
                from_logits,
                threshold,
            )
        )
        wrong, strange = sums[-1]['invalid'].tolist()
        if wrong or strange:
            raise ValueError(
                f'clip {number}: {wrong} predicted values are NaN or no '
                f'probability, {strange} of the target none of 0, 1 and 255'
            )
    scores = binary_scores(sums, protocol, clips_per_batch, background)
    return {name: 100 * value for name, value in scores.items()}


def evaluate_semantic(
    clips: Iterable[Tuple],
    num_classes: int,
    protocol: str = 'avsbench',
    background: str = 'all',
    padded_frames: Optional[int] = 10,
    absent_classes: str = 'zero',
    ignore_index: int = IGNORE_INDEX,
) -> Dict[str, float]:
    """Score semantic clips, streaming.

    Args:
        clips (Iterable[tuple]): Of each clip predicted labels and target,
            both (T, H, W) integers, arrays or tensors.
        num_classes (int): K.
        protocol, background, padded_frames, absent_classes, ignore_index:
            See :class:`AVSSMetric`.

    Returns:
        dict[str, float]: As :func:`evaluate_binary`.

    Raises:
        ValueError: An unknown protocol, a clip whose shapes differ, or a
            predicted label that is not a class; clips are counted from 0.
    """
    check_semantic(protocol, background, absent_classes)
    sums = []
    for number, (labels, target) in enumerate(clips):
        _check_shapes(number, labels, target)
        sums.append(semantic_sums(labels, target, num_classes, ignore_index))
        wrong = int(sums[-1]['invalid'][0])
        if wrong:
            raise ValueError(
                f'clip {number}: {wrong} predicted labels are none of the '
                f'{num_classes} classes'
            )
    scores = semantic_scores(
        sums, protocol, background, padded_frames, absent_classes
    )
    return {name: 100 * value for name, value in scores.items()}


def _check_shapes(number: int, prediction, target) -> None:
    shapes = tuple(prediction.shape), tuple(target.shape)
    if shapes[0] != shapes[1] or len(shapes[0]) != 3:
        raise ValueError(
            f'clip {number}: prediction and target must both be (T, H, W), '
            f'got {shapes[0]} and {shapes[1]}'
        )
