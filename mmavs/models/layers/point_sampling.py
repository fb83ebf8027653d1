"""Weighted bilinear samples of several maps, without writing them out.

A bilinear sample is a weighted sum of four pixels. What one head of one query
reads of all scales is therefore a weighted sum of 4 * num_levels * num_points
rows of a table of pixels, which ``embedding_bag`` forms without ever holding
the rows. ``grid_sample``, the textbook way, writes out each sample, and
autograd keeps them. Exact, on every device and for every dtype.
"""

from typing import Iterator, NamedTuple, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from mmavs.compat import has_compiled_ops

Shapes = Sequence[Tuple[int, int]]
# floats that the backward pass holds at a time, 16 MB
BLOCK_ELEMENTS = 2**22


def sum_samples(
    value: Tensor, shapes: Shapes, points: Tensor, weights: Tensor
) -> Tensor:
    """Sum weighted bilinear samples over scales and points.

    mmcv's compiled operator does it on a GPU if a full mmcv is installed.

    Args:
        value (Tensor): (N, S, M, C) float32 or float64; M heads.
        shapes (list[tuple]): num_levels pairs (h_l, w_l), S pixels in all.
        points (Tensor): (N, Q, M, num_levels, num_points, 2), (x, y) in
            [0, 1] inside the map; what lies outside reads as zero.
        weights (Tensor): (N, Q, M, num_levels, num_points).

    Returns:
        Tensor: (N, Q, M * C).
    """
    if value.is_cuda and has_compiled_ops():
        from mmcv.ops.multi_scale_deform_attn import (
            MultiScaleDeformableAttnFunction,
        )

        table = torch.tensor(shapes, device=value.device)
        starts = table.prod(1).cumsum(0) - table.prod(1)
        return MultiScaleDeformableAttnFunction.apply(
            value, table, starts, points, weights, value.shape[0]
        )
    return _GatherAndSum.apply(value, points, weights, tuple(shapes))


class _GatherAndSum(Function):
    """:func:`sum_samples` in PyTorch, with its gradient written out.

    The table of corners is four times as large as all inputs together and
    quick to make, so the backward pass makes it again.
    """

    @staticmethod
    def forward(ctx, value, points, weights, shapes):
        """Sum samples.

        Args:
            ctx: Keeps what the backward pass needs.
            value (Tensor): (N, S, M, C).
            points (Tensor): (N, Q, M, num_levels, num_points, 2) in [0, 1].
            weights (Tensor): (N, Q, M, num_levels, num_points).
            shapes (tuple): (h_l, w_l) of each level.

        Returns:
            Tensor: (N, Q, M * C).
        """
        ctx.save_for_backward(value, points, weights)
        ctx.shapes = shapes
        rows, columns = _grid_lines(shapes, points)
        output = F.embedding_bag(
            _table_rows(rows, columns, value.shape),
            value.reshape(-1, value.shape[-1]),
            per_sample_weights=_shares(rows, columns, weights),
            mode='sum',
        )
        return output.view(*weights.shape[:2], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        value, points, weights = ctx.saved_tensors
        rows, columns = _grid_lines(ctx.shapes, points)
        index = _table_rows(rows, columns, value.shape)
        shares = _shares(rows, columns, weights)
        grad = grad.reshape(-1, value.shape[-1])
        table = value.reshape(-1, value.shape[-1])
        grad_value = _scatter(index, shares, grad, len(table))
        with torch.enable_grad():
            shares.requires_grad_()
            output = F.embedding_bag(
                index, table, per_sample_weights=shares, mode='sum'
            )
        (grad_shares,) = torch.autograd.grad(output, shares, grad)
        grad_points, grad_weights = _through_shares(
            grad_shares, rows, columns, weights, ctx.shapes
        )
        return grad_value.view_as(value), grad_points, grad_weights, None


class _Lines(NamedTuple):
    """Along one axis, the lines of pixels before and after each point.

    Attributes:
        pixels (tuple): Two float tensors, clamped to the map.
        shares (tuple): Two linear weights, 0 outside of the map.
        inside (tuple): Two bool tensors.
    """

    pixels: Tuple[Tensor, Tensor]
    shares: Tuple[Tensor, Tensor]
    inside: Tuple[Tensor, Tensor]


def _sizes(shapes: Shapes, like: Tensor) -> Tuple[Tensor, Tensor]:
    """Heights and widths, (num_levels, 1) each."""
    table = like.new_tensor(shapes)
    return table[:, :1], table[:, 1:]


def _grid_lines(shapes: Shapes, points: Tensor) -> Tuple[_Lines, _Lines]:
    """Rows and columns around each point; rows count pixels of the table."""
    height, width = _sizes(shapes, points)
    first = (height * width).cumsum(0) - height * width
    rows = _neighbours(points[..., 1], height)
    for pixels in rows.pixels:
        pixels.mul_(width).add_(first)
    return rows, _neighbours(points[..., 0], width)


def _neighbours(position: Tensor, size: Tensor) -> _Lines:
    """Find the pixels beside (..., num_levels, num_points) positions."""
    position = position * size - 0.5
    before = position.floor()
    share = position.sub_(before)
    last = size - 1
    inside = (
        (before >= 0) & (before <= last),
        (before >= -1) & (before < last),
    )
    shares = ((1 - share).mul_(inside[0]), share.mul_(inside[1]))
    pixels = (
        before.clamp(min=0).minimum(last),
        before.add_(1).clamp_(min=0).minimum(last),
    )
    return _Lines(pixels, shares, inside)


def _table_rows(rows: _Lines, columns: _Lines, shape: torch.Size) -> Tensor:
    """Row of each corner in the table of pixels, (N * Q * M, K) int64.

    Pixel p of frame n and head m is row (n * S + p) * M + m.
    """
    num_frames, num_values, num_heads, _ = shape
    index = _stack_corners(
        (r + c for r in rows.pixels for c in columns.pixels),
        rows.pixels[0],
        torch.int64,
    )
    frames = torch.arange(num_frames, device=index.device)
    heads = torch.arange(num_heads, device=index.device)
    first = frames.view(-1, 1, 1, 1) * (num_values * num_heads)
    first = first + heads.view(-1, 1)
    return index.mul_(num_heads).add_(first).flatten(0, 2)


def _shares(rows: _Lines, columns: _Lines, weights: Tensor) -> Tensor:
    """Weight of each corner, (N * Q * M, K)."""
    weighted = [share * weights for share in rows.shares]
    corners = (r * c for r in weighted for c in columns.shares)
    return _stack_corners(corners, weights, weights.dtype).flatten(0, 2)


def _stack_corners(
    corners: Iterator[Tensor], like: Tensor, dtype: torch.dtype
) -> Tensor:
    """Four of (N, Q, M, num_levels, num_points) -> (N, Q, M, K)."""
    shape = (*like.shape[:3], 4, *like.shape[3:])
    stacked = torch.empty(shape, dtype=dtype, device=like.device)
    for number, corner in enumerate(corners):
        stacked[:, :, :, number] = corner
    return stacked.flatten(3)


def _scatter(
    index: Tensor, shares: Tensor, grad: Tensor, num_rows: int
) -> Tensor:
    """Gradient of the table, (num_rows, C), a block of bags at a time."""
    table = grad.new_zeros(num_rows, grad.shape[1])
    block = max(1, BLOCK_ELEMENTS // (index.shape[1] * grad.shape[1]))
    for rows, weights, part in zip(
        index.split(block), shares.split(block), grad.split(block)
    ):
        source = weights[..., None] * part[:, None]
        table.index_add_(0, rows.flatten(), source.flatten(0, 1))
    return table


def _through_shares(
    grad: Tensor,
    rows: _Lines,
    columns: _Lines,
    weights: Tensor,
    shapes: Shapes,
) -> Tuple[Tensor, Tensor]:
    """From the corners' weights to points and weights.

    A corner weighs ``w r c`` with r and c its shares along rows and columns;
    those of the line before fall, those after rise with the position.
    """
    grad = grad.view(*weights.shape[:3], 4, *weights.shape[3:])
    top_left, top_right, low_left, low_right = grad.unbind(3)
    left, right = columns.shares
    top = left * top_left + right * top_right
    low = left * low_left + right * low_right
    upper, lower = rows.shares
    grad_left = upper * top_left + lower * low_left
    grad_right = upper * top_right + lower * low_right
    height, width = _sizes(shapes, weights)
    grad_y = low * rows.inside[1] - top * rows.inside[0]
    grad_x = grad_right * columns.inside[1] - grad_left * columns.inside[0]
    grad_points = torch.stack(
        [grad_x * weights * width, grad_y * weights * height], dim=-1
    )
    return grad_points, upper * top + lower * low
