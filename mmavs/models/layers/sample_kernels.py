"""Samples of deformable attention by Triton, read once and never written.

One program forms a block of queries of one frame and head. It holds their sums
in registers and reads four neighbouring pixels for each point; the PyTorch
form first writes a table with the index and the share of every corner.

Imported where Triton is installed and a GPU is there. With
``TRITON_INTERPRET=1`` the kernels run on the CPU, for tests.
"""

from functools import cache
from typing import List, Tuple

import torch
import triton
import triton.language as tl
from torch import Tensor

# queries times channels that a program holds
BLOCK_ELEMENTS = 1024


@triton.jit
def _block(
    num_queries,
    num_heads,
    width_c: tl.constexpr,
    block_q: tl.constexpr,
    block_c: tl.constexpr,
):
    """What this program forms.

    Returns:
        Its frame and head; the rows (block_q,) of the output, and which of
        them there are; the channels (block_c,), and which of them there are.
    """
    blocks = tl.cdiv(num_queries, block_q)
    pair = (tl.program_id(0) // blocks).to(tl.int64)
    query = tl.program_id(0) % blocks * block_q + tl.arange(0, block_q)
    channel = tl.arange(0, block_c)
    frame, head = pair // num_heads, pair % num_heads
    bag = (frame * num_queries + query) * num_heads + head
    return frame, head, bag, query < num_queries, channel, channel < width_c


@triton.jit
def _level(table, level):
    """Height, width and first pixel of a level; see :func:`_level_table`."""
    start = table + 3 * level
    return tl.load(start), tl.load(start + 1), tl.load(start + 2)


@triton.jit
def _around(points, at, size, real):
    """Find the lines beside a block of points, along one axis.

    Args:
        points: Where the positions start, in [0, 1] of a map.
        at: (block,) places of the positions.
        size: Lines of the map.
        real: (block,) which of the block there are.

    Returns:
        The line before each point; the shares of the two lines, 0 outside of
        the map; and whether each is inside.
    """
    position = tl.load(points + at, mask=real, other=0.0) * size - 0.5
    before = tl.floor(position)
    share = position - before
    first = (before >= 0) & (before < size)
    second = (before >= -1) & (before < size - 1)
    # what lies far outside fits no integer
    line = tl.minimum(tl.maximum(before, -1.0), size * 1.0).to(tl.int64)
    return line, (1 - share) * first, share * second, first, second


@triton.jit
def _read(start, pixels, row, channels, inside):
    """Rows of the table of pixels, (block_q, block_c) float32."""
    places = start + (pixels * row)[:, None] + channels[None, :]
    return tl.load(places, mask=inside, other=0.0).to(tl.float32)


@triton.jit
def _sum_kernel(
    value,
    table,
    points,
    weights,
    output,
    num_values,
    num_queries,
    num_heads,
    width_c: tl.constexpr,
    num_levels: tl.constexpr,
    num_points: tl.constexpr,
    block_q: tl.constexpr,
    block_c: tl.constexpr,
):
    """Sum of weighted samples; see :func:`sum_forward`."""
    frame, head, bag, real, channel, wide = _block(
        num_queries, num_heads, width_c, block_q, block_c
    )
    row = num_heads * width_c  # from a pixel to the next
    start = value + frame * num_values * row + head * width_c
    keep = real[:, None] & wide[None, :]
    total = tl.zeros((block_q, block_c), tl.float32)
    for level in range(num_levels):
        height, width, first = _level(table, level)
        for point in range(num_points):
            at = (bag * num_levels + level) * num_points + point
            x, left, right, in_left, in_right = _around(
                points, 2 * at, width, real
            )
            y, upper, lower, in_upper, in_lower = _around(
                points, 2 * at + 1, height, real
            )
            weight = tl.load(weights + at, mask=real, other=0.0)
            pixel = first + y * width + x
            inside = keep & (in_upper & in_left)[:, None]
            corner = _read(start, pixel, row, channel, inside)
            total += (weight * upper * left)[:, None] * corner
            inside = keep & (in_upper & in_right)[:, None]
            corner = _read(start, pixel + 1, row, channel, inside)
            total += (weight * upper * right)[:, None] * corner
            inside = keep & (in_lower & in_left)[:, None]
            corner = _read(start, pixel + width, row, channel, inside)
            total += (weight * lower * left)[:, None] * corner
            inside = keep & (in_lower & in_right)[:, None]
            corner = _read(start, pixel + width + 1, row, channel, inside)
            total += (weight * lower * right)[:, None] * corner
    places = output + (bag * width_c)[:, None] + channel[None, :]
    tl.store(places, total.to(output.dtype.element_ty), mask=keep)


@triton.jit
def _push(value, grad_value, grad, share, pixels, row, channels, inside):
    """Add a corner's gradient; give what grows with its share, (block_q,)."""
    places = (pixels * row)[:, None] + channels[None, :]
    tl.atomic_add(
        grad_value + places, share[:, None] * grad, mask=inside, sem='relaxed'
    )
    corner = tl.load(value + places, mask=inside, other=0.0).to(tl.float32)
    return tl.sum(corner * grad, axis=1)


@triton.jit
def _gradient_kernel(
    grad_output,
    value,
    table,
    points,
    weights,
    grad_value,
    grad_points,
    grad_weights,
    num_values,
    num_queries,
    num_heads,
    width_c: tl.constexpr,
    num_levels: tl.constexpr,
    num_points: tl.constexpr,
    block_q: tl.constexpr,
    block_c: tl.constexpr,
):
    """Gradients of all three inputs; see :func:`sum_backward`."""
    frame, head, bag, real, channel, wide = _block(
        num_queries, num_heads, width_c, block_q, block_c
    )
    row = num_heads * width_c
    start = frame * num_values * row + head * width_c
    value += start
    grad_value += start
    keep = real[:, None] & wide[None, :]
    places = grad_output + (bag * width_c)[:, None] + channel[None, :]
    grad = tl.load(places, mask=keep, other=0.0).to(tl.float32)
    for level in range(num_levels):
        height, width, first = _level(table, level)
        for point in range(num_points):
            at = (bag * num_levels + level) * num_points + point
            x, left, right, in_left, in_right = _around(
                points, 2 * at, width, real
            )
            y, upper, lower, in_upper, in_lower = _around(
                points, 2 * at + 1, height, real
            )
            weight = tl.load(weights + at, mask=real, other=0.0)
            pixel = first + y * width + x
            inside = keep & (in_upper & in_left)[:, None]
            share = weight * upper * left
            top_left = _push(
                value, grad_value, grad, share, pixel, row, channel, inside
            )
            inside = keep & (in_upper & in_right)[:, None]
            share = weight * upper * right
            pixel += 1
            top_right = _push(
                value, grad_value, grad, share, pixel, row, channel, inside
            )
            inside = keep & (in_lower & in_right)[:, None]
            share = weight * lower * right
            pixel += width
            low_right = _push(
                value, grad_value, grad, share, pixel, row, channel, inside
            )
            inside = keep & (in_lower & in_left)[:, None]
            share = weight * lower * left
            pixel -= 1
            low_left = _push(
                value, grad_value, grad, share, pixel, row, channel, inside
            )
            # shares before a point fall with its position, those after rise
            top = left * top_left + right * top_right
            low = left * low_left + right * low_right
            before = upper * top_left + lower * low_left
            after = upper * top_right + lower * low_right
            tl.store(grad_weights + at, upper * top + lower * low, mask=real)
            slope = (after * in_right - before * in_left) * weight * width
            tl.store(grad_points + 2 * at, slope, mask=real)
            slope = (low * in_lower - top * in_upper) * weight * height
            tl.store(grad_points + 2 * at + 1, slope, mask=real)


@cache
def _level_table(sizes: Tuple[int, ...], device: torch.device) -> Tensor:
    """Height, width and first pixel of each level, (num_levels * 3,) int32.

    Kept for good: a copy to the GPU waits for it and cannot be part of a CUDA
    graph, and a graph goes on reading what it was recorded with.
    """
    numbers, first = [], 0
    for height, width in zip(sizes[::2], sizes[1::2]):
        numbers += [height, width, first]
        first += height * width
    return torch.tensor(numbers, dtype=torch.int32, device=device)


def _launch(value: Tensor, weights: Tensor) -> Tuple[tuple, dict]:
    """Grid and constants of both kernels."""
    num_frames, num_values, num_heads, channels = value.shape
    num_queries, _, num_levels, num_points = weights.shape[1:]
    block_c = triton.next_power_of_2(channels)
    block_q = max(1, BLOCK_ELEMENTS // block_c)
    blocks = triton.cdiv(num_queries, block_q)
    return (num_frames * num_heads * blocks,), dict(
        num_values=num_values,
        num_queries=num_queries,
        num_heads=num_heads,
        width_c=channels,
        num_levels=num_levels,
        num_points=num_points,
        block_q=block_q,
        block_c=block_c,
    )


@torch.library.custom_op('mmavs::sum_samples', mutates_args=())
def sum_forward(
    value: Tensor, points: Tensor, weights: Tensor, sizes: List[int]
) -> Tensor:
    """Sum weighted bilinear samples; an operator with a gradient.

    Args:
        value (Tensor): (N, S, M, C) float32, bfloat16 or float16.
        points (Tensor): (N, Q, M, num_levels, num_points, 2) float32.
        weights (Tensor): (N, Q, M, num_levels, num_points) float32.
        sizes (list[int]): h_0, w_0, h_1, w_1, ...

    Returns:
        Tensor: (N, Q, M * C) in the dtype of ``value``; sums are float32.
    """
    output = value.new_empty(_output_shape(value, weights))
    grid, constants = _launch(value, weights)
    table = _level_table(tuple(sizes), value.device)
    with torch.cuda.device_of(value):  # Triton takes the current GPU
        _sum_kernel[grid](
            value.contiguous(),
            table,
            points.contiguous(),
            weights.contiguous(),
            output,
            **constants,
        )
    return output


@torch.library.custom_op('mmavs::sum_samples_backward', mutates_args=())
def sum_backward(
    grad: Tensor,
    value: Tensor,
    points: Tensor,
    weights: Tensor,
    sizes: List[int],
) -> Tuple[Tensor, Tensor, Tensor]:
    """Gradients of :func:`sum_forward`.

    Those of ``value`` are added up in float32 in whatever order the programs
    come: two runs may differ in the last bits.

    Args:
        grad (Tensor): (N, Q, M * C).
        value (Tensor): See :func:`sum_forward`, as the others.
        points (Tensor): See there.
        weights (Tensor): See there.
        sizes (list[int]): See there.

    Returns:
        tuple[Tensor]: Like ``value``, ``points`` and ``weights``.
    """
    grad_value = torch.zeros(
        value.shape, dtype=torch.float32, device=value.device
    )
    grad_points = torch.empty_like(
        points, memory_format=torch.contiguous_format
    )
    grad_weights = torch.empty_like(
        weights, memory_format=torch.contiguous_format
    )
    grid, constants = _launch(value, weights)
    table = _level_table(tuple(sizes), value.device)
    with torch.cuda.device_of(value):
        _gradient_kernel[grid](
            grad.contiguous(),
            value.contiguous(),
            table,
            points.contiguous(),
            weights.contiguous(),
            grad_value,
            grad_points,
            grad_weights,
            **constants,
        )
    return grad_value.to(value.dtype), grad_points, grad_weights


def _output_shape(value: Tensor, weights: Tensor) -> Tuple[int, int, int]:
    return (*weights.shape[:2], value.shape[2] * value.shape[3])


@sum_forward.register_fake
def _(value, points, weights, sizes):
    return value.new_empty(_output_shape(value, weights))


@sum_backward.register_fake
def _(grad, value, points, weights, sizes):
    tensors = (value, points, weights)
    return tuple(x.new_empty(x.shape) for x in tensors)


def _keep(ctx, inputs, output):
    *tensors, ctx.sizes = inputs
    ctx.save_for_backward(*tensors)


def _gradients(ctx, grad):
    return (*sum_backward(grad, *ctx.saved_tensors, ctx.sizes), None)


sum_forward.register_autograd(_gradients, setup_context=_keep)
