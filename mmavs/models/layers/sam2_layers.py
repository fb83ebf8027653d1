"""What SAM 2's decoder and memory share, under its parameter names."""

from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head attention with projections of its own widths.

    Args:
        embed_dims (int): D of the queries and of what leaves.
        num_heads (int): Attention heads.
        inner_dims (int, optional): Width of queries and keys; None is D.
        memory_dims (int, optional): Width of what is attended to; None is D.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        inner_dims: Optional[int] = None,
        memory_dims: Optional[int] = None,
    ) -> None:
        super().__init__()
        inner_dims = inner_dims or embed_dims
        memory_dims = memory_dims or embed_dims
        self.num_heads = num_heads
        self.q_proj = nn.Linear(embed_dims, inner_dims)
        self.k_proj = nn.Linear(memory_dims, inner_dims)
        self.v_proj = nn.Linear(memory_dims, inner_dims)
        self.out_proj = nn.Linear(inner_dims, embed_dims)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        rotation: Optional[Tensor] = None,
        num_unrotated: int = 0,
    ) -> Tensor:
        """Attend.

        Args:
            query (Tensor): (B, Q, D).
            key, value (Tensor): (B, L, memory_dims).
            rotation (Tensor, optional): (Q, inner / heads / 2, 2), turns
                queries, and keys of which there are a multiple of Q.
            num_unrotated (int): Keys at the end that are not turned.

        Returns:
            Tensor: (B, Q, D).
        """
        query, key, value = (
            proj(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for proj, x in (
                (self.q_proj, query),
                (self.k_proj, key),
                (self.v_proj, value),
            )
        )  # (B, heads, tokens, width)
        if rotation is not None:
            query = rotate(query, rotation)
            turned = key.shape[2] - num_unrotated
            places = rotation.repeat(turned // rotation.shape[0], 1, 1)
            key = torch.cat(
                [rotate(key[:, :, :turned], places), key[:, :, turned:]], dim=2
            )
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.out_proj(attended.transpose(1, 2).flatten(2))


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Turn neighbouring pairs of (..., L, D) by (L, D / 2, 2)."""
    first, second = x.unflatten(-1, (-1, 2)).unbind(-1)
    cosine, sine = rotation.unbind(-1)
    turned = (
        first * cosine - second * sine,
        first * sine + second * cosine,
    )
    return torch.stack(turned, dim=-1).flatten(-2).to(x)


def axial_rotation(
    height: int, width: int, dims: int, like: Tensor, theta: float = 1e4
) -> Tensor:
    """Rotations of a grid: half of the pairs by column, half by row.

    Args:
        height, width (int): Of the grid.
        dims (int): Width of a head, a multiple of 4.
        like (Tensor): Gives device and precision.
        theta (float): Base of the rates.

    Returns:
        Tensor: (height * width, dims / 2, 2), cosine and sine.
    """
    real = torch.float64 if like.dtype == torch.float64 else torch.float32
    steps = torch.arange(0, dims, 4, device=like.device, dtype=real)
    rates = theta ** -(steps / dims)
    places = torch.arange(height * width, device=like.device, dtype=real)
    column, row = places % width, places.div(width, rounding_mode='floor')
    angles = torch.cat(
        [torch.outer(column, rates), torch.outer(row, rates)], 1
    )
    return torch.stack([angles.cos(), angles.sin()], dim=-1)


class MLP(nn.Module):
    """Linear layers with ReLU between them.

    Args:
        in_dims, hidden_dims, out_dims (int): Widths.
        num_layers (int): Layers.
    """

    def __init__(
        self, in_dims: int, hidden_dims: int, out_dims: int, num_layers: int
    ) -> None:
        super().__init__()
        widths = [in_dims, *[hidden_dims] * (num_layers - 1), out_dims]
        self.layers = nn.ModuleList(
            nn.Linear(*pair) for pair in zip(widths, widths[1:])
        )

    def forward(self, x: Tensor) -> Tensor:
        """(..., in_dims) -> (..., out_dims)."""
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of a map."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        x = x.permute(0, 2, 3, 1)
        return super().forward(x).permute(0, 3, 1, 2)
