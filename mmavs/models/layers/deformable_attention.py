"""Multi-scale deformable attention that needs no compiler."""

import math
from typing import Optional, Sequence, Tuple, Union

import torch
from torch import Tensor, nn

from .point_sampling import sum_samples

SpatialShapes = Union[Tensor, Sequence[Tuple[int, int]]]


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
        ValueError: ``embed_dims`` is no multiple of ``num_heads``.
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
        offsets = self.sampling_offsets(query).unflatten(-1, (*heads, 2))
        weights = self.attention_weights(query)
        weights = weights.unflatten(-1, (self.num_heads, -1)).softmax(-1)
        # Positions keep 24 bits whatever the model's dtype: bfloat16 would
        # move a point of a 64 pixel wide map by up to a quarter of a pixel.
        exact = torch.float64 if value.dtype == torch.float64 else torch.float
        sizes = reference_points.new_tensor(shapes, dtype=exact).flip(-1)
        points = reference_points.to(exact)[:, :, None, :, None]
        points = points + offsets.to(exact) / sizes[:, None]
        output = self.sample(
            value.unflatten(-1, (self.num_heads, -1)).to(exact),
            shapes,
            points,
            weights.to(exact).view(points.shape[:-1]),
        )
        return self.output_proj(output.to(value.dtype))

    def sample(
        self,
        value: Tensor,
        shapes: Sequence[Tuple[int, int]],
        points: Tensor,
        weights: Tensor,
    ) -> Tensor:
        """See :func:`sum_samples`; returns (N, Q, D)."""
        return sum_samples(value, shapes, points, weights)

    def _check(
        self,
        value: Tensor,
        reference_points: Tensor,
        shapes: Sequence[Tuple[int, int]],
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


def _as_shapes(spatial_shapes: SpatialShapes) -> list:
    if isinstance(spatial_shapes, Tensor):
        spatial_shapes = spatial_shapes.tolist()
    return [(int(h), int(w)) for h, w in spatial_shapes]
