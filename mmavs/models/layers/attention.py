"""Attention over tokens as they lie."""

from typing import Any, Optional, Tuple

import torch.nn.functional as F
from torch import Tensor, nn


class BatchFirstAttention(nn.MultiheadAttention):
    """Attention that does not turn its tokens round to project them.

    PyTorch's form transposes tokens that are batch first, whose projection
    is then one small product per token: in bfloat16 on a CPU it takes
    fifty times as long as one large product. Weights, and what comes out,
    are the same; masks and attention maps go PyTorch's way.

    Args:
        embed_dim (int): D.
        num_heads (int): M.
        dropout (float): On the attention.
        bias (bool): Of the projections.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__(
            embed_dim, num_heads, dropout, bias=bias, batch_first=True
        )

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        need_weights: bool = True,
        **masks: Any,
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """(N, Q, D), (N, S, D) twice -> (N, Q, D), and maps if needed."""
        if need_weights or any(mask is not None for mask in masks.values()):
            return super().forward(
                query, key, value, need_weights=need_weights, **masks
            )
        weights = self.in_proj_weight.chunk(3)
        biases = [None] * 3
        if self.in_proj_bias is not None:
            biases = self.in_proj_bias.chunk(3)
        # (N, M, Q or S, D / M)
        query, key, value = (
            F.linear(x, weight, bias)
            .unflatten(-1, (self.num_heads, -1))
            .transpose(1, 2)
            for x, weight, bias in zip((query, key, value), weights, biases)
        )
        attended = F.scaled_dot_product_attention(
            query, key, value, dropout_p=self.dropout * self.training
        )
        return self.out_proj(attended.transpose(1, 2).flatten(2)), None
