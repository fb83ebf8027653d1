"""Pixel decoders: MaskFormer's light FPN, Mask2Former's deformable encoder."""

from typing import List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmcv.cnn.bricks.transformer import FFN
from mmengine.model import caffe2_xavier_init
from torch import Tensor, nn

from .deformable_attention import MultiScaleDeformableAttention
from .instance_decoder import Encoder
from .positions import map_positions, pixel_centres, split_levels

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
        num_layers (int): Transformer layers on the coarsest map before
            it is decoded: 0 (the paper's Swin models) or 6 (its ResNets for
            panoptic segmentation).
        num_heads (int): Of the encoder layers.
        ffn_channels (int): Of the encoder layers.
        dropout (float): Of the encoder layers.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        embed_dims: int,
        *,
        num_layers: int = 0,
        num_heads: int = 8,
        ffn_channels: int = 2048,
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
        self.encoder = None
        if num_layers:
            self.encoder_in_proj = nn.Conv2d(in_channels[-1], embed_dims, 1)
            self.encoder = Encoder(
                num_layers,
                embed_dims,
                num_heads,
                ffn_channels,
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
        if self.encoder is not None:
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
        if self.encoder is not None:
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
        if self.encoder is not None:
            memory = self._encode(memory)  # (N, D, h, w)
            decoded = self.encoder_out_proj(memory)
        else:
            decoded = self.last_feat_conv(memory)
        scales = zip(visual[:-1], self.lateral_convs, self.output_convs)
        for level, lateral, output in reversed(list(scales)):
            skip = lateral(level)  # (N, D, H_i, W_i)
            decoded = F.interpolate(
                decoded, size=skip.shape[-2:], mode='nearest'
            )
            decoded = output(skip + decoded)
        return self.mask_feature(decoded), [memory]

    def _encode(self, coarsest: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, D, h, w) through the transformer layers."""
        projected = self.encoder_in_proj(coarsest)
        tokens = self.encoder(  # (N, h * w, D)
            projected.flatten(2).transpose(1, 2), map_positions(projected)
        )
        return tokens.transpose(1, 2).unflatten(-1, coarsest.shape[-2:])


def _conv(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    act: bool = True,
    bias: Union[bool, str] = 'auto',
) -> ConvModule:
    """Convolution, GroupNorm(32) and, if asked, ReLU."""
    return ConvModule(
        in_channels,
        out_channels,
        kernel_size,
        padding=kernel_size // 2,
        bias=bias,
        norm_cfg=_GROUPS,
        act_cfg=dict(type='ReLU') if act else None,
    )


class MSDeformEncoderLayer(nn.Module):
    """Post-norm layer: deformable self-attention, feed-forward.

    Args:
        embed_dims (int): D.
        num_heads (int): Attention heads.
        num_levels (int): Scales.
        ffn_channels (int): Hidden width of the feed-forward part.
        dropout (float): After attention and inside the feed-forward part.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        num_levels: int,
        ffn_channels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.self_attn = MultiScaleDeformableAttention(
            embed_dims, num_heads, num_levels, num_points=4
        )
        self.dropout = nn.Dropout(dropout)
        self.ffn = FFN(embed_dims, ffn_channels, ffn_drop=dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(embed_dims) for _ in range(2))

    def forward(
        self,
        tokens: Tensor,
        position: Tensor,
        reference_points: Tensor,
        shapes: Sequence[Tuple[int, int]],
    ) -> Tensor:
        """Mix pixels of all scales.

        Args:
            tokens (Tensor): (N, S, D).
            position (Tensor): (1, S, D).
            reference_points (Tensor): (1, S, num_levels, 2), (x, y) in [0, 1].
            shapes (Sequence): num_levels pairs (h, w).

        Returns:
            Tensor: (N, S, D).
        """
        attended = self.self_attn(
            tokens, tokens, reference_points, shapes, query_pos=position
        )
        tokens = self.norms[0](tokens + self.dropout(attended))
        return self.norms[1](self.ffn(tokens))


class MSDeformPixelDecoder(nn.Module):
    """Deformable encoder on the coarse scales, FPN steps for the finer ones.

    Paper: Masked-attention Mask Transformer for Universal Image Segmentation,
    https://arxiv.org/abs/2112.01527, section 3.2 and appendix. Parameter
    names are those of mmdet's ``MSDeformAttnPixelDecoder``.

    Args:
        in_channels (Sequence[int]): Channels of each scale, finest first.
        embed_dims (int): D.
        num_layers (int): Deformable layers.
        num_heads (int): Attention heads.
        ffn_channels (int): Defaults to 1024.
        dropout (float): Defaults to 0.
        num_levels (int): Scales, from the coarsest, that the encoder sees and
            hands on.

    Raises:
        ValueError: Fewer scales than ``num_levels``.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        embed_dims: int,
        *,
        num_layers: int = 6,
        num_heads: int = 8,
        ffn_channels: int = 1024,
        dropout: float = 0.0,
        num_levels: int = 3,
    ) -> None:
        super().__init__()
        if len(in_channels) < num_levels:
            raise ValueError(
                f'the deformable pixel decoder reads {num_levels} scales, '
                f'in_channels={list(in_channels)} has {len(in_channels)}. '
                'Fix: give the backbone more out_indices.'
            )
        coarse_first = list(in_channels)[::-1]
        coarse, fine = coarse_first[:num_levels], coarse_first[num_levels:]
        self.input_convs = nn.ModuleList(
            _conv(channels, embed_dims, 1, act=False, bias=True)
            for channels in coarse
        )
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList(
            MSDeformEncoderLayer(
                embed_dims, num_heads, num_levels, ffn_channels, dropout
            )
            for _ in range(num_layers)
        )
        self.level_encoding = nn.Embedding(num_levels, embed_dims)
        self.lateral_convs = nn.ModuleList(
            _conv(channels, embed_dims, 1, act=False) for channels in fine
        )
        self.output_convs = nn.ModuleList(
            _conv(embed_dims, embed_dims, 3) for _ in fine
        )
        self.mask_feature = nn.Conv2d(embed_dims, embed_dims, 1)
        self.num_levels = num_levels

    def memory_projection(self) -> nn.Module:
        """Its memories have width D already."""
        return nn.Identity()

    def init_weights(self) -> None:
        """Xavier for convolutions and matrices, rays for the points."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                caffe2_xavier_init(module)
        for parameter in self.encoder.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        for layer in self.encoder.layers:
            layer.self_attn.init_weights()

    def forward(self, visual: Sequence[Tensor]) -> Tuple[Tensor, List[Tensor]]:
        """Decode.

        Args:
            visual (Sequence[Tensor]): (N, C_i, H_i, W_i), finest first.

        Returns:
            tuple: The mask feature (N, D, H_0, W_0), and ``num_levels``
            memories (N, D, h, w) for the query decoder, coarsest first.
        """
        coarse_first = list(visual)[::-1]
        memories = self._encode(coarse_first[: self.num_levels])
        decoded = memories[-1]  # (N, D, h, w), the finest of them
        fine = zip(
            coarse_first[self.num_levels :],
            self.lateral_convs,
            self.output_convs,
        )
        for level, lateral, output in fine:
            skip = lateral(level)  # (N, D, H_i, W_i)
            decoded = output(
                skip
                + F.interpolate(decoded, size=skip.shape[-2:], mode='bilinear')
            )
        return self.mask_feature(decoded), memories

    def _encode(self, levels: Sequence[Tensor]) -> List[Tensor]:
        """Let the coarse scales exchange, (N, C, h, w) -> (N, D, h, w)."""
        projected = [
            conv(level) for conv, level in zip(self.input_convs, levels)
        ]
        shapes = [tuple(level.shape[-2:]) for level in projected]
        tokens = torch.cat([p.flatten(2) for p in projected], -1)
        tokens = tokens.transpose(1, 2)  # (N, S, D)
        position = torch.cat(  # (1, S, D)
            [
                map_positions(level) + embed
                for level, embed in zip(projected, self.level_encoding.weight)
            ],
            dim=1,
        )
        points = pixel_centres(shapes, tokens.device)
        for layer in self.encoder.layers:
            tokens = layer(tokens, position, points, shapes)
        return split_levels(tokens.transpose(1, 2), shapes)


def build_pixel_decoder(
    in_channels: Sequence[int],
    embed_dims: int,
    *,
    kind: str = 'fpn',
    num_layers: Optional[int] = None,
    num_heads: int = 8,
    dropout: float = 0.1,
) -> Union[FPNPixelDecoder, MSDeformPixelDecoder]:
    """Make a pixel decoder, with the widths of the paper it comes from.

    Args:
        in_channels (Sequence[int]): Channels of each scale, finest first.
        embed_dims (int): D.
        kind (str): 'fpn' (MaskFormer) or 'msdeform' (Mask2Former).
        num_layers (int, optional): Transformer layers; None takes 0 for
            'fpn', 6 for 'msdeform'.
        num_heads (int): Attention heads.
        dropout (float): Of transformer layers.

    Raises:
        ValueError: An unknown kind.
    """
    kinds = dict(fpn=FPNPixelDecoder, msdeform=MSDeformPixelDecoder)
    if kind not in kinds:
        raise ValueError(
            f'pixel_decoder.kind must be one of {tuple(kinds)}, got {kind!r}'
        )
    layers = {} if num_layers is None else dict(num_layers=num_layers)
    return kinds[kind](
        in_channels, embed_dims, num_heads=num_heads, dropout=dropout, **layers
    )
