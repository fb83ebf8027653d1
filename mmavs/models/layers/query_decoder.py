"""Sound queries that gather what they see."""

from typing import List

from torch import Tensor, nn

from .checkpointing import run_checkpointed
from .pyramid_encoder import feed_forward


class QueryDecoder(nn.Module):
    """Post-norm transformer decoder with dense attention to all pixels.

    The decoder of "AVSegFormer", https://arxiv.org/abs/2307.01146, Section
    3.4. As released it adds no position to queries or pixels, and only its
    last output is used. Attention is PyTorch's fused one: the (Q, S) weights
    are never held, except in :meth:`attention`.

    Args:
        embed_dims (int): D.
        num_layers (int): Layers.
        num_heads (int): Attention heads.
        ffn_channels (int): Hidden width.
        dropout (float): Dropout rate in training.
        with_cp (bool): Compute each layer again in the backward pass.
    """

    def __init__(
        self,
        embed_dims: int = 256,
        num_layers: int = 6,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            _DecoderLayer(embed_dims, num_heads, ffn_channels, dropout)
            for _ in range(num_layers)
        )
        self.with_cp = with_cp

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Queries (N, Q, D) and pixels (N, S, D) -> (N, Q, D)."""
        for layer in self.layers:
            queries = run_checkpointed(self.with_cp, layer, queries, memory)
        return queries

    def attention(self, queries: Tensor, memory: Tensor) -> List[Tensor]:
        """Give each layer's attention to pixels, mean of heads and queries.

        Args:
            queries (Tensor): (N, Q, D).
            memory (Tensor): (N, S, D).

        Returns:
            list[Tensor]: One (N, S) a layer, each row summing to 1.
        """
        weights = []
        for layer in self.layers:
            queries = layer.attend_to_itself(queries)
            weights.append(mean_attention(layer.cross_attn, queries, memory))
            queries = layer.attend_to_pixels(queries, memory)
        return weights


class _DecoderLayer(nn.Module):
    """Self-attention, attention to pixels, feed-forward."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        ffn_channels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.self_attn, self.cross_attn = (
            nn.MultiheadAttention(
                embed_dims, num_heads, dropout, batch_first=True
            )
            for _ in range(2)
        )
        self.norm1 = nn.LayerNorm(embed_dims)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.norm3 = nn.LayerNorm(embed_dims)
        self.ffn = feed_forward(embed_dims, ffn_channels, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Queries (N, Q, D) and pixels (N, S, D) -> (N, Q, D)."""
        return self.attend_to_pixels(self.attend_to_itself(queries), memory)

    def attend_to_itself(self, queries: Tensor) -> Tensor:
        """(N, Q, D) -> (N, Q, D)."""
        attended = self.self_attn(
            queries, queries, queries, need_weights=False
        )[0]
        return self.norm1(queries + self.dropout(attended))

    def attend_to_pixels(self, queries: Tensor, memory: Tensor) -> Tensor:
        """The rest of the layer, (N, Q, D) and (N, S, D) -> (N, Q, D)."""
        attended = self.cross_attn(
            queries, memory, memory, need_weights=False
        )[0]
        queries = self.norm2(queries + self.dropout(attended))
        return self.norm3(queries + self.dropout(self.ffn(queries)))


def mean_attention(
    attention: nn.MultiheadAttention, queries: Tensor, memory: Tensor
) -> Tensor:
    """Attention weights (N, S), the mean over heads and queries."""
    weights = attention(queries, memory, memory, need_weights=True)[1]
    return weights.mean(dim=1)
