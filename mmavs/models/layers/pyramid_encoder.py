"""Self-attention over the pixels of several scales at once."""

from typing import List, NamedTuple, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .activations import SparingGELU
from .checkpointing import run_checkpointed
from .deformable_attention import MultiScaleDeformableAttention
from .positions import pixel_centres, sine_positions, split_levels


class PyramidTokens(NamedTuple):
    """The pixels of the coarser scales as one sequence.

    Attributes:
        fine (Tensor): (N, D, H_0, W_0), the finest map, which is too large
            to take part.
        tokens (Tensor): (N, S, D), the other scales row by row, finest
            first; S = sum of h_l * w_l.
        pos (Tensor): (1, S, D), position and scale of each token.
        reference (Tensor): (1, S, num_levels, 2) float32, each token's own
            centre (x, y) in [0, 1] on every scale.
        shapes (tuple): num_levels pairs (h_l, w_l).
    """

    fine: Tensor
    tokens: Tensor
    pos: Tensor
    reference: Tensor
    shapes: Tuple[Tuple[int, int], ...]

    def maps(self) -> List[Tensor]:
        """Give ``tokens`` back as maps, num_levels of (N, D, h_l, w_l)."""
        return split_levels(self.tokens.transpose(1, 2), self.shapes)


class PyramidEncoder(nn.Module):
    """Bring all scales to one width and let the coarser ones attend.

    The encoder of "AVSegFormer: Audio-Visual Segmentation with Transformer",
    https://arxiv.org/abs/2307.01146, Section 3.4, which is that of
    Deformable DETR: the three coarser scales of four, a sine position that
    is not normalised, an embedding of the scale, post-norm layers.

    Args:
        in_channels (Sequence[int]): Channels of each map, finest first.
        embed_dims (int): D.
        num_layers (int): Layers; 0 leaves projected pixels.
        num_heads (int): Attention heads.
        num_points (int): Points a head reads of each scale.
        ffn_channels (int): Hidden width of the feed-forward parts.
        dropout (float): Dropout rate in training.
        with_cp (bool): Compute each layer again in the backward pass instead
            of keeping its intermediate results.

    Raises:
        ValueError: ``embed_dims`` does not fit group norm (32 groups) or the
            heads; fewer than two maps.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        *,
        embed_dims: int = 256,
        num_layers: int = 6,
        num_heads: int = 8,
        num_points: int = 4,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        if embed_dims % 32:
            raise ValueError(
                f'embed_dims must be a multiple of 32 (group norm), '
                f'got {embed_dims}'
            )
        if len(in_channels) < 2:
            raise ValueError(
                'in_channels must name at least two maps, the finest and one '
                f'that attends, got {tuple(in_channels)}'
            )
        self.in_channels = tuple(in_channels)
        num_levels = len(self.in_channels) - 1
        self.in_proj = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, embed_dims, 1),
                nn.GroupNorm(32, embed_dims),
            )
            for channels in self.in_channels
        )
        self.level_embed = nn.Parameter(torch.empty(num_levels, embed_dims))
        nn.init.normal_(self.level_embed)
        self.layers = nn.ModuleList(
            DeformableEncoderLayer(
                embed_dims,
                num_heads,
                num_levels,
                num_points,
                ffn_channels,
                dropout,
            )
            for _ in range(num_layers)
        )
        self.with_cp = with_cp

    def forward(self, visual: Sequence[Tensor]) -> PyramidTokens:
        """Encode.

        Args:
            visual (Sequence[Tensor]): Maps (N, C_i, H_i, W_i), finest first,
                each twice as large as the next.

        Returns:
            PyramidTokens: Width D.

        Raises:
            ValueError: Number, widths or sizes of the maps do not fit.
        """
        self._check(visual)
        # the finest map (N, D, H_0, W_0) is too large to take part
        fine, *coarse = (proj(x) for proj, x in zip(self.in_proj, visual))
        shapes = tuple(tuple(x.shape[-2:]) for x in coarse)
        tokens = torch.cat([x.flatten(2) for x in coarse], -1)  # (N, D, S)
        tokens = tokens.transpose(1, 2)
        pos = self._positions(shapes, tokens)  # (1, S, D)
        # (1, S, num_levels, 2)
        reference = pixel_centres(shapes, tokens.device)
        for layer in self.layers:
            tokens = run_checkpointed(
                self.with_cp, layer, tokens, pos, reference, shapes
            )
        return PyramidTokens(fine, tokens, pos, reference, shapes)

    def _positions(self, shapes, tokens: Tensor) -> Tensor:
        """Position of each pixel plus the embedding of its scale."""
        width = tokens.shape[-1]
        pos = [
            sine_positions(*shape, width, tokens.device).to(tokens.dtype)
            + embed
            for shape, embed in zip(shapes, self.level_embed)
        ]
        return torch.cat(pos)[None]

    def _check(self, visual: Sequence[Tensor]) -> None:
        given = tuple(x.shape[1] for x in visual)
        if given != self.in_channels:
            raise ValueError(
                f'{len(given)} maps of {given} channels came to an encoder '
                f'built for in_channels={self.in_channels}. Fix: set '
                'in_channels to what the backbone (and its out_indices) gives.'
            )
        sizes = [tuple(x.shape[-2:]) for x in visual]
        for large, small in zip(sizes, sizes[1:]):
            if large != (small[0] * 2, small[1] * 2):
                raise ValueError(
                    f'the maps have sizes {sizes}; each must be twice the '
                    'next. Fix: frames whose height and width are multiples '
                    'of 32, e.g. data_preprocessor.size_divisor=32.'
                )


class DeformableEncoderLayer(nn.Module):
    """Deformable self-attention and a feed-forward part, both post-norm."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        num_levels: int,
        num_points: int,
        ffn_channels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.self_attn = MultiScaleDeformableAttention(
            embed_dims, num_heads, num_levels, num_points
        )
        self.norm1 = nn.LayerNorm(embed_dims)
        self.ffn = feed_forward(embed_dims, ffn_channels, dropout)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, pos, reference, shapes) -> Tensor:
        """(N, S, D) -> (N, S, D); the rest as in :class:`PyramidTokens`."""
        attended = self.self_attn(tokens, tokens, reference, shapes, pos)
        tokens = self.norm1(tokens + self.dropout(attended))
        return self.norm2(tokens + self.dropout(self.ffn(tokens)))


def feed_forward(
    embed_dims: int, ffn_channels: int, dropout: float
) -> nn.Sequential:
    """Two linear layers with a GELU, (..., D) -> (..., D)."""
    return nn.Sequential(
        nn.Linear(embed_dims, ffn_channels),
        SparingGELU(),
        nn.Dropout(dropout),
        nn.Linear(ffn_channels, embed_dims),
    )


def levels_to_heat(
    values: Tensor, shapes: Sequence[Tuple[int, int]]
) -> Tensor:
    """Average what each scale's pixels hold, at the finest scale's size.

    Args:
        values (Tensor): (N, S), e.g. how much attention each pixel gets.
        shapes (list[tuple]): num_levels pairs (h_l, w_l), finest first.

    Returns:
        Tensor: (N, h_0, w_0).
    """
    levels = split_levels(values, shapes)
    maps = [
        F.interpolate(level[:, None], shapes[0], mode='bilinear')
        for level in levels
    ]
    return torch.cat(maps, dim=1).mean(dim=1)
