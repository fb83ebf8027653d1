"""SAM 2's memory: what a frame leaves, and how later frames look back."""

from typing import List, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .positions import map_positions
from .sam2_layers import Attention, LayerNorm2d, axial_rotation


class MemoryAttention(nn.Module):
    """Pixels of a frame look at each other and at the memories.

    Args:
        embed_dims (int): D.
        memory_dims (int): Width of the memories.
        num_layers (int): Layers.
        ffn_channels (int): Hidden width of the feed-forward parts.
    """

    def __init__(
        self,
        embed_dims: int,
        memory_dims: int,
        num_layers: int = 4,
        ffn_channels: int = 2048,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            MemoryLayer(embed_dims, memory_dims, ffn_channels)
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(embed_dims)

    def forward(
        self,
        current: Tensor,
        memory: Tensor,
        memory_pos: Tensor,
        num_pointers: int,
    ) -> Tensor:
        """Look back.

        Args:
            current (Tensor): (B, D, h, w), the frame's pixels.
            memory (Tensor): (B, M * h * w + num_pointers, memory_dims): M
                frames, then the tokens of object pointers.
            memory_pos (Tensor): As ``memory``.
            num_pointers (int): Tokens at the end that have no place.

        Returns:
            Tensor: (B, D, h, w).
        """
        size = current.shape[-2:]
        x = current.flatten(2).transpose(1, 2)
        x = x + 0.1 * map_positions(current)
        rotation = axial_rotation(*size, x.shape[-1], x)
        for layer in self.layers:
            x = layer(x, memory, memory_pos, rotation, num_pointers)
        return self.norm(x).transpose(1, 2).unflatten(-1, size)


class MemoryLayer(nn.Module):
    """Pre-norm layer of :class:`MemoryAttention`, one head each."""

    def __init__(
        self, embed_dims: int, memory_dims: int, ffn_channels: int
    ) -> None:
        super().__init__()
        self.self_attn = Attention(embed_dims, 1)
        self.cross_attn_image = Attention(
            embed_dims, 1, memory_dims=memory_dims
        )
        self.linear1 = nn.Linear(embed_dims, ffn_channels)
        self.linear2 = nn.Linear(ffn_channels, embed_dims)
        self.norm1, self.norm2, self.norm3 = (
            nn.LayerNorm(embed_dims) for _ in range(3)
        )

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        memory_pos: Tensor,
        rotation: Tensor,
        num_pointers: int,
    ) -> Tensor:
        """(B, P, D) -> (B, P, D); the rest as in :class:`MemoryAttention`."""
        own = self.norm1(x)
        x = x + self.self_attn(own, own, own, rotation)
        x = x + self.cross_attn_image(
            self.norm2(x),
            memory + memory_pos,
            memory,
            rotation,
            num_pointers,
        )
        return x + self.linear2(self.linear1(self.norm3(x)).relu())


class MemoryEncoder(nn.Module):
    """A frame and its mask -> a memory.

    Args:
        embed_dims (int): D.
        memory_dims (int): Width of the memories.
    """

    def __init__(self, embed_dims: int, memory_dims: int) -> None:
        super().__init__()
        self.mask_downsampler = MaskDownsampler(embed_dims)
        self.pix_feat_proj = nn.Conv2d(embed_dims, embed_dims, 1)
        self.fuser = Fuser(embed_dims)
        self.out_proj = nn.Conv2d(embed_dims, memory_dims, 1)

    def forward(self, pixels: Tensor, logits: Tensor) -> Tensor:
        """Remember.

        Args:
            pixels (Tensor): (B, D, h, w), stride 16, before any memory.
            logits (Tensor): (B, 1, 16 h, 16 w), raw; only their sign counts.

        Returns:
            Tensor: (B, memory_dims, h, w).
        """
        masks = (logits > 0).to(pixels) * 20 - 10
        x = self.pix_feat_proj(pixels) + self.mask_downsampler(masks)
        return self.out_proj(self.fuser(x))


class MaskDownsampler(nn.Module):
    """(B, 1, 16 h, 16 w) -> (B, D, h, w) by four strided convolutions."""

    def __init__(self, embed_dims: int) -> None:
        super().__init__()
        widths = [1, 4, 16, 64, 256]
        blocks: List[nn.Module] = []
        for pair in zip(widths, widths[1:]):
            blocks += [
                nn.Conv2d(*pair, 3, stride=2, padding=1),
                LayerNorm2d(pair[1]),
                nn.GELU(),
            ]
        self.encoder = nn.Sequential(
            *blocks, nn.Conv2d(widths[-1], embed_dims, 1)
        )

    def forward(self, masks: Tensor) -> Tensor:
        """(B, 1, 16 h, 16 w) -> (B, D, h, w)."""
        return self.encoder(masks)


class Fuser(nn.Module):
    """Two ConvNeXt blocks."""

    def __init__(self, embed_dims: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(ConvNeXtBlock(embed_dims) for _ in 'ab')

    def forward(self, x: Tensor) -> Tensor:
        """(B, D, h, w) -> (B, D, h, w)."""
        for layer in self.layers:
            x = layer(x)
        return x


class ConvNeXtBlock(nn.Module):
    """Depthwise 7 x 7, norm, two linear layers with GELU, scale, residual."""

    def __init__(self, embed_dims: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(
            embed_dims, embed_dims, 7, padding=3, groups=embed_dims
        )
        self.norm = LayerNorm2d(embed_dims)
        self.pwconv1 = nn.Linear(embed_dims, 4 * embed_dims)
        self.pwconv2 = nn.Linear(4 * embed_dims, embed_dims)
        self.gamma = nn.Parameter(torch.full((embed_dims,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        """(B, D, h, w) -> (B, D, h, w)."""
        changed = self.norm(self.dwconv(x)).permute(0, 2, 3, 1)
        changed = self.pwconv2(F.gelu(self.pwconv1(changed)))
        return x + (self.gamma * changed).permute(0, 3, 1, 2)


def pointer_tokens(pointers: Sequence[Tensor], memory_dims: int) -> Tensor:
    """Object pointers, P times (B, D) -> tokens (B, P * D / M, M)."""
    return (
        torch.stack(pointers, dim=1)
        .flatten(1)
        .unflatten(-1, (-1, memory_dims))
    )
