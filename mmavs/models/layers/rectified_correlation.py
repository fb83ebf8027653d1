"""Mean rectified correlation of all positions of two maps, without the volume.

``corr(p, q) = max(0, x_p . y_q)`` for all pairs of positions of two maps is a
volume of (HW)^2 numbers a pair of frames: 39 MB at 56 x 56 in float32, and
autograd keeps it several times. Only its means over p and over q are wanted,
so blocks of rows are computed, summed and forgotten, and computed once more
in the backward pass. That is exact, and faster than the volume where memory
traffic, not arithmetic, is the limit.
"""

from contextlib import nullcontext
from typing import ContextManager, Iterator, Optional, Tuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Numbers a block holds, 8 MB and 16 MB in float32: little beside a volume, and
# enough work for all threads, or one kernel, at a time.
CPU_BLOCK_ELEMENTS = 2**21
GPU_BLOCK_ELEMENTS = 2**22


def mean_rectified_correlation(
    source: Tensor, target: Tensor, block_elements: Optional[int] = None
) -> Tuple[Tensor, Tensor]:
    """Average ``max(0, x_p . y_q)`` over q, and over p.

    Exact in value and gradient. Under autocast the products are formed in
    autocast's type, as a matrix product would be; sums are float32.

    Args:
        source (Tensor): x, (P, C, M), P pairs of maps of M positions.
        target (Tensor): y, (P, C, M).
        block_elements (int, optional): Numbers of the volume that exist at a
            time; at least one row of M is computed. Chosen by the device if
            None. It changes memory and speed, not the result.

    Returns:
        tuple[Tensor, Tensor]: (P, M) means over q for each p, and (P, M)
        means over p for each q; non-negative, float32 or wider.

    Raises:
        ValueError: The two differ in shape, or ``block_elements`` is not
            positive.
    """
    if source.shape != target.shape or source.ndim != 3:
        raise ValueError(
            'source and target must be (P, C, M) alike, got '
            f'{tuple(source.shape)} and {tuple(target.shape)}'
        )
    if block_elements is None:
        block_elements = (
            CPU_BLOCK_ELEMENTS
            if source.device.type == 'cpu'
            else GPU_BLOCK_ELEMENTS
        )
    if block_elements < 1:
        raise ValueError(f'block_elements must be >= 1, got {block_elements}')
    if _autocasts(source) and torch.is_autocast_enabled(source.device.type):
        dtype = torch.get_autocast_dtype(source.device.type)
        source, target = source.to(dtype), target.to(dtype)
    return _MeanRectifiedCorrelation.apply(source, target, block_elements)


class _MeanRectifiedCorrelation(torch.autograd.Function):
    """See :func:`mean_rectified_correlation`."""

    @staticmethod
    def forward(ctx, source: Tensor, target: Tensor, block_elements: int):
        """Correlate, block by block.

        Args:
            ctx: Keeps what the backward pass needs.
            source, target (Tensor): (P, C, M), P pairs of maps of M
                positions.
            block_elements (int): How many products exist at a time.

        Returns:
            tuple[Tensor, Tensor]: (P, M) each, >= 0: the means over target
            and over source positions.
        """
        ctx.save_for_backward(source, target)
        ctx.block_elements = block_elements
        num_pairs, _, size = source.shape
        wide = _accumulator_dtype(source)
        over_target = source.new_empty(num_pairs, size, dtype=wide)
        over_source = source.new_zeros(num_pairs, size, dtype=wide)
        with _without_autocast(source):
            for pairs, rows in _blocks(num_pairs, size, block_elements):
                block = source[pairs, :, rows].mT @ target[pairs]
                block = block.relu_()
                over_target[pairs, rows] = block.sum(2, dtype=wide)
                over_source[pairs] += block.sum(1, dtype=wide)
        return over_target / size, over_source / size

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_over_target: Tensor, grad_over_source: Tensor):
        source, target = ctx.saved_tensors
        num_pairs, _, size = source.shape
        grad_source = torch.empty_like(source)
        grad_target = torch.zeros_like(
            target, dtype=_accumulator_dtype(target)
        )
        by_row = (grad_over_target / size).to(source.dtype)[:, :, None]
        by_column = (grad_over_source / size).to(source.dtype)[:, None, :]
        with _without_autocast(source):
            for pairs, rows in _blocks(num_pairs, size, ctx.block_elements):
                chosen = source[pairs, :, rows]
                block = chosen.mT @ target[pairs]
                # The block's gradient is that of its row and column mean
                # where the product was positive; this operator is the one
                # that PyTorch's own ReLU uses, in one pass and without a mask.
                grad = torch.ops.aten.threshold_backward(
                    by_row[pairs, rows] + by_column[pairs], block, 0
                )
                grad_source[pairs, :, rows] = (grad @ target[pairs].mT).mT
                grad_target[pairs] += chosen @ grad
        return grad_source, grad_target.to(target.dtype), None


def _blocks(
    num_pairs: int, size: int, block_elements: int
) -> Iterator[Tuple[slice, slice]]:
    """Cut (P, M, M) into blocks: some whole pairs, or rows of one pair."""
    pairs = max(1, block_elements // (size * size))
    rows = size if pairs > 1 else max(1, min(size, block_elements // size))
    for first in range(0, num_pairs, pairs):
        for row in range(0, size, rows):
            yield slice(first, first + pairs), slice(row, row + rows)


def _accumulator_dtype(tensor: Tensor) -> torch.dtype:
    """Float32 for half types, else the tensor's own."""
    return torch.promote_types(tensor.dtype, torch.float32)


def _autocasts(tensor: Tensor) -> bool:
    """Whether autocast knows the tensor's device (it does not know meta)."""
    return torch.amp.is_autocast_available(tensor.device.type)


def _without_autocast(tensor: Tensor) -> ContextManager:
    if not _autocasts(tensor):
        return nullcontext()
    return torch.autocast(tensor.device.type, enabled=False)
