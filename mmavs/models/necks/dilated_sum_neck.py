"""Four receptive fields, summed: the "ASPP" of the AVSBench baseline."""

from typing import Optional, Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures

from .channel_align import pass_scales


class DilatedSum(BaseModule):
    """Sum of parallel 3 x 3 convolutions of different dilation.

    No norm, no activation; each branch has its own bias, or none. Where a
    dilation is as large as the map, its outer taps see padding only and the
    branch acts as a 1 x 1 convolution.

    Args:
        in_channels (int): Channels in.
        out_channels (int): Channels out.
        dilations (Sequence[int]): One branch each.
        bias (bool): Bias of each branch.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dilations: Sequence[int],
        bias: bool,
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv2d(
                in_channels, out_channels, 3, padding=d, dilation=d, bias=bias
            )
            for d in dilations
        )
        # Drawn here, not by init_cfg: the biases keep PyTorch's start.
        for branch in self.branches:
            nn.init.normal_(branch.weight, std=0.01)  # as released

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, C_out, H, W)."""
        out = self.branches[0](x)
        for branch in self.branches[1:]:
            out += branch(x)  # no gradient needs what was there
        return out


@MODELS.register_module()
class DilatedSumNeck(BaseModule):
    """Bring every scale to one width through several receptive fields.

    What "Audio-Visual Segmentation with Semantics",
    https://arxiv.org/abs/2301.13190, Section 4, calls ASPP. Its released code
    has no 1 x 1 branch, no image pooling, no norm and no activation: it sums
    four dilated convolutions (the classifier of DeepLab v2,
    https://arxiv.org/abs/1606.00915).

    Args:
        in_channels (Sequence[int]): Channels of each map of the backbone.
        out_channels (int): Channels of every map that leaves. Defaults to
            256 (Section 5.1).
        dilations (Sequence[int]): Defaults to (3, 6, 12, 18), as released.
        bias (bool): Bias of each branch. Defaults to True, as released; the
            "aspp" neck in the released code of AVS-BG (https://arxiv.org/abs/
            2308.08288) has none, at a width of 128.
    """

    mixes_frames = False

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int = 256,
        dilations: Sequence[int] = (3, 6, 12, 18),
        bias: bool = True,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = tuple(in_channels)
        self.out_channels = out_channels
        self.scales = nn.ModuleList(
            DilatedSum(channels, out_channels, dilations, bias)
            for channels in self.in_channels
        )

    def forward(self, features: AVFeatures) -> AVFeatures:
        """Widen the view of every map, frame by frame.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i).

        Returns:
            AVFeatures: visual maps (N, out_channels, H_i, W_i).

        Raises:
            ValueError: The maps have other channels than ``in_channels``.
        """
        return pass_scales(self, self.scales, features)
