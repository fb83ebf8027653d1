"""The transformer of BEATs: gated relative positions, DeepNorm layers."""

import math
from typing import Optional

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

# share of the gradient that each layer passes down in training, as released
GRADIENT_DECAY = 0.6


class GatedAttention(BaseModule):
    """Multi-head self-attention; the query scales its position bias.

    "BEATs: Audio Pre-Training with Acoustic Tokenizers",
    https://arxiv.org/abs/2212.09058, section 3.2, with the gate of "WavLM",
    https://arxiv.org/abs/2110.13900, Eq. (2), taken from the projected query
    as in the released code. With position bias p_ij, u and r the sigmoids of
    two linear maps of q_i, and a learnt scale a of the head::

        logits_ij = q_i k_j / sqrt(d) + (u (r a - 1) + 2) p_ij

    Attention is fused; the released code's shift by 32, a guard for float16,
    changes nothing in exact arithmetic and is left out.

    Args:
        embed_dims (int): C.
        num_heads (int): H.
        num_buckets (int, optional): Relative distances the bias tells apart;
            None builds attention without position bias.
        max_distance (int): Largest distance told apart.
        gated (bool): Gate the bias.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        num_buckets: Optional[int] = None,
        max_distance: int = 800,
        gated: bool = True,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.num_buckets = num_buckets
        self.max_distance = max_distance
        self.q_proj = nn.Linear(embed_dims, embed_dims)
        self.k_proj = nn.Linear(embed_dims, embed_dims)
        self.v_proj = nn.Linear(embed_dims, embed_dims)
        self.out_proj = nn.Linear(embed_dims, embed_dims)
        self.gated = gated and num_buckets is not None
        if num_buckets is not None:
            self.relative_attention_bias = nn.Embedding(num_buckets, num_heads)
        if self.gated:
            self.grep_linear = nn.Linear(embed_dims // num_heads, 8)
            self.grep_a = nn.Parameter(torch.ones(1, num_heads, 1, 1))

    def position_bias(self, length: int) -> Tensor:
        """Bias of all pairs of tokens, before the gate.

        Args:
            length (int): L.

        Returns:
            Tensor: (H, L, L), query by key.
        """
        table = self.relative_attention_bias
        buckets = bucket_table(
            length, self.num_buckets, self.max_distance, table.weight.device
        )
        return table(buckets).permute(2, 0, 1)

    def forward(
        self,
        x: Tensor,
        position_bias: Optional[Tensor] = None,
        padding: Optional[Tensor] = None,
    ) -> Tensor:
        """Attend.

        Args:
            x (Tensor): (N, L, C).
            position_bias (Tensor, optional): (H, L, L), shared by all layers.
            padding (Tensor, optional): (N, L) bool, True where there is
                nothing to attend to.

        Returns:
            Tensor: (N, L, C).
        """
        query, key, value = (  # (N, heads, L, D / heads)
            projection(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        bias = None
        if position_bias is not None:
            bias = position_bias[None]  # (1, heads, L, L)
            if self.gated:
                bias = bias * self._gate(query)  # (N, heads, L, L)
        if padding is not None:
            blocked = torch.zeros_like(padding, dtype=query.dtype)
            blocked = blocked.masked_fill(padding, float('-inf'))
            blocked = blocked[:, None, None]  # (N, 1, 1, L)
            bias = blocked if bias is None else bias + blocked
        out = F.scaled_dot_product_attention(
            query, key, value, None if bias is None else bias.to(query.dtype)
        )
        return self.out_proj(out.transpose(1, 2).flatten(2))

    def _gate(self, query: Tensor) -> Tensor:
        """(N, H, L, d) -> (N, H, L, 1), one factor a query and head."""
        # The release draws four numbers for each map and sums them.
        maps = self.grep_linear(query).unflatten(-1, (2, 4)).sum(-1)
        update, reset = maps.sigmoid().chunk(2, dim=-1)
        return update * (reset * self.grep_a - 1.0) + 2.0


def relative_buckets(
    distance: Tensor, num_buckets: int, max_distance: int
) -> Tensor:
    """Sort signed distances into buckets.

    Half of the buckets are for each sign; half of those hold one distance
    each, the others grow logarithmically up to ``max_distance``, beyond which
    all share the last ("Exploring the Limits of Transfer Learning",
    https://arxiv.org/abs/1910.10683, section 2.1).

    Args:
        distance (Tensor): Any shape, int64, key position minus query
            position.
        num_buckets (int): Of both signs together.
        max_distance (int): Where the last bucket starts.

    Returns:
        Tensor: Same shape, int64 in 0..num_buckets - 1.
    """
    half = num_buckets // 2
    exact = half // 2
    size = distance.abs()
    # float32 logarithms, as in the released code: a bucket's edge must not
    # move by rounding.
    scale = torch.log(size.clamp(min=1).float() / exact)
    scale = scale / math.log(max_distance / exact) * (half - exact)
    large = (exact + scale.long()).clamp(max=half - 1)
    return torch.where(size < exact, size, large) + (distance > 0) * half


def bucket_table(
    length: int, num_buckets: int, max_distance: int, device: torch.device
) -> Tensor:
    """Buckets of all pairs of ``length`` tokens.

    Args:
        length (int): L.
        num_buckets (int): See :func:`relative_buckets`.
        max_distance (int): See :func:`relative_buckets`.
        device (torch.device): Where to.

    Returns:
        Tensor: (L, L) int64, query by key.
    """
    positions = torch.arange(length, device=device)
    distance = positions[None] - positions[:, None]
    return relative_buckets(distance, num_buckets, max_distance)


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
        ffn_channels (int): Width inside.
        attention (GatedAttention): Over C.
        residual_scale (float): What DeepNorm multiplies the residual by, in a
            post-norm layer.
        pre_norm (bool): Normalise before instead of after.
    """

    def __init__(
        self,
        embed_dims: int,
        ffn_channels: int,
        attention: GatedAttention,
        residual_scale: float,
        pre_norm: bool,
    ) -> None:
        super().__init__()
        self.self_attn = attention
        self.self_attn_layer_norm = nn.LayerNorm(embed_dims)
        self.fc1 = nn.Linear(embed_dims, ffn_channels)
        self.fc2 = nn.Linear(ffn_channels, embed_dims)
        self.final_layer_norm = nn.LayerNorm(embed_dims)
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
            x = x + attended
            return x + self._feed_forward(self.final_layer_norm(x))
        attended = self.self_attn(x, position_bias, padding)
        x = self.self_attn_layer_norm(self.residual_scale * x + attended)
        return self.final_layer_norm(
            self.residual_scale * x + self._feed_forward(x)
        )

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.fc2(nn.functional.gelu(self.fc1(x)))


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
        ffn_channels (int): Width inside a layer.
        conv_position_kernel (int): Taps of the convolutional positions.
        conv_position_groups (int): Their groups.
        num_buckets (int, optional): None: no relative position bias.
        max_distance (int): Largest relative distance told apart.
        gated (bool): Gate the relative position bias.
        deep_norm (bool): Scale residuals by (2 * num_layers) ** 0.25, and
            initial weights down.
        pre_norm (bool): Normalise before each block instead of after.
    """

    def __init__(
        self,
        *,
        embed_dims: int,
        num_layers: int,
        num_heads: int,
        ffn_channels: int,
        conv_position_kernel: int,
        conv_position_groups: int,
        num_buckets: Optional[int],
        max_distance: int,
        gated: bool,
        deep_norm: bool,
        pre_norm: bool,
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
                ffn_channels,
                GatedAttention(
                    embed_dims, num_heads, num_buckets, max_distance, gated
                ),
                residual_scale,
                pre_norm,
            )
            for _ in range(num_layers)
        )
        self.has_position_bias = num_buckets is not None
        if self.has_position_bias:
            shared = self.layers[0].self_attn.relative_attention_bias
            for layer in self.layers[1:]:
                layer.self_attn.relative_attention_bias = shared
        self.layer_norm = nn.LayerNorm(embed_dims)
        self.pre_norm = pre_norm
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
            x = layer(_decay(x), bias, padding)
        return self.layer_norm(x) if self.pre_norm else x

    def add_positions(self, x: Tensor, padding: Optional[Tensor]) -> Tensor:
        """Add convolutional positions; (N, L, C) -> (N, L, C)."""
        if padding is not None:
            x = x.masked_fill(padding[..., None], 0)
        x = x + self.pos_conv(x.transpose(1, 2)).transpose(1, 2)
        return x if self.pre_norm else self.layer_norm(x)


def _decay(x: Tensor) -> Tensor:
    """Pass x on, and a share of its gradient back."""
    if not x.requires_grad:
        return x
    return x * GRADIENT_DECAY + x.detach() * (1 - GRADIENT_DECAY)
