"""In training, the labelled frames alone, from where nothing mixes frames."""

from typing import Dict

from torch import Tensor, nn

from .auxiliary_losses import AuxiliaryLosses
from .mixes_frames import mixes_frames


def first_alone(model: nn.Module) -> int:
    """From which part on the labelled frames can be computed alone.

    Their losses and gradients are then those of all frames, exactly: what a
    frame without label gives is read by nobody. So a head that works frame by
    frame does a fifth of its work on S4, where one frame of five is labelled,
    and where no part mixes frames, so do the encoders.

    A neck, a head or an auxiliary loss of which nothing is known (no
    attribute ``mixes_frames``) is taken to mix frames, an encoder not to: it
    is given one picture, or one second of sound, a row. Batch norm in
    training mode mixes all that it sees. An auxiliary loss that mixes frames
    and says ``reads_logits = False`` leaves the parts behind its features
    free.

    Args:
        model (AVSegmentor): In the mode in which it is run.

    Returns:
        int: 0 for the encoders, 1 for the first neck, and so on; one more
        than there are necks for the head; one more than that where all frames
        are needed to the end.
    """
    first = 2 + len(model.neck)
    needed = _needed_by_losses(model.auxiliary_losses, len(model.neck))
    for part in reversed([*model.neck, model.decode_head]):
        if first == needed or mixes_frames(part):
            return first
        first -= 1
    encoders = (model.backbone, model.audio_encoder)
    alone = not any(mixes_frames(e, False) for e in encoders if e)
    return first - (alone and first > needed)


def _needed_by_losses(losses: AuxiliaryLosses, num_necks: int) -> int:
    """First part whose frames without label no auxiliary loss sees."""
    needed = 0
    for loss, stage in zip(losses, losses.stages):
        if mixes_frames(loss):
            if stage == 'head' or getattr(loss, 'reads_logits', True):
                return 2 + num_necks
            needed = max(needed, 1 + range(1 + num_necks)[stage])
    return needed


def keep_frames(inputs: Dict[str, Tensor], frames: Tensor) -> dict:
    """Keep some frames of a batch, each as a clip of its own.

    Args:
        inputs (dict): Of :class:`AVSegmentor`, (B, T, ...) each.
        frames (Tensor): (L,) int64, indices in 0..N-1.

    Returns:
        dict[str, Tensor]: (L, 1, ...) each.
    """
    return {
        name: value.flatten(0, 1)[frames][:, None]
        for name, value in inputs.items()
    }
