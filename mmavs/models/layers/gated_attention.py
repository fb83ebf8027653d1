"""Self-attention with a gated relative position bias, as in BEATs."""

from typing import Optional

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from .relative_position import bucket_table


class GatedAttention(BaseModule):
    """Multi-head self-attention; the query scales its position bias.

    "BEATs: Audio Pre-Training with Acoustic Tokenizers",
    https://arxiv.org/abs/2212.09058, section 3.2, with the gate of "WavLM",
    https://arxiv.org/abs/2110.13900, Eq. (2), taken from the projected query
    as in the released code. With position bias p_ij, u and r the sigmoids of
    two linear maps of q_i, and a learnt scale a of the head::

        logits_ij = q_i k_j / sqrt(d) + (u (r a - 1) + 2) p_ij

    Attention is fused; the released code's shift by 32, a guard for float16,
    changes nothing in exact arithmetic and is left out.

    Args:
        embed_dims (int): C.
        num_heads (int): H.
        num_buckets (int, optional): Relative distances the bias tells apart;
            None builds attention without position bias.
        max_distance (int): Largest distance told apart.
        gated (bool): Gate the bias. Defaults to True.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        num_buckets: Optional[int] = None,
        max_distance: int = 800,
        gated: bool = True,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.num_buckets = num_buckets
        self.max_distance = max_distance
        self.q_proj = nn.Linear(embed_dims, embed_dims)
        self.k_proj = nn.Linear(embed_dims, embed_dims)
        self.v_proj = nn.Linear(embed_dims, embed_dims)
        self.out_proj = nn.Linear(embed_dims, embed_dims)
        self.gated = gated and num_buckets is not None
        if num_buckets is not None:
            self.relative_attention_bias = nn.Embedding(num_buckets, num_heads)
        if self.gated:
            self.grep_linear = nn.Linear(embed_dims // num_heads, 8)
            self.grep_a = nn.Parameter(torch.ones(1, num_heads, 1, 1))

    def position_bias(self, length: int) -> Tensor:
        """Bias of all pairs of tokens, before the gate.

        Args:
            length (int): L.

        Returns:
            Tensor: (H, L, L), query by key.
        """
        table = self.relative_attention_bias
        buckets = bucket_table(
            length, self.num_buckets, self.max_distance, table.weight.device
        )
        return table(buckets).permute(2, 0, 1)

    def forward(
        self,
        x: Tensor,
        position_bias: Optional[Tensor] = None,
        padding: Optional[Tensor] = None,
    ) -> Tensor:
        """Attend.

        Args:
            x (Tensor): (N, L, C).
            position_bias (Tensor, optional): (H, L, L), shared by all layers.
            padding (Tensor, optional): (N, L) bool, True where there is
                nothing to attend to.

        Returns:
            Tensor: (N, L, C).
        """
        query, key, value = (
            projection(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        bias = None
        if position_bias is not None:
            bias = position_bias[None]
            if self.gated:
                bias = bias * self._gate(query)
        if padding is not None:
            blocked = torch.zeros_like(padding, dtype=query.dtype)
            blocked = blocked.masked_fill(padding, float('-inf'))
            blocked = blocked[:, None, None]
            bias = blocked if bias is None else bias + blocked
        out = F.scaled_dot_product_attention(
            query, key, value, None if bias is None else bias.to(query.dtype)
        )
        return self.out_proj(out.transpose(1, 2).flatten(2))

    def _gate(self, query: Tensor) -> Tensor:
        """(N, H, L, d) -> (N, H, L, 1), one factor a query and head."""
        # The release draws four numbers for each map and sums them.
        maps = self.grep_linear(query).unflatten(-1, (2, 4)).sum(-1)
        update, reset = maps.sigmoid().chunk(2, dim=-1)
        return update * (reset * self.grep_a - 1.0) + 2.0
