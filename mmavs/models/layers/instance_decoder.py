"""Queries that look at maps: the decoder of MaskFormer and of Mask2Former.

Parameter names are those of mmdet.
"""

from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks.transformer import FFN
from torch import Tensor, nn

from .attention import BatchFirstAttention
from .positions import map_positions


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
        self.attn = BatchFirstAttention(embed_dims, num_heads, dropout)
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
        ffn_channels (int): Hidden width of the feed-forward part.
        dropout (float): After attention and inside the feed-forward part.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        ffn_channels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.self_attn = Attention(embed_dims, num_heads, dropout)
        self.ffn = FFN(embed_dims, ffn_channels, ffn_drop=dropout)
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
        ffn_channels (int): Hidden width of the feed-forward part.
        dropout (float): In every layer.
    """

    def __init__(
        self,
        num_layers: int,
        embed_dims: int,
        num_heads: int,
        ffn_channels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            EncoderLayer(embed_dims, num_heads, ffn_channels, dropout)
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
        ffn_channels (int): Hidden width of the feed-forward part.
        dropout (float): In every part.
        cross_first (bool): Cross-attention before self-attention, as in
            Mask2Former (section 3.2); DETR and MaskFormer begin with
            self-attention. The norms are numbered in order of use.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        ffn_channels: int,
        dropout: float,
        cross_first: bool,
    ) -> None:
        super().__init__()
        self.cross_first = cross_first
        self.self_attn = Attention(embed_dims, num_heads, dropout)
        self.cross_attn = Attention(embed_dims, num_heads, dropout)
        self.ffn = FFN(embed_dims, ffn_channels, ffn_drop=dropout)
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


class Memory(NamedTuple):
    """One map that queries look at, its L = h * w pixels as tokens.

    Attributes:
        tokens (Tensor): (N, L, D).
        position (Tensor): (1, L, D).
        size (tuple[int, int]): h, w.
        hidden (Tensor, optional): (N, L) bool, True for tokens that no query
            may look at.
    """

    tokens: Tensor
    position: Tensor
    size: Tuple[int, int]
    hidden: Optional[Tensor] = None


def as_memory(level: Tensor, level_embed: Optional[Tensor]) -> Memory:
    """Make a map something queries can look at.

    Args:
        level (Tensor): (N, D, h, w).
        level_embed (Tensor, optional): (D,), added to every token, so that
            queries can tell scales apart.

    Returns:
        Memory: With sine positions.
    """
    tokens = level.flatten(2).transpose(1, 2)
    if level_embed is not None:
        tokens = tokens + level_embed
    return Memory(tokens, map_positions(level), tuple(level.shape[-2:]))


class Prediction(NamedTuple):
    """What the queries of N frames say after one decoder layer.

    Attributes:
        class_logits (Tensor): (N, Q, K + 1), raw; the last is "no object".
        mask_logits (Tensor): (N, Q, h, w), raw.
    """

    class_logits: Tensor
    mask_logits: Tensor


class InstanceDecoder(nn.Module):
    """Queries look at one map per layer, in turn, and predict.

    Args:
        embed_dims (int): D.
        num_layers (int): Layers.
        num_heads (int): Attention heads.
        ffn_channels (int): Hidden width of the feed-forward part.
        dropout (float): In every layer.
        masked_attention (bool): Mask2Former's decoder: cross-attention first,
            and a query looks only where its own last mask is. False is
            DETR's and MaskFormer's.
    """

    def __init__(
        self,
        embed_dims: int,
        *,
        num_layers: int = 6,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
        masked_attention: bool = False,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.masked_attention = masked_attention
        self.layers = nn.ModuleList(
            DecoderLayer(
                embed_dims,
                num_heads,
                ffn_channels,
                dropout,
                cross_first=masked_attention,
            )
            for _ in range(num_layers)
        )
        self.post_norm = nn.LayerNorm(embed_dims)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(
        self,
        query: Tensor,
        query_pos: Tensor,
        memories: Sequence[Memory],
        predict: Callable[[Tensor], Prediction],
        every_layer: bool,
    ) -> List[Prediction]:
        """Decode.

        Args:
            query (Tensor): (N, Q, D), where queries start.
            query_pos (Tensor): (1, Q, D).
            memories (Sequence[Memory]): Maps, coarsest first; layer i looks
                at map i modulo their number.
            predict (callable): From normed queries (N, Q, D).
            every_layer (bool): Give the predictions of every layer, and
                those before the first with masked attention; else the last.

        Returns:
            list[Prediction]: The last is the final one.
        """
        predictions = []
        if self.masked_attention:
            predictions.append(predict(self.post_norm(query)))
        for index, layer in enumerate(self.layers):
            # scales by turns, coarse first
            memory = memories[index % len(memories)]
            attn_mask = None
            if self.masked_attention:
                attn_mask = self._outside(predictions[-1], memory.size)
            query = layer(
                query,
                memory.tokens,
                query_pos,
                memory.position,
                attn_mask,
                memory.hidden,
            )
            last = index == len(self.layers) - 1
            if last or every_layer or self.masked_attention:
                predictions.append(predict(self.post_norm(query)))
        return predictions if every_layer else predictions[-1:]

    @torch.no_grad()
    def _outside(
        self, prediction: Prediction, size: Tuple[int, int]
    ) -> Tensor:
        """Mark where a query may not look: outside its mask.

        A query with an empty mask may look everywhere (Mask2Former's code;
        the paper's Eq. 2 leaves it open).

        Returns:
            Tensor: (N * num_heads, Q, h * w) bool.
        """
        logits = prediction.mask_logits
        if logits.shape[-2:] != size:
            logits = F.interpolate(logits, size, mode='bilinear')
        outside = (logits < 0).flatten(2)  # (N, Q, h * w)
        outside = outside & ~outside.all(-1, keepdim=True)
        return outside.repeat_interleave(self.num_heads, dim=0)
