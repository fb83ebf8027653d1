"""Three convolutions per scale, to one width."""

from typing import Optional, Sequence

from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import nn

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures

from .channel_align import pass_scales


@MODELS.register_module()
class ConvBNNeck(BaseModule):
    """Bring every scale to one width: 1 x 1, then 3 x 3 convolutions.

    The "basic" neck in the released code of "Improving Audio-Visual
    Segmentation with Bidirectional Generation",
    https://arxiv.org/abs/2308.08288; the paper only says that widths are
    aligned to C = 128 (Section "Audio-Visual Fused Module"). Each convolution
    has a norm and no activation. The code's other neck, "aspp", is
    :class:`DilatedSumNeck` with ``bias=False``.

    Args:
        in_channels (Sequence[int]): Channels of each map of the backbone.
        out_channels (int): Channels of every map that leaves.
        norm_cfg (dict): Norm after each convolution.
    """

    mixes_frames = False

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int = 128,
        norm_cfg: dict = dict(type='BN'),  # noqa: B006
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = tuple(in_channels)
        self.out_channels = out_channels
        self.scales = nn.ModuleList(
            _scale(channels, out_channels, norm_cfg)
            for channels in self.in_channels
        )

    def forward(self, features: AVFeatures) -> AVFeatures:
        """Align the widths, frame by frame.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i).

        Returns:
            AVFeatures: visual maps (N, out_channels, H_i, W_i).

        Raises:
            ValueError: The maps have other channels than ``in_channels``.
        """
        return pass_scales(self, self.scales, features)


def _scale(
    in_channels: int, out_channels: int, norm_cfg: dict
) -> nn.Sequential:
    """(conv, norm) pairs; the convolutions keep PyTorch's start."""
    layers = [nn.Conv2d(in_channels, out_channels, 1, bias=False)]
    layers.append(build_norm_layer(norm_cfg, out_channels)[1])
    for _ in range(2):  # as released
        layers.append(
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        )
        layers.append(build_norm_layer(norm_cfg, out_channels)[1])
    return nn.Sequential(*layers)
