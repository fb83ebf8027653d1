"""Layers of query-based heads, with mmdet's parameter names."""

from typing import Optional

from mmcv.cnn.bricks.transformer import FFN
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head attention with positions, residual and dropout.

    Positions are added to queries and keys, never to values.

    Args:
        embed_dims (int): D.
        num_heads (int): Must divide ``embed_dims``.
        dropout (float): On the attention and on its output.
    """

    def __init__(self, embed_dims: int, num_heads: int, dropout: float):
        super().__init__()
        self.attn = nn.MultiheadAttention(
            embed_dims, num_heads, dropout, batch_first=True
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        query_pos: Optional[Tensor] = None,
        memory_pos: Optional[Tensor] = None,
        attn_mask: Optional[Tensor] = None,
        hidden: Optional[Tensor] = None,
    ) -> Tensor:
        """Attend, and add to the query.

        Args:
            query (Tensor): (N, Q, D).
            memory (Tensor): (N, L, D).
            query_pos (Tensor, optional): (N or 1, Q, D).
            memory_pos (Tensor, optional): (N or 1, L, D).
            attn_mask (Tensor, optional): (N * num_heads, Q, L) bool, True
                where a query may not look.
            hidden (Tensor, optional): (N, L) bool, True where none may.

        Returns:
            Tensor: (N, Q, D).
        """
        attended, _ = self.attn(
            _add(query, query_pos),
            _add(memory, memory_pos),
            memory,
            key_padding_mask=hidden,
            attn_mask=attn_mask,
            need_weights=False,
        )
        return query + self.dropout(attended)


def _add(tensor: Tensor, position: Optional[Tensor]) -> Tensor:
    return tensor if position is None else tensor + position


class EncoderLayer(nn.Module):
    """Post-norm layer: self-attention, feed-forward.

    Args:
        embed_dims (int): D.
        num_heads (int): Attention heads.
        feedforward_channels (int): Hidden width of the feed-forward part.
        dropout (float): After attention and inside the feed-forward part.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.self_attn = Attention(embed_dims, num_heads, dropout)
        self.ffn = FFN(embed_dims, feedforward_channels, ffn_drop=dropout)
        self.norms = _norms(2, embed_dims)

    def forward(
        self,
        tokens: Tensor,
        position: Tensor,
        hidden: Optional[Tensor] = None,
    ) -> Tensor:
        """Mix tokens.

        Args:
            tokens (Tensor): (N, L, D).
            position (Tensor): (1, L, D).
            hidden (Tensor, optional): (N, L) bool, True for tokens that none
                may attend to.

        Returns:
            Tensor: (N, L, D).
        """
        tokens = self.self_attn(
            tokens, tokens, position, position, hidden=hidden
        )
        tokens = self.norms[0](tokens)
        return self.norms[1](self.ffn(tokens))


class Encoder(nn.Module):
    """A stack of encoder layers, over one map.

    Args:
        num_layers (int): Layers.
        embed_dims (int): D.
        num_heads (int): Attention heads.
        feedforward_channels (int): Hidden width of the feed-forward part.
        dropout (float): In every layer.
    """

    def __init__(
        self,
        num_layers: int,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            EncoderLayer(embed_dims, num_heads, feedforward_channels, dropout)
            for _ in range(num_layers)
        )

    def forward(self, tokens: Tensor, position: Tensor) -> Tensor:
        """Mix tokens, layer after layer.

        Args:
            tokens (Tensor): (N, L, D).
            position (Tensor): (1, L, D).

        Returns:
            Tensor: (N, L, D).
        """
        for layer in self.layers:
            tokens = layer(tokens, position)
        return tokens


class DecoderLayer(nn.Module):
    """Post-norm layer: two attentions, feed-forward.

    Args:
        embed_dims (int): D.
        num_heads (int): Attention heads.
        feedforward_channels (int): Hidden width of the feed-forward part.
        dropout (float): In every part.
        cross_first (bool): Cross-attention before self-attention, as in
            Mask2Former (section 3.2); DETR and MaskFormer begin with
            self-attention. The norms are numbered in order of use.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        dropout: float,
        cross_first: bool,
    ) -> None:
        super().__init__()
        self.cross_first = cross_first
        self.self_attn = Attention(embed_dims, num_heads, dropout)
        self.cross_attn = Attention(embed_dims, num_heads, dropout)
        self.ffn = FFN(embed_dims, feedforward_channels, ffn_drop=dropout)
        self.norms = _norms(3, embed_dims)

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        query_pos: Tensor,
        memory_pos: Tensor,
        attn_mask: Optional[Tensor] = None,
        hidden: Optional[Tensor] = None,
    ) -> Tensor:
        """Let queries look at each other and at the picture.

        Args:
            query (Tensor): (N, Q, D).
            memory (Tensor): (N, L, D).
            query_pos (Tensor): (1, Q, D).
            memory_pos (Tensor): (1, L, D).
            attn_mask (Tensor, optional): (N * num_heads, Q, L) bool, True
                where a query may not look at the picture.
            hidden (Tensor, optional): (N, L) bool, True where none may.

        Returns:
            Tensor: (N, Q, D).
        """

        def look(query: Tensor) -> Tensor:
            return self.cross_attn(
                query, memory, query_pos, memory_pos, attn_mask, hidden
            )

        def confer(query: Tensor) -> Tensor:
            return self.self_attn(query, query, query_pos, query_pos)

        order = (look, confer) if self.cross_first else (confer, look)
        for norm, attend in zip(self.norms, order):
            query = norm(attend(query))
        return self.norms[2](self.ffn(query))


def _norms(count: int, embed_dims: int) -> nn.ModuleList:
    return nn.ModuleList(nn.LayerNorm(embed_dims) for _ in range(count))
