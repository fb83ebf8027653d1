"""Sums of bilinear samples by a table of pixels, for deformable attention.

A bilinear sample is a weighted sum of four pixels, so sums of samples are bags
of rows of a table, which ``embedding_bag`` forms without holding the rows.
:mod:`.deformable_attention` says what is summed.
"""

from typing import Iterator, List, NamedTuple, Sequence, Tuple

import torch
import torch.nn.functional as F
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

Shapes = Sequence[Tuple[int, int]]
# floats that the backward pass holds at a time, 16 MB
BLOCK_ELEMENTS = 2**22
_OF_SCIPY = (torch.float32, torch.float64)


class GatherAndSum(Function):
    """``sum_samples`` in PyTorch, with its gradient written out.

    The table of corners is four times as large as all inputs together and
    quick to make, so the backward pass makes it again. Inside, queries come
    last, which makes long vectors of few numbers: corners are (M, num_levels,
    num_points, N, Q).
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
        return _gather_and_sum(value, points, weights, shapes)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        value, points, weights = ctx.saved_tensors
        points, weights = _queries_last(points), _queries_last(weights)
        rows, columns = _grid_lines(ctx.shapes, points)
        index = _table_rows(rows, columns, value.shape)  # (N * Q * M, K)
        shares = _shares(rows, columns, weights)
        grad = grad.reshape(-1, value.shape[-1])  # (N * Q * M, C)
        table = value.reshape(-1, value.shape[-1])  # (N * S * M, C)
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
        # (N, Q, M, num_levels, num_points), points with 2 behind that
        grad_points = grad_points.permute(4, 5, 0, 1, 2, 3)
        grad_weights = grad_weights.permute(3, 4, 0, 1, 2)
        return grad_value.view_as(value), grad_points, grad_weights, None


@torch.library.custom_op('mmavs::sum_samples_by_table', mutates_args=())
def sum_by_table(
    value: Tensor, points: Tensor, weights: Tensor, sizes: List[int]
) -> Tensor:
    """:class:`GatherAndSum` as one operator without a gradient.

    For torch.compile, which would otherwise fuse the softmax of the weights
    into all four corners, number by number.

    Args:
        value (Tensor): See :class:`GatherAndSum`, as the others.
        points (Tensor): See there.
        weights (Tensor): See there.
        sizes (list[int]): h_0, w_0, h_1, w_1, ...
    """
    shapes = tuple(zip(sizes[::2], sizes[1::2]))
    return _gather_and_sum(value, points, weights, shapes)


@sum_by_table.register_fake
def _(value, points, weights, sizes):
    frames, _, heads, channels = value.shape
    return value.new_empty(frames, points.shape[1], heads * channels)


def _gather_and_sum(
    value: Tensor, points: Tensor, weights: Tensor, shapes: Shapes
) -> Tensor:
    """(N, Q, M * C)."""
    points, weights = _queries_last(points), _queries_last(weights)
    rows, columns = _grid_lines(shapes, points)
    output = F.embedding_bag(
        _table_rows(rows, columns, value.shape),
        value.reshape(-1, value.shape[-1]),
        per_sample_weights=_shares(rows, columns, weights),
        mode='sum',
    )
    return output.view(*weights.shape[3:], -1)


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


def level_sizes(shapes: Shapes, like: Tensor) -> Tuple[Tensor, Tensor]:
    """Heights and widths, (num_levels, 1) each, without a copy to a GPU."""
    height, width = (
        torch.cat([like.new_full((1, 1), size) for size in sizes])
        for sizes in zip(*shapes)
    )
    return height, width


def _queries_last(x: Tensor) -> Tensor:
    """(N, Q, M, num_levels, ...) -> (M, num_levels, ..., N, Q), dense."""
    return x.permute(*range(2, x.ndim), 0, 1).contiguous()


def _grid_lines(shapes: Shapes, points: Tensor) -> Tuple[_Lines, _Lines]:
    """Rows and columns around each point; rows count pixels of the table."""
    # (num_levels, 1, 1, 1)
    height, width = (x[..., None, None] for x in level_sizes(shapes, points))
    first = (height * width).cumsum(0) - height * width
    rows = _neighbours(points[:, :, :, 1], height)
    for pixels in rows.pixels:
        pixels.mul_(width).add_(first)
    return rows, _neighbours(points[:, :, :, 0], width)


def _neighbours(position: Tensor, size: Tensor) -> _Lines:
    """Find the pixels beside (M, num_levels, num_points, N, Q) positions."""
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
    """Row of each corner in the table of pixels, (N * Q * M, K) integers.

    Pixel p of frame n and head m is row (n * S + p) * M + m.
    """
    num_frames, num_values, num_heads, _ = shape
    table = num_frames * num_values * num_heads
    dtype = torch.int32 if table < 2**31 else torch.int64
    device = rows.pixels[0].device
    frames = torch.arange(num_frames, dtype=dtype, device=device)
    heads = torch.arange(num_heads, dtype=dtype, device=device)
    # (M, 1, 1, N, 1)
    first = frames[:, None] * (num_values * num_heads)
    first = first + heads.view(-1, 1, 1, 1, 1)
    above = [x.to(dtype).mul_(num_heads).add_(first) for x in rows.pixels]
    beside = [x.to(dtype).mul_(num_heads) for x in columns.pixels]
    return _stack_corners((r + c for r in above for c in beside), above[0])


def _shares(rows: _Lines, columns: _Lines, weights: Tensor) -> Tensor:
    """Weight of each corner, (N * Q * M, K)."""
    weighted = [share * weights for share in rows.shares]
    corners = (r * c for r in weighted for c in columns.shares)
    return _stack_corners(corners, weights)


def _stack_corners(corners: Iterator[Tensor], like: Tensor) -> Tensor:
    """Four of (M, num_levels, num_points, N, Q) -> (N * Q * M, K)."""
    heads, *reads, frames, queries = like.shape
    stacked = like.new_empty(heads, 4, *reads, frames, queries)
    for number, corner in enumerate(corners):
        stacked[:, number] = corner
    # a plain transposition of a matrix is quick
    table = stacked.flatten(0, 3).flatten(1).t().contiguous()
    return table.view(frames * queries * heads, -1)


def _scatter(
    index: Tensor, shares: Tensor, grad: Tensor, num_rows: int
) -> Tensor:
    """Gradient of the table, (num_rows, C)."""
    plain = grad.device.type == 'cpu' and grad.dtype in _OF_SCIPY
    if plain and not torch.compiler.is_compiling():
        return _scatter_by_scipy(index, shares, grad, num_rows)
    return _scatter_in_blocks(index, shares, grad, num_rows)


def _scatter_by_scipy(
    index: Tensor, shares: Tensor, grad: Tensor, num_rows: int
) -> Tensor:
    """Multiply by the transposed matrix of shares, a row of it per bag.

    Sums in the order of :func:`_scatter_in_blocks`, to the same bits, in a
    small part of its time.
    """
    ends = torch.arange(0, index.numel() + 1, index.shape[1])
    parts = (shares.flatten(), index.flatten(), ends)
    matrix = csr_matrix(
        tuple(part.numpy() for part in parts), (len(index), num_rows)
    )
    return torch.from_numpy(matrix.T @ grad.numpy())


def _scatter_in_blocks(
    index: Tensor, shares: Tensor, grad: Tensor, num_rows: int
) -> Tensor:
    """Add row by row, a block of bags at a time."""
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
    heads, *reads, frames, queries = weights.shape
    grad = grad.view(frames * queries, -1).t().contiguous()
    grad = grad.view(heads, 4, *reads, frames, queries)
    # (M, num_levels, num_points, N, Q) each
    top_left, top_right, low_left, low_right = grad.unbind(1)
    left, right = columns.shares
    top = left * top_left + right * top_right
    low = left * low_left + right * low_right
    upper, lower = rows.shares
    grad_left = upper * top_left + lower * low_left
    grad_right = upper * top_right + lower * low_right
    height, width = (x[..., None, None] for x in level_sizes(shapes, weights))
    grad_y = low * rows.inside[1] - top * rows.inside[0]
    grad_x = grad_right * columns.inside[1] - grad_left * columns.inside[0]
    grad_points = torch.stack(
        [grad_x * weights * width, grad_y * weights * height], dim=3
    )
    return grad_points, upper * top + lower * low
