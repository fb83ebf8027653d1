"""Equal width at every scale."""

from typing import Iterable, Optional, Sequence

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import nn

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures


@MODELS.register_module()
class ChannelAlign(BaseModule):
    """A 1 x 1 convolution per scale, the lateral layer of an FPN.

    "Feature Pyramid Networks for Object Detection",
    https://arxiv.org/abs/1612.03144, Section 3, without the top-down path.

    Args:
        in_channels (Sequence[int]): Channels of each map of the backbone.
        out_channels (int): Channels of every map that leaves.
        norm_cfg (dict, optional): Norm after the convolution, e.g.
            ``dict(type='BN')``.
    """

    mixes_frames = False

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        norm_cfg: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = tuple(in_channels)
        self.out_channels = out_channels
        self.convs = nn.ModuleList(
            ConvModule(
                channels, out_channels, 1, norm_cfg=norm_cfg, act_cfg=None
            )
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
        return pass_scales(self, self.convs, features)


def pass_scales(
    neck: nn.Module, scales: Iterable[nn.Module], features: AVFeatures
) -> AVFeatures:
    """Pass each map through a module of its own.

    Raises:
        ValueError: See :func:`check_channels`.
    """
    check_channels(neck, features)
    visual = tuple(scale(x) for scale, x in zip(scales, features.visual))
    return features._replace(visual=visual)


def check_channels(neck: nn.Module, features: AVFeatures) -> None:
    """Compare the maps with ``neck.in_channels``.

    Raises:
        ValueError: They differ in number or width.
    """
    given = tuple(x.shape[1] for x in features.visual)
    if given != tuple(neck.in_channels):
        raise ValueError(
            f'{type(neck).__name__} was built for maps of '
            f'in_channels={tuple(neck.in_channels)}, but gets {given}. Fix: '
            'set in_channels to the widths of what stands before this neck '
            "(the backbone's out_indices decide how many maps there are)."
        )
