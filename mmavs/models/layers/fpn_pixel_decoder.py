"""MaskFormer's pixel decoder: a light FPN."""

from typing import List, Sequence, Tuple

import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import caffe2_xavier_init
from torch import Tensor, nn

from .positions import map_positions
from .query_transformer import Encoder

_GROUPS = dict(type='GN', num_groups=32)


class FPNPixelDecoder(nn.Module):
    """Coarse to fine sum of all scales, and the coarsest map as memory.

    Paper: Per-Pixel Classification is Not All You Need for Semantic
    Segmentation, https://arxiv.org/abs/2107.06278, section 4.1. Parameter
    names are those of mmdet's ``PixelDecoder`` and, with encoder layers,
    ``TransformerEncoderPixelDecoder``.

    Args:
        in_channels (Sequence[int]): Channels of each scale, finest first.
        embed_dims (int): D.
        encoder_layers (int): Transformer layers on the coarsest map before
            it is decoded: 0 (the paper's Swin models) or 6 (its ResNets for
            panoptic segmentation).
        num_heads (int): Of the encoder layers.
        feedforward_channels (int): Of the encoder layers.
        dropout (float): Of the encoder layers.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        embed_dims: int,
        encoder_layers: int = 0,
        num_heads: int = 8,
        feedforward_channels: int = 2048,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.lateral_convs = nn.ModuleList(
            _conv(channels, embed_dims, 1, act=False)
            for channels in in_channels[:-1]
        )
        self.output_convs = nn.ModuleList(
            _conv(embed_dims, embed_dims, 3) for _ in in_channels[:-1]
        )
        if encoder_layers:
            self.encoder_in_proj = nn.Conv2d(in_channels[-1], embed_dims, 1)
            self.encoder = Encoder(
                encoder_layers,
                embed_dims,
                num_heads,
                feedforward_channels,
                dropout,
            )
            self.encoder_out_proj = _conv(embed_dims, embed_dims, 3)
        else:
            self.last_feat_conv = _conv(in_channels[-1], embed_dims, 3)
        self.mask_feature = nn.Conv2d(embed_dims, embed_dims, 3, padding=1)
        self.num_levels = 1
        self.init_weights()

    def memory_projection(self) -> nn.Module:
        """Bring a memory that was not encoded to width D."""
        if hasattr(self, 'encoder'):
            return nn.Identity()
        projection = nn.Conv2d(
            self.last_feat_conv.conv.in_channels,
            self.mask_feature.in_channels,
            1,
        )
        caffe2_xavier_init(projection)
        return projection

    def init_weights(self) -> None:
        """Xavier initialisation of every convolution and matrix."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                caffe2_xavier_init(module)
        if hasattr(self, 'encoder'):
            for parameter in self.encoder.parameters():
                if parameter.dim() > 1:
                    nn.init.xavier_uniform_(parameter)

    def forward(self, visual: Sequence[Tensor]) -> Tuple[Tensor, List[Tensor]]:
        """Decode.

        Args:
            visual (Sequence[Tensor]): (N, C_i, H_i, W_i), finest first.

        Returns:
            tuple: The mask feature (N, D, H_0, W_0), and one memory for the
            query decoder: the coarsest map as it came (N, C, h, w), or
            encoded (N, D, h, w).
        """
        memory = visual[-1]
        if hasattr(self, 'encoder'):
            memory = self._encode(memory)
            decoded = self.encoder_out_proj(memory)
        else:
            decoded = self.last_feat_conv(memory)
        scales = zip(visual[:-1], self.lateral_convs, self.output_convs)
        for level, lateral, output in reversed(list(scales)):
            skip = lateral(level)
            decoded = F.interpolate(
                decoded, size=skip.shape[-2:], mode='nearest'
            )
            decoded = output(skip + decoded)
        return self.mask_feature(decoded), [memory]

    def _encode(self, coarsest: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, D, h, w) through the transformer layers."""
        projected = self.encoder_in_proj(coarsest)
        tokens = self.encoder(
            projected.flatten(2).transpose(1, 2), map_positions(projected)
        )
        return tokens.transpose(1, 2).unflatten(-1, coarsest.shape[-2:])


def _conv(
    in_channels: int, out_channels: int, kernel_size: int, act: bool = True
) -> ConvModule:
    """Convolution, GroupNorm(32) and, if asked, ReLU."""
    return ConvModule(
        in_channels,
        out_channels,
        kernel_size,
        padding=kernel_size // 2,
        norm_cfg=_GROUPS,
        act_cfg=dict(type='ReLU') if act else None,
    )
