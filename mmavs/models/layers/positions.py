"""Where the pixels of maps are: encodings, centres, scales in a row."""

import math
from typing import List, Sequence, Tuple

import torch
from torch import Tensor


def sine_positions(
    height: int,
    width: int,
    embed_dims: int,
    device=None,
    normalize: bool = False,
) -> Tensor:
    """Sines and cosines of row and column, counted from 1.

    Args:
        height (int): Rows.
        width (int): Columns.
        embed_dims (int): D, a multiple of 4: the first half for the row, the
            second for the column; sine and cosine by turns.
        device (torch.device, optional): Where to make it.
        normalize (bool): Scale rows and columns to (0, 2 pi], so that the
            encoding does not depend on the size of the map (DETR, MaskFormer,
            Mask2Former; not AVSegFormer).

    Returns:
        Tensor: (height * width, D) float32 in [-1, 1].

    Raises:
        ValueError: ``embed_dims`` is not a multiple of 4.
    """
    if embed_dims % 4:
        raise ValueError(
            f'sine positions need embed_dims divisible by 4 (row and column, '
            f'sine and cosine), got {embed_dims}'
        )
    half = embed_dims // 2
    exponents = torch.arange(0, half, 2, device=device) / half
    rates = 10000.0**-exponents

    def encode(size: int) -> Tensor:
        places = torch.arange(1, size + 1, device=device)[:, None]
        if normalize:
            # the epsilon is the released code's
            places = places / (size + 1e-6) * (2 * math.pi)
        angles = places * rates  # (size, half / 2)
        return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)

    rows = encode(height)[:, None].expand(-1, width, -1)  # (H, W, half)
    columns = encode(width)[None].expand(height, -1, -1)
    return torch.cat([rows, columns], dim=-1).flatten(0, 1)


def pixel_centres(shapes: Sequence[Tuple[int, int]], device=None) -> Tensor:
    """Centre of every pixel, the same on each scale.

    Args:
        shapes (list[tuple]): num_levels pairs (h_l, w_l).
        device (torch.device, optional): Where to make it.

    Returns:
        Tensor: (1, S, num_levels, 2) float32, (x, y) in (0, 1).
    """
    centres = []
    for height, width in shapes:
        y = (torch.arange(height, device=device) + 0.5) / height
        x = (torch.arange(width, device=device) + 0.5) / width
        y, x = torch.meshgrid(y, x, indexing='ij')
        centres.append(torch.stack([x.flatten(), y.flatten()], dim=-1))
    centres = torch.cat(centres)
    return centres[None, :, None].expand(-1, -1, len(shapes), -1)


def split_levels(
    values: Tensor, shapes: Sequence[Tuple[int, int]]
) -> List[Tensor]:
    """(..., S) -> one (..., h_l, w_l) a scale."""
    parts = values.split([h * w for h, w in shapes], dim=-1)
    return [part.unflatten(-1, shape) for part, shape in zip(parts, shapes)]


def map_positions(level: Tensor) -> Tensor:
    """Encode the normalised positions of a map as tokens.

    Args:
        level (Tensor): (N, D, h, w); gives width, size, device and dtype.

    Returns:
        Tensor: (1, h * w, D) in [-1, 1].
    """
    _, embed_dims, height, width = level.shape
    encoded = sine_positions(
        height, width, embed_dims, level.device, normalize=True
    )
    return encoded[None].to(level.dtype)
