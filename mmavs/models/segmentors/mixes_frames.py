"""Does a part of a model look at other frames than the one it computes?"""

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def mixes_frames(module: nn.Module, unless_known: bool = True) -> bool:
    """Whether what a module makes of a frame depends on other frames.

    Args:
        module (Module): An encoder, a neck, a head or an auxiliary loss.
        unless_known (bool): What holds for one without ``mixes_frames``.
    """
    if isinstance(module, BaseDecodeHead):  # labelled frames are all it gets
        return False
    if getattr(module, 'mixes_frames', unless_known):
        return True
    return any(
        part.training
        for part in module.modules()
        if isinstance(part, _BatchNorm)
    )
