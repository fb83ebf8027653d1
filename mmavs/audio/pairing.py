"""One piece of sound for every frame."""

from typing import Tuple

import torch
from torch import Tensor

SHORT_POLICIES = ('repeat', 'repeat_any', 'zeros')


def cut_segments(
    waveform: Tensor, length: int, hop: int, complete: bool = False
) -> Tensor:
    """Cut sound into equal pieces.

    Args:
        waveform (Tensor): (S,).
        length (int): Samples in a piece.
        hop (int): Samples from the start of one piece to the next.
        complete (bool): Complete a last piece of which at least half is there
            with zeros, instead of dropping it.

    Returns:
        Tensor: (n, length); n is 0 if not even one piece is there.
    """
    if complete:
        missing = -(len(waveform) - length) % hop
        rest = length - missing
        if missing and rest >= length / 2:
            waveform = torch.nn.functional.pad(waveform, (0, missing))
    if len(waveform) < length:
        return waveform.new_zeros(0, length)
    return waveform.unfold(0, length, hop).contiguous()


def pair_with_frames(
    pieces: Tensor, num_frames: int, short_policy: str
) -> Tuple[Tensor, int]:
    """Give every frame one piece of sound.

    Args:
        pieces (Tensor): (n, ...), in the order of time.
        num_frames (int): T.
        short_policy (str): What stands for missing pieces: the last piece,
            for one with ``'repeat'``, for any number with ``'repeat_any'``
            (released S4 and MS3 log-mels); or ``'zeros'`` (released
            AVSBench-semantic loader).

    Returns:
        tuple[Tensor, int]: (T, ...), and n - T: negative if sound was
        missing, positive if it was cut.

    Raises:
        ValueError: There is no piece at all; or, with ``'repeat'``, more than
            one is missing: a repeated second would then stand for sound that
            has nothing to do with it.
    """
    surplus = len(pieces) - num_frames
    if len(pieces) == 0:
        raise ValueError('the sound is shorter than one analysis window')
    if surplus >= 0:
        return pieces[:num_frames], surplus
    if short_policy == 'zeros':
        fill = pieces.new_zeros(-surplus, *pieces.shape[1:])
    elif surplus == -1 or short_policy == 'repeat_any':
        fill = pieces[-1:].expand(-surplus, *pieces.shape[1:])
    else:
        raise ValueError(
            f'the sound lasts for {len(pieces)} of {num_frames} frames; only '
            'the last one may be missing'
        )
    return torch.cat([pieces, fill]), surplus
