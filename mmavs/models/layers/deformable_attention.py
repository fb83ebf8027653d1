"""Multi-scale deformable attention that needs no compiler.

A bilinear sample is a weighted sum of four pixels. What one head of one query
reads of all scales is therefore a weighted sum of 4 * num_levels * num_points
rows of a table of pixels, which ``embedding_bag`` forms without ever holding
the rows (:func:`sum_samples`). ``grid_sample``, the textbook way, writes out
each sample, and autograd keeps them. Exact, on every device and for every
dtype. On a GPU, Triton's kernels (:mod:`.sample_kernels`) spare the table.
"""

import math
import os
from importlib.util import find_spec
from typing import Optional, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.compat import has_compiled_ops

from .positions import split_levels
from .sample_table import GatherAndSum, Shapes, level_sizes, sum_by_table

SpatialShapes = Union[Tensor, Shapes]
FORMS = ('triton', 'mmcv', 'torch')
# one of FORMS, for all devices and models; by default the best at hand
FORM = os.environ.get('MMAVS_DEFORMABLE', 'auto')
HAS_TRITON = find_spec('triton') is not None


class MultiScaleDeformableAttention(nn.Module):
    """Each query reads a few points of each scale, where it chooses.

    Paper: Deformable DETR: Deformable Transformers for End-to-End Object
    Detection, https://arxiv.org/abs/2010.04159, Eq. 3.

    Parameter names and values are those of mmcv's module and of Deformable
    DETR's released code, so their weights load as they are. Unlike mmcv's,
    it is attention alone: residual, dropout and norm belong to the layer.

    Args:
        embed_dims (int): D, width of queries and values.
        num_heads (int): Heads M; D / M channels each.
        num_levels (int): Scales.
        num_points (int): Points a head reads of each scale.

    Raises:
        ValueError: ``embed_dims`` is not a multiple of ``num_heads``.
    """

    def __init__(
        self,
        embed_dims: int = 256,
        num_heads: int = 8,
        num_levels: int = 4,
        num_points: int = 4,
    ) -> None:
        super().__init__()
        if embed_dims % num_heads:
            raise ValueError(
                f'embed_dims={embed_dims} cannot be shared by '
                f'num_heads={num_heads}; it must be a multiple'
            )
        self.num_heads = num_heads
        self.num_levels = num_levels
        self.num_points = num_points
        reads = num_heads * num_levels * num_points
        self.sampling_offsets = nn.Linear(embed_dims, reads * 2)
        self.attention_weights = nn.Linear(embed_dims, reads)
        self.value_proj = nn.Linear(embed_dims, embed_dims)
        self.output_proj = nn.Linear(embed_dims, embed_dims)
        self.init_weights()

    def init_weights(self) -> None:
        """Start as the paper does (appendix A.4).

        Head m looks in direction 2 pi m / M, its p-th point p + 1 pixels
        away, and all points weigh the same.
        """
        nn.init.zeros_(self.sampling_offsets.weight)
        angles = torch.arange(self.num_heads) * (2 * math.pi / self.num_heads)
        rays = torch.stack([angles.cos(), angles.sin()], dim=-1)
        rays = rays / rays.abs().amax(dim=-1, keepdim=True)
        steps = torch.arange(1, self.num_points + 1).view(-1, 1)
        offsets = rays[:, None, None] * steps
        offsets = offsets.expand(-1, self.num_levels, -1, -1)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(offsets.flatten())
        nn.init.zeros_(self.attention_weights.weight)
        nn.init.zeros_(self.attention_weights.bias)
        for linear in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(
        self,
        query: Tensor,
        value: Tensor,
        reference_points: Tensor,
        spatial_shapes: SpatialShapes,
        query_pos: Optional[Tensor] = None,
        padding_mask: Optional[Tensor] = None,
    ) -> Tensor:
        """Attend.

        Args:
            query (Tensor): (N, Q, D).
            value (Tensor): (N, S, D), the scales' pixels one after another,
                row by row; S = sum of h_l * w_l.
            reference_points (Tensor): (N or 1, Q, num_levels, 2) as (x, y) in
                [0, 1], where a pixel's centre is at (index + 0.5) / size.
                Keep it float32 also in half precision.
            spatial_shapes (Tensor or list[tuple]): (num_levels, 2) integers
                (h_l, w_l), in the order of ``value``. A list spares a GPU
                synchronisation.
            query_pos (Tensor, optional): (N or 1, Q, D), added to the query.
            padding_mask (Tensor, optional): (N, S) bool, True where a pixel
                is padding and reads as zero.

        Returns:
            Tensor: (N, Q, D), in the dtype of the projections' output.

        Raises:
            ValueError: Scales, pixels and reference points do not fit.
        """
        shapes = _as_shapes(spatial_shapes)
        self._check(value, reference_points, shapes)
        if query_pos is not None:
            query = query + query_pos
        value = self.value_proj(value)
        if padding_mask is not None:
            value = value.masked_fill(padding_mask[..., None], 0)
        heads = (self.num_heads, self.num_levels, self.num_points)
        # (N, Q, M, num_levels, num_points, 2), in pixels of each level
        offsets = _queries_innermost(self.sampling_offsets(query))
        offsets = offsets.unflatten(-1, (*heads, 2))
        weights = _queries_innermost(self.attention_weights(query))
        weights = weights.unflatten(-1, (self.num_heads, -1))
        # one softmax over all levels and points: (M, reads, N, Q)
        weights = weights.permute(2, 3, 0, 1).softmax(1)
        # Positions keep 24 bits whatever the model's dtype: bfloat16 would
        # move a point of a 64 pixel wide map by up to a quarter of a pixel.
        exact = torch.float64 if value.dtype == torch.float64 else torch.float
        # (w_l, h_l)
        centres = _queries_innermost(reference_points.to(exact).flatten(2))
        centres = centres.view_as(reference_points)[:, :, None, :, None]
        height, width = level_sizes(shapes, centres)
        sizes = torch.cat([width, height], dim=-1)
        # (N, Q, M, num_levels, num_points, 2), in [0, 1] of each level
        points = offsets.to(exact) / sizes[:, None] + centres
        output = self.sample(
            value.unflatten(-1, (self.num_heads, -1)),
            shapes,
            points,
            weights.permute(2, 3, 0, 1).to(exact).view(points.shape[:-1]),
        )
        return self.output_proj(output.to(value.dtype))

    def sample(
        self,
        value: Tensor,
        shapes: Shapes,
        points: Tensor,
        weights: Tensor,
    ) -> Tensor:
        """See :func:`sum_samples`; returns (N, Q, D)."""
        return sum_samples(value, shapes, points, weights)

    def _check(
        self, value: Tensor, reference_points: Tensor, shapes: Shapes
    ) -> None:
        if len(shapes) != self.num_levels:
            raise ValueError(
                f'deformable attention was built for {self.num_levels} '
                f'levels and got {len(shapes)}: {list(shapes)}'
            )
        pixels = sum(h * w for h, w in shapes)
        if value.shape[1] != pixels:
            raise ValueError(
                f'{value.shape[1]} values do not fill the levels '
                f'{list(shapes)}, which have {pixels} pixels'
            )
        if reference_points.shape[2:] != (self.num_levels, 2):
            raise ValueError(
                'reference points must be (N, Q, num_levels, 2) with '
                f'num_levels={self.num_levels}, got '
                f'{tuple(reference_points.shape)}'
            )


def _queries_innermost(x: Tensor) -> Tensor:
    """Lay (N, Q, F) out with neighbouring queries beside each other.

    What belongs to a level or a point is then one number for long vectors,
    not one of a few in turn, which a CPU takes many times as long for. The
    values, and the shape, stay.
    """
    if x.device.type != 'cpu' or torch.compiler.is_compiling():
        return x
    rows = x.flatten(0, 1).t().contiguous()
    return rows.t().unflatten(0, x.shape[:2])


def _as_shapes(spatial_shapes: SpatialShapes) -> list:
    if isinstance(spatial_shapes, Tensor):
        spatial_shapes = spatial_shapes.tolist()
    # no int(): it would tie an exported graph to one size
    return [(h, w) for h, w in spatial_shapes]


def sum_samples(
    value: Tensor, shapes: Shapes, points: Tensor, weights: Tensor
) -> Tensor:
    """Sum weighted bilinear samples over scales and points.

    The same by three forms, of which :func:`choose_form` picks one. Sums are
    formed in the dtype of ``points``.

    Args:
        value (Tensor): (N, S, M, C) floats; M heads.
        shapes (list[tuple]): num_levels pairs (h_l, w_l), S pixels in all.
        points (Tensor): (N, Q, M, num_levels, num_points, 2) float32 or
            float64, (x, y) in [0, 1] inside the map; what lies outside reads
            as zero.
        weights (Tensor): (N, Q, M, num_levels, num_points), as ``points``.

    Returns:
        Tensor: (N, Q, M * C), in the dtype of ``value``.

    Raises:
        ValueError: See :func:`choose_form`.
    """
    form = choose_form(value, points)
    sizes = [size for shape in shapes for size in shape]  # of both operators
    if form == 'triton':
        from .sample_kernels import sum_forward

        return sum_forward(value, points, weights, sizes)
    exact = value.to(points.dtype)
    if form == 'mmcv':
        output = _sum_by_mmcv(exact, shapes, points, weights)
    elif torch.is_grad_enabled() or not torch.compiler.is_compiling():
        output = GatherAndSum.apply(exact, points, weights, tuple(shapes))
    elif _is_exporting():
        output = _sum_of_grid_samples(exact, shapes, points, weights)
    else:
        output = sum_by_table(exact, points, weights, sizes)
    return output.to(value.dtype)


def _is_exporting() -> bool:
    """Whether torch.export is tracing, without dynamo.

    ``torch.compiler.is_exporting()`` is True in whatever dynamo traces.
    """
    compiler = torch.compiler
    return compiler.is_compiling() and not compiler.is_dynamo_compiling()


def choose_form(value: Tensor, points: Tensor) -> str:
    """Choose how samples are summed: one of :data:`FORMS`.

    ``'triton'`` on a GPU if Triton is installed, else ``'mmcv'``, its compiled
    operator, if a full mmcv is, else ``'torch'``. float64, an export and
    deterministic algorithms take ``'torch'``. The environment variable
    ``MMAVS_DEFORMABLE`` names one for all.

    Raises:
        ValueError: It names another one, or one that cannot run here.
    """
    if FORM != 'auto':
        return _check_form(value, points)
    if not value.is_cuda or _is_exporting():
        return 'torch'
    if torch.are_deterministic_algorithms_enabled():
        return 'torch'  # the others add up gradients in any order
    if HAS_TRITON and points.dtype == torch.float and _is_new(value.device):
        return 'triton'
    return 'mmcv' if has_compiled_ops() else 'torch'


def _check_form(value: Tensor, points: Tensor) -> str:
    """Take the form that was asked for, if it can run."""
    able = dict(
        triton=HAS_TRITON and points.dtype == torch.float,
        mmcv=value.is_cuda and has_compiled_ops(),
        torch=True,
    )
    if able.get(FORM):
        return FORM
    names = ', '.join(name for name in FORMS if able[name])
    raise ValueError(
        f'MMAVS_DEFORMABLE={FORM} cannot sum samples of {points.dtype} on '
        f'{value.device} here. Fix: unset it, or take one of: {names}.'
    )


def _is_new(device: torch.device) -> bool:
    """Whether Triton compiles for a GPU; of NVIDIA's, from Volta on."""
    if torch.version.hip or not torch.cuda.is_available():
        return True
    return torch.cuda.get_device_capability(device) >= (7, 0)


def _sum_by_mmcv(
    value: Tensor, shapes: Shapes, points: Tensor, weights: Tensor
) -> Tensor:
    from mmcv.ops.multi_scale_deform_attn import (
        MultiScaleDeformableAttnFunction,
    )

    table = torch.tensor(shapes, device=value.device)
    starts = table.prod(1).cumsum(0) - table.prod(1)
    return MultiScaleDeformableAttnFunction.apply(
        value, table, starts, points, weights, value.shape[0]
    )


def _sum_of_grid_samples(
    value: Tensor, shapes: Shapes, points: Tensor, weights: Tensor
) -> Tensor:
    """:func:`sum_samples` in operators that every compiler knows."""
    num_heads = value.shape[2]
    rows = value.permute(0, 2, 3, 1).flatten(0, 1)  # (N * M, C, S)
    grids = 2 * points - 1
    total = 0
    for number, level in enumerate(split_levels(rows, shapes)):
        grid = grids[:, :, :, number].transpose(1, 2).flatten(0, 1)
        samples = F.grid_sample(  # (N * M, C, Q, num_points)
            level, grid, mode='bilinear', align_corners=False
        )
        share = weights[:, :, :, number].transpose(1, 2).flatten(0, 1)
        total = total + (samples * share[:, None]).sum(-1)
    # (N * M, C, Q) -> (N, Q, M * C)
    return total.unflatten(0, (-1, num_heads)).flatten(1, 2).transpose(1, 2)
