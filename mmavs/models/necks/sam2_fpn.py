"""The neck of SAM 2's image encoder."""

from typing import Optional, Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import nn

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures
from mmavs.weights.conversion import start_part

from .channel_align import check_channels


class LateralConv(nn.Module):
    """A 1 x 1 convolution, under the name that SAM 2 gives it."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1)


@MODELS.register_module()
class SAM2FPN(BaseModule):
    """Bring four maps to one width; the coarsest flows into the third alone.

    Paper: SAM 2, https://arxiv.org/abs/2408.00714, Appendix D.1: "strides 4
    and 8 from stages 1 and 2 are not used in the memory attention", so
    nothing flows down into them.

    Args:
        in_channels (Sequence[int]): Channels of strides 4, 8, 16, 32.
        out_channels (int): D.
        frozen (bool): No gradients.
        init_cfg (dict, optional): See :class:`SAM2Hiera`.
    """

    mixes_frames = False

    def __init__(
        self,
        *,
        in_channels: Sequence[int],
        out_channels: int = 256,
        frozen: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = tuple(in_channels)
        self.convs = nn.ModuleList(  # coarsest first, as SAM 2 names them
            LateralConv(channels, out_channels)
            for channels in reversed(self.in_channels)
        )
        if frozen:
            self.requires_grad_(False)

    def init_weights(self) -> None:
        """Start from ``init_cfg``'s file, or draw."""
        if not start_part(self, 'sam2', 'neck.0.'):
            super().init_weights()

    def forward(self, features: AVFeatures) -> AVFeatures:
        """Four maps in, three out.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i).

        Returns:
            AVFeatures: visual maps (N, D, H_i, W_i) of strides 4, 8, 16.
        """
        check_channels(self, features)
        coarsest, third, second, first = (
            lateral.conv(level)
            for lateral, level in zip(self.convs, reversed(features.visual))
        )
        third = third + F.interpolate(coarsest, scale_factor=2.0)
        return features._replace(visual=(first, second, third))
