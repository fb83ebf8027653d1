"""The transformer of BEATs: convolutional positions and DeepNorm layers."""

from typing import Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from .gated_attention import GatedAttention


class WeightNormConv1d(BaseModule):
    """Grouped convolution whose weight is a length times a direction.

    One length a kernel tap ("dim 2"), with the names of PyTorch's classic
    weight normalisation, under which BEATs is published: ``weight_g``
    (1, 1, K), ``weight_v`` (C, C / groups, K), ``bias``.

    Args:
        channels (int): C, in and out.
        kernel_size (int): K taps; K - 1 - K // 2 of them look ahead.
        groups (int): Groups of channels.
    """

    def __init__(self, channels: int, kernel_size: int, groups: int) -> None:
        super().__init__()
        self.kernel_size, self.groups = kernel_size, groups
        shape = (channels, channels // groups, kernel_size)
        # As wav2vec 2.0, whose positions these are.
        std = (4 / (kernel_size * channels)) ** 0.5
        self.weight_v = nn.Parameter(torch.randn(shape) * std)
        length = self.weight_v.detach().norm(dim=(0, 1), keepdim=True)
        self.weight_g = nn.Parameter(length)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, L) -> (N, C, L)."""
        direction = self.weight_v / self.weight_v.norm(
            dim=(0, 1), keepdim=True
        )
        out = nn.functional.conv1d(
            x,
            self.weight_g * direction,
            self.bias,
            padding=self.kernel_size // 2,
            groups=self.groups,
        )
        # An even kernel gives one position too many.
        return out[..., : x.shape[-1]]


class BEATsLayer(BaseModule):
    """Attention and feed-forward, normalised before or after.

    Args:
        embed_dims (int): C.
        feedforward_channels (int): Width inside.
        attention (GatedAttention): Over C.
        residual_scale (float): What DeepNorm multiplies the residual by, in a
            post-norm layer.
        pre_norm (bool): Normalise before instead of after.
        drop_rate (float): Dropout of both branches.
    """

    def __init__(
        self,
        embed_dims: int,
        feedforward_channels: int,
        attention: GatedAttention,
        residual_scale: float,
        pre_norm: bool,
        drop_rate: float,
    ) -> None:
        super().__init__()
        self.self_attn = attention
        self.self_attn_layer_norm = nn.LayerNorm(embed_dims)
        self.fc1 = nn.Linear(embed_dims, feedforward_channels)
        self.fc2 = nn.Linear(feedforward_channels, embed_dims)
        self.final_layer_norm = nn.LayerNorm(embed_dims)
        self.drop = nn.Dropout(drop_rate)
        self.residual_scale = residual_scale
        self.pre_norm = pre_norm

    def forward(
        self,
        x: Tensor,
        position_bias: Optional[Tensor],
        padding: Optional[Tensor],
    ) -> Tensor:
        """Apply the layer.

        Args:
            x (Tensor): (N, L, C).
            position_bias (Tensor, optional): (H, L, L).
            padding (Tensor, optional): (N, L) bool, True = padding.

        Returns:
            Tensor: (N, L, C).
        """
        if self.pre_norm:
            attended = self.self_attn_layer_norm(x)
            attended = self.self_attn(attended, position_bias, padding)
            x = x + self.drop(attended)
            return x + self._feed_forward(self.final_layer_norm(x))
        attended = self.drop(self.self_attn(x, position_bias, padding))
        x = self.self_attn_layer_norm(self.residual_scale * x + attended)
        return self.final_layer_norm(
            self.residual_scale * x + self._feed_forward(x)
        )

    def _feed_forward(self, x: Tensor) -> Tensor:
        hidden = nn.functional.gelu(self.fc1(x))
        return self.drop(self.fc2(hidden))


class BEATsEncoder(BaseModule):
    """Transformer over the patches of a filterbank.

    "BEATs: Audio Pre-Training with Acoustic Tokenizers",
    https://arxiv.org/abs/2212.09058, section 3.2; DeepNorm:
    https://arxiv.org/abs/2203.00555, section 2. All layers share the relative
    position bias of the first; each has a gate of its own.

    Args:
        embed_dims (int): C.
        num_layers (int): Layers.
        num_heads (int): Attention heads.
        feedforward_channels (int): Width inside a layer.
        conv_position_kernel (int): Taps of the convolutional positions.
        conv_position_groups (int): Their groups.
        num_buckets (int, optional): None: no relative position bias.
        max_distance (int): Largest relative distance told apart.
        gated (bool): Gate the relative position bias.
        deep_norm (bool): Scale residuals by (2 * num_layers) ** 0.25, and
            initial weights down.
        pre_norm (bool): Normalise before each block instead of after.
        drop_rate (float): Dropout.
        layer_drop_rate (float): Share of layers skipped in training.
        gradient_decay_ratio (float): Each layer passes this share of the
            gradient down.
    """

    def __init__(
        self,
        embed_dims: int,
        num_layers: int,
        num_heads: int,
        feedforward_channels: int,
        conv_position_kernel: int,
        conv_position_groups: int,
        num_buckets: Optional[int],
        max_distance: int,
        gated: bool,
        deep_norm: bool,
        pre_norm: bool,
        drop_rate: float,
        layer_drop_rate: float,
        gradient_decay_ratio: float,
    ) -> None:
        super().__init__()
        self.pos_conv = nn.Sequential(
            WeightNormConv1d(
                embed_dims, conv_position_kernel, conv_position_groups
            ),
            nn.GELU(),
        )
        residual_scale = (2 * num_layers) ** 0.25 if deep_norm else 1.0
        self.layers = nn.ModuleList(
            BEATsLayer(
                embed_dims,
                feedforward_channels,
                GatedAttention(
                    embed_dims, num_heads, num_buckets, max_distance, gated
                ),
                residual_scale,
                pre_norm,
                drop_rate,
            )
            for _ in range(num_layers)
        )
        self.has_position_bias = num_buckets is not None
        if self.has_position_bias:
            shared = self.layers[0].self_attn.relative_attention_bias
            for layer in self.layers[1:]:
                layer.self_attn.relative_attention_bias = shared
        self.layer_norm = nn.LayerNorm(embed_dims)
        self.drop = nn.Dropout(drop_rate)
        self.pre_norm = pre_norm
        self.layer_drop_rate = layer_drop_rate
        self.gradient_decay_ratio = gradient_decay_ratio
        self._draw_weights((8 * num_layers) ** -0.25 if deep_norm else 1.0)

    def _draw_weights(self, gain: float) -> None:
        """DeepNorm: values and feed-forward start smaller by ``gain``."""
        for layer in self.layers:
            attention = layer.self_attn
            for linear in (attention.q_proj, attention.k_proj):
                nn.init.xavier_normal_(linear.weight)
            for linear in (
                attention.v_proj,
                attention.out_proj,
                layer.fc1,
                layer.fc2,
            ):
                nn.init.xavier_normal_(linear.weight, gain)

    def forward(self, x: Tensor, padding: Optional[Tensor] = None) -> Tensor:
        """Encode tokens.

        Args:
            x (Tensor): (N, L, C).
            padding (Tensor, optional): (N, L) bool, True = padding.

        Returns:
            Tensor: (N, L, C).
        """
        x = self.add_positions(x, padding)
        bias = None
        if self.has_position_bias:
            bias = self.layers[0].self_attn.position_bias(x.shape[1])
        for layer in self.layers:
            if self.training and torch.rand(()) < self.layer_drop_rate:
                continue
            x = layer(_decay(x, self.gradient_decay_ratio), bias, padding)
        return self.layer_norm(x) if self.pre_norm else x

    def add_positions(self, x: Tensor, padding: Optional[Tensor]) -> Tensor:
        """Add convolutional positions; (N, L, C) -> (N, L, C)."""
        if padding is not None:
            x = x.masked_fill(padding[..., None], 0)
        x = x + self.pos_conv(x.transpose(1, 2)).transpose(1, 2)
        return self.drop(x if self.pre_norm else self.layer_norm(x))


def _decay(x: Tensor, ratio: float) -> Tensor:
    """Pass x on, and ``ratio`` of its gradient back."""
    if ratio == 1.0 or not x.requires_grad:
        return x
    return x * ratio + x.detach() * (1 - ratio)
