"""Motion from how each frame correlates with its neighbour."""

from contextlib import nullcontext
from typing import ContextManager, Iterator, Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures


@MODELS.register_module()
class MotionCorrelation(BaseModule):
    """Gate every map by its correlation with the neighbouring frame.

    The visual correlation attention module of "Improving Audio-Visual
    Segmentation with Bidirectional Generation",
    https://arxiv.org/abs/2308.08288, Section "Visual Correlation Attention
    Module", Eq. 2 and Figure 3. At each scale, with t' = t + 1 (t - 1 for the
    last frame), ::

        response_t(p) = mean_q max(0, z_t(p) . z_t'(q))
        out_t(p) = z_t(p) * (1 + sigmoid(w * response_t(p) + b))

    The paper leaves open how the four-dimensional correlation of Eq. 2
    becomes a map again; the mean over q and the gate are what the released
    code does, which also rectifies the products, without normalising them.

    The (HW)^2 products of a pair of frames never exist together
    (:func:`mean_rectified_correlation`),
    so memory grows with HW; the result is exact. Any T works; a clip of one
    frame has no neighbour and passes unchanged. Padded frames are nobody's
    neighbour and pass unchanged too.

    Args:
        num_scales (int): Number of maps.
        stages (Sequence[int], optional): Indices of the scales that are
            gated; all by default, none (and no parameters) with an empty one:
            the row "w/o motion" of Table 4.
        block_elements (int, optional): How many products exist at a time.
            Chosen by the device if None; it changes memory and speed only.

    Raises:
        ValueError: A stage that does not exist.
    """

    def __init__(
        self,
        num_scales: int = 4,
        stages: Optional[Sequence[int]] = None,
        block_elements: Optional[int] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        scales = range(num_scales)
        self.num_scales = num_scales
        self.stages = tuple(scales if stages is None else sorted(stages))
        if not set(self.stages) <= set(scales):
            raise ValueError(
                f'MotionCorrelation: stages={tuple(stages)} must lie in '
                f'0..{num_scales - 1}'
            )
        self.block_elements = block_elements
        self.gates = nn.ModuleDict(
            {str(i): nn.Conv2d(1, 1, 1) for i in self.stages}
        )

    def forward(self, features: AVFeatures) -> AVFeatures:
        """Gate the chosen scales.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i).

        Returns:
            AVFeatures: Same shapes, each value up to twice as large.

        Raises:
            ValueError: Scales or frames do not fit.
        """
        gates = self.attention_maps(features)
        visual = list(features.visual)
        for i, gate in zip(self.stages, gates):
            x = visual[i]
            visual[i] = x + x * gate[:, None].to(x.dtype)
        return features._replace(visual=tuple(visual))

    def attention_maps(self, features: AVFeatures) -> Tuple[Tensor, ...]:
        """Show where each frame correlates with its neighbour (Figure 6).

        Returns:
            tuple[Tensor, ...]: One gate (N, H_i, W_i) a gated scale, in
            (0, 1); 0 where a frame has no neighbour.
        """
        self._check(features)
        nearest = _neighbours(features)
        return tuple(
            self._gate(self.gates[str(i)], features.visual[i], *nearest)
            for i in self.stages
        )

    def _gate(
        self, gate: nn.Module, x: Tensor, has_next: Tensor, has_any: Tensor
    ) -> Tensor:
        """Gate of one scale: (N, C, H, W) and (B, T) masks -> (N, H, W)."""
        num_clips, num_frames = has_next.shape
        # (B, T, C, H * W)
        clips = x.unflatten(0, (num_clips, num_frames)).flatten(3)
        # One volume serves both frames of a pair: its row means belong to the
        # earlier one, its column means to the later one.
        # (B * (T - 1), H * W) each
        to_next, to_previous = mean_rectified_correlation(
            clips[:, :-1].flatten(0, 1),
            clips[:, 1:].flatten(0, 1),
            self.block_elements,
        )
        nothing = to_next.new_zeros(num_clips, 1, clips.shape[-1])
        pairs = (num_clips, num_frames - 1)
        to_next = torch.cat([to_next.unflatten(0, pairs), nothing], 1)
        to_previous = torch.cat([nothing, to_previous.unflatten(0, pairs)], 1)
        # (B, T, H * W)
        response = torch.where(has_next[..., None], to_next, to_previous)
        response = response.view(x.shape[0], 1, *x.shape[-2:])
        attention = gate(response).sigmoid().squeeze(1)  # (N, H, W)
        return attention * has_any.view(-1, 1, 1)

    def _check(self, features: AVFeatures) -> None:
        maps = features.visual
        if len(maps) != self.num_scales:
            raise ValueError(
                f'MotionCorrelation was built for {self.num_scales} maps, '
                f'but gets {len(maps)}. Fix: set num_scales.'
            )
        if maps[0].shape[0] % features.num_frames:
            raise ValueError(
                f'MotionCorrelation: {maps[0].shape[0]} maps are not a '
                f'multiple of T = {features.num_frames} frames per clip'
            )


def _neighbours(features: AVFeatures) -> Tuple[Tensor, Tensor]:
    """Tell which frames have a real frame after them, or on either side.

    Returns:
        tuple[Tensor, Tensor]: (B, T) bool each.
    """
    x = features.visual[0]
    real = features.valid
    if real is None:
        real = torch.ones(x.shape[0], dtype=torch.bool, device=x.device)
    real = real.view(-1, features.num_frames)
    has_next = torch.zeros_like(real)
    has_next[:, :-1] = real[:, 1:]
    has_previous = torch.zeros_like(real)
    has_previous[:, 1:] = real[:, :-1]
    return has_next & real, (has_next | has_previous) & real


# Numbers a block holds, 8 MB and 16 MB in float32: little beside a volume, and
# enough work for all threads, or one kernel, at a time.
CPU_BLOCK_ELEMENTS = 2**21
GPU_BLOCK_ELEMENTS = 2**22


def mean_rectified_correlation(
    source: Tensor, target: Tensor, block_elements: Optional[int] = None
) -> Tuple[Tensor, Tensor]:
    """Average ``max(0, x_p . y_q)`` over q, and over p, without the volume.

    All pairs of positions are (HW)^2 numbers per pair of frames: 39 MB at
    56 x 56 in float32, and autograd keeps them several times. Only the means
    over p and over q are wanted, so blocks of rows are computed, summed and
    forgotten, and computed once more in the backward pass; faster than the
    volume where memory traffic, not arithmetic, is the limit.

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
    if torch.compiler.is_compiling() and not torch.is_grad_enabled():
        # a loop over blocks would tie the graph to one number of pairs
        volume = (source.mT @ target).relu()  # (P, M, M)
        wide = _accumulator_dtype(source)
        return volume.mean(2, dtype=wide), volume.mean(1, dtype=wide)
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
                # (p, rows, M), a part of the volume
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
