"""The decoder of the AVSBench baseline: coarse to fine, one scale per step."""

from typing import Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule, bias_init_with_prob
from torch import Tensor, nn

from mmavs.models.layers.checkpointing import run_checkpointed
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, AVHeadOutput

from .avs_decode_head import AVSDecodeHead, resize_logits


class ResidualUnit(BaseModule):
    """ReLU, 3 x 3, ReLU, 3 x 3, plus the input; or 3 x 3, ReLU twice.

    Args:
        channels (int): Channels in and out.
        norm_cfg (dict, optional): Norm after each convolution.
        relu_skip (bool): The skip path adds relu(x) instead of x.
        relu_first (bool): ReLU before each convolution instead of after it.
    """

    def __init__(
        self,
        channels: int,
        norm_cfg: Optional[dict],
        relu_skip: bool,
        relu_first: bool,
    ) -> None:
        super().__init__()
        self.relu_skip = relu_skip
        self.relu_first = relu_first
        self.conv1 = ConvModule(
            channels, channels, 3, padding=1, norm_cfg=norm_cfg
        )
        last = None if relu_first else dict(type='ReLU')
        self.conv2 = ConvModule(
            channels, channels, 3, padding=1, norm_cfg=norm_cfg, act_cfg=last
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        activated = F.relu(x) if self.relu_first or self.relu_skip else x
        entry = activated if self.relu_first else x
        skip = activated if self.relu_skip else x
        return skip + self.conv2(self.conv1(entry))


@MODELS.register_module()
class AVSFPNHead(AVSDecodeHead):
    """Merge the scales from coarse to fine and predict at full size.

    The decoder of "Audio-Visual Segmentation with Semantics",
    https://arxiv.org/abs/2301.13190, Section 4, after the released code: at
    each scale the upsampled result of the coarser one plus a residual unit of
    the scale's own map, a residual unit of the sum, and at last three
    convolutions with an upsampling in between.

    "Improving Audio-Visual Segmentation with Bidirectional Generation",
    https://arxiv.org/abs/2308.08288, names the same decoder; its released
    code has ``channels=(64, 32), relu_skip=False, relu_first=False,
    upsample_mode='nearest', norm_cfg=dict(type='BN')``.

    Args:
        in_channels (Sequence[int]): Channels of each map, all equal.
        channels (Sequence[int]): Widths of the first two of the last three
            convolutions. Defaults to (128, 32), as released.
        num_upsamples (int): How often the result is doubled after the finest
            map: 2 gives logits at the input's size from maps of stride 4, as
            released; 0 leaves them at stride 4, which costs little. The loss
            and the prediction resize to the size they need.
        relu_skip (bool): The skip path of the residual units adds relu(x), and
            the features returned are relu of the maps: what the released code
            does by ReLUs in place. False adds x.
        relu_first (bool): The residual units have their ReLUs before the
            convolutions. False puts them after, as in the released code of
            AVS-BG.
        upsample_mode (str): 'bilinear', or 'nearest' as in the released code
            of AVS-BG.
        norm_cfg (dict, optional): Norm in the residual units, for training
            from scratch. Defaults to None, as released.
        with_cp (bool): Run the last three convolutions frame by frame in
            training and again in the backward pass: most of the decoder's
            memory lies in their maps at full size.
        prior_prob (float, optional): Probability of foreground that an
            untrained head predicts, for one output channel: where few pixels
            sound, starting at 0.5 wastes the first steps. Defaults to None,
            PyTorch's own start, as released.
        **kwargs: See :class:`AVSDecodeHead`.

    Raises:
        ValueError: Maps of unequal width; ``prior_prob`` with several output
            channels; ``num_upsamples`` out of 0..2; an unknown
            ``upsample_mode``.
    """

    mixes_frames = False

    def __init__(
        self,
        in_channels: Sequence[int] = (256, 256, 256, 256),
        *,
        channels: Sequence[int] = (128, 32),
        num_upsamples: int = 2,
        relu_skip: bool = True,
        relu_first: bool = True,
        upsample_mode: str = 'bilinear',
        norm_cfg: Optional[dict] = None,
        with_cp: bool = False,
        prior_prob: Optional[float] = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if len(set(in_channels)) != 1:
            raise ValueError(
                f'AVSFPNHead adds its maps and needs equal widths, got '
                f'in_channels={tuple(in_channels)}. Fix: put DilatedSumNeck '
                'or ChannelAlign in front of it.'
            )
        if num_upsamples not in (0, 1, 2):
            raise ValueError(
                f'num_upsamples must be 0, 1 or 2, got {num_upsamples}'
            )
        if upsample_mode not in ('bilinear', 'nearest'):
            raise ValueError(
                "upsample_mode must be 'bilinear' or 'nearest', got "
                f'{upsample_mode!r}'
            )
        self.in_channels = tuple(in_channels)
        self.num_upsamples = num_upsamples
        self.relu_skip = relu_skip
        self.relu_first = relu_first
        self.upsample_mode = upsample_mode
        self.with_cp = with_cp
        self._build_layers(channels, norm_cfg)
        if prior_prob is not None:
            self._start_rare(prior_prob)

    def _build_layers(
        self, channels: Sequence[int], norm_cfg: Optional[dict]
    ) -> None:
        width, scales = self.in_channels[0], len(self.in_channels)
        unit = (width, norm_cfg, self.relu_skip, self.relu_first)
        # The coarsest map has nothing to be added to: no lateral unit.
        self.lateral_units = nn.ModuleList(
            ResidualUnit(*unit) for _ in range(scales - 1)
        )
        self.merge_units = nn.ModuleList(
            ResidualUnit(*unit) for _ in range(scales)
        )
        self.conv1 = nn.Conv2d(width, channels[0], 3, padding=1)
        self.conv2 = nn.Conv2d(channels[0], channels[1], 3, padding=1)
        self.conv_seg = nn.Conv2d(channels[1], self.out_channels, 1)

    def _start_rare(self, prior_prob: float) -> None:
        if self.out_channels != 1:
            raise ValueError(
                f'prior_prob is for one output channel, but '
                f'out_channels={self.out_channels}'
            )
        bias = bias_init_with_prob(prior_prob)
        nn.init.constant_(self.conv_seg.bias, bias)

    def forward(self, features: AVFeatures) -> AVHeadOutput:
        """Decode, frame by frame.

        Args:
            features (AVFeatures): visual maps (N, C, H_i, W_i), finest first.

        Returns:
            AVHeadOutput: logits (N, K, h, w), raw and zero for padded frames,
            with h = 2**num_upsamples * H_0; features with the maps as the
            decoder saw them (see ``relu_skip``).

        Raises:
            ValueError: The maps have other channels than ``in_channels``.
        """
        visual = features.visual
        given = tuple(x.shape[1] for x in visual)
        if given != self.in_channels:
            raise ValueError(
                f'AVSFPNHead was built for maps of in_channels='
                f'{self.in_channels}, but gets {given}'
            )
        out = self.merge_units[-1](visual[-1])  # the coarsest map
        for i in reversed(range(len(visual) - 1)):  # (N, C, H_i, W_i)
            out = self._resize(out, visual[i].shape[-2:], True)
            out = out + self.lateral_units[i](visual[i])
            out = self.merge_units[i](out)
        if self.with_cp and torch.is_grad_enabled():
            frames = [
                run_checkpointed(True, self._predict, frame)
                for frame in out.split(1)
            ]
            logits = torch.cat(frames)
        else:
            logits = self._predict(out)
        logits = features.mask_padding(logits)  # (N, K, h, w)
        if self.relu_skip:
            visual = tuple(F.relu(x) for x in visual)
        return AVHeadOutput(logits, features._replace(visual=visual))

    def _predict(self, out: Tensor) -> Tensor:
        """(N, C, H, W) -> logits (N, K, h, w)."""
        if self.num_upsamples == 2:
            out = self._resize(out, _doubled(out), True)
        out = self.conv1(out)
        if self.num_upsamples:
            out = self._resize(out, _doubled(out), False)
        return self.conv_seg(F.relu(self.conv2(out)))

    def _resize(
        self, x: Tensor, size: Sequence[int], align_corners: bool
    ) -> Tensor:
        """(N, C, H, W) -> (N, C, *size)."""
        if self.upsample_mode == 'nearest':
            return F.interpolate(x, size=tuple(size), mode='nearest')
        return resize_logits(x, size, align_corners)


def _doubled(x: Tensor) -> Tuple[int, int]:
    return 2 * x.shape[-2], 2 * x.shape[-1]
