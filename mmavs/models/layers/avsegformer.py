"""AVSegFormer's layers: from sound to queries, from queries to masks.

"AVSegFormer: Audio-Visual Segmentation with Transformer",
https://arxiv.org/abs/2307.01146, Sections 3.3 to 3.5. AVSAC
(https://arxiv.org/abs/2402.02327) takes all of them over but the decoder.
Letters: N frames, L tokens of sound, Q queries, S pixels of all scales, D
width.
"""

from typing import List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.models.precision import at_least_float32
from mmavs.structures import AVFeatures

from .attention import BatchFirstAttention
from .check_audio import check_audio
from .checkpointing import run_checkpointed
from .deformable_attention import MultiScaleDeformableAttention
from .pyramid_encoder import PyramidEncoder, feed_forward

GENERATORS = ('attention', 'repeat')


def build_front(
    in_channels: Sequence[int],
    audio_channels: int,
    *,
    embed_dims: int,
    num_heads: int,
    dropout: float,
    with_cp: bool,
    encoder: Optional[dict],
    queries: Optional[dict],
) -> Tuple['AudioProjection', PyramidEncoder, 'AudioQueries']:
    """Build what AVSegFormer's head and AVSAC's neck begin with.

    Args:
        encoder (dict, optional): Other options of :class:`PyramidEncoder`.
        queries (dict, optional): Other options of :class:`AudioQueries`.
    """
    return (
        AudioProjection(audio_channels, embed_dims),
        PyramidEncoder(
            in_channels,
            embed_dims=embed_dims,
            num_heads=num_heads,
            dropout=dropout,
            with_cp=with_cp,
            **(encoder or {}),
        ),
        AudioQueries(embed_dims, num_heads=num_heads, **(queries or {})),
    )


def init_transformer(module: nn.Module) -> None:
    """Start as AVSegFormer's released code starts its head.

    Xavier-uniform for every weight of two and more dimensions, embeddings
    included; then what has a start of its own.
    """
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)
    for part in module.modules():
        if isinstance(part, MultiScaleDeformableAttention):
            part.init_weights()
        elif isinstance(part, PyramidEncoder):
            nn.init.normal_(part.level_embed)


class AudioProjection(nn.Module):
    """Linear layer on the sound of each frame, which is checked first.

    Args:
        audio_channels (int): Width A of the audio encoder.
        embed_dims (int): D.
    """

    def __init__(self, audio_channels: int, embed_dims: int) -> None:
        super().__init__()
        self.linear = nn.Linear(audio_channels, embed_dims)

    def forward(self, features: AVFeatures) -> Tensor:
        """Project audio (N, A) or (N, L, A) to (N, L, D), L = 1 for (N, A).

        Raises:
            ValueError: No sound; another number of frames; another width.
        """
        audio = check_audio(features, self.linear.in_features)
        if audio.ndim == 2:
            audio = audio[:, None]
        return self.linear(audio)


class AudioQueries(nn.Module):
    """Make Q queries of a frame's sound, plus what is learnt for all frames.

    The query generator and the learnable queries of AVSegFormer, Section 3.3;
    their sum is what AVSAC (Section 3.1) calls F_a, "the integration of the
    learnable query and the audio query".

    Args:
        embed_dims (int): D.
        num_queries (int): Q.
        generator (str): 'attention', a small decoder whose queries attend to
            the sound, or 'repeat', the mean of the sound Q times.
        learnable (bool): Add queries that are learnt.
        num_layers (int): Layers of the 'attention' generator.
        num_heads (int): Its attention heads.
        ffn_channels (int): Its hidden width.

    Raises:
        ValueError: An unknown generator; with 'repeat' and without learnable
            queries all queries would be one.
    """

    def __init__(
        self,
        embed_dims: int = 256,
        *,
        num_queries: int = 300,
        generator: str = 'attention',
        learnable: bool = True,
        num_layers: int = 6,
        num_heads: int = 8,
        ffn_channels: int = 1024,
    ) -> None:
        super().__init__()
        if generator not in GENERATORS:
            raise ValueError(
                f'queries.generator must be one of {GENERATORS}, '
                f'got {generator!r}'
            )
        if generator == 'repeat' and not learnable:
            raise ValueError(
                "queries.generator='repeat' without learnable queries makes "
                f'all {num_queries} queries equal. Fix: '
                'queries.learnable=True'
            )
        self.num_queries = num_queries
        self.generator = None
        if generator == 'attention':
            self.generator = AttentionGenerator(
                num_queries, embed_dims, num_layers, num_heads, ffn_channels
            )
        self.learnable = None
        if learnable:
            self.learnable = nn.Embedding(num_queries, embed_dims)

    def forward(self, audio: Tensor) -> Tensor:
        """Tokens of each frame's sound (N, L, D) -> queries (N, Q, D)."""
        if self.generator is None:
            queries = audio.mean(1, keepdim=True)
            queries = queries.expand(-1, self.num_queries, -1)
        else:
            queries = self.generator(audio)
        if self.learnable is not None:
            queries = queries + self.learnable.weight
        return queries


class AttentionGenerator(nn.Module):
    """Queries that attend to each other and to the sound.

    With one token of sound (VGGish) the softmax over it is 1, so every query
    receives the same vector: the queries differ by what they start as.
    """

    def __init__(
        self,
        num_queries: int,
        embed_dims: int,
        num_layers: int,
        num_heads: int,
        ffn_channels: int,
    ) -> None:
        super().__init__()
        self.query = nn.Embedding(num_queries, embed_dims)
        self.layers = nn.ModuleList(
            QueryLayer(
                embed_dims, num_heads, ffn_channels, dropout=0.0, bias=False
            )
            for _ in range(num_layers)
        )

    def forward(self, audio: Tensor) -> Tensor:
        """(N, L, D) -> (N, Q, D)."""
        queries = self.query.weight.expand(audio.shape[0], -1, -1)
        for layer in self.layers:
            queries = layer(queries, audio)
        return queries


class QueryDecoder(nn.Module):
    """Post-norm transformer decoder with dense attention to all pixels.

    AVSegFormer, Section 3.4. As released it adds no position to queries or
    pixels, and only its last output is used. Attention is PyTorch's fused
    one: the (Q, S) weights are never held, except in :meth:`attention`.

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
        *,
        num_layers: int = 6,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            QueryLayer(embed_dims, num_heads, ffn_channels, dropout)
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

        Returns:
            list[Tensor]: One (N, S) per layer, each row summing to 1.
        """
        weights = []
        for layer in self.layers:
            queries = layer.confer(queries)
            weights.append(mean_attention(layer.cross_attn, queries, memory))
            queries = layer.look(queries, memory)
        return weights


class QueryLayer(nn.Module):
    """Self-attention, attention to a memory, feed-forward; all post-norm."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        ffn_channels: int,
        dropout: float,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.self_attn, self.cross_attn = (
            BatchFirstAttention(embed_dims, num_heads, dropout, bias=bias)
            for _ in range(2)
        )
        self.ffn = feed_forward(embed_dims, ffn_channels, dropout)
        self.norm1 = nn.LayerNorm(embed_dims)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.norm3 = nn.LayerNorm(embed_dims)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Queries (N, Q, D) and memory (N, L or S, D) -> (N, Q, D)."""
        return self.look(self.confer(queries), memory)

    def confer(self, queries: Tensor) -> Tensor:
        """Attend among queries, (N, Q, D) -> (N, Q, D)."""
        heard = self.self_attn(queries, queries, queries, need_weights=False)
        return self.norm1(queries + self.dropout(heard[0]))

    def look(self, queries: Tensor, memory: Tensor) -> Tensor:
        """The rest of the layer, (N, Q, D) and (N, S, D) -> (N, Q, D)."""
        seen = self.cross_attn(queries, memory, memory, need_weights=False)
        queries = self.norm2(queries + self.dropout(seen[0]))
        return self.norm3(queries + self.dropout(self.ffn(queries)))


def mean_attention(
    attention: nn.MultiheadAttention, queries: Tensor, memory: Tensor
) -> Tensor:
    """Attention weights (N, S), the mean over heads and queries."""
    weights = attention(queries, memory, memory, need_weights=True)[1]
    return weights.mean(dim=1)


class MaskFeature(nn.Module):
    """The map of stride 4 from which masks are made (Section 3.5).

    The finest map plus the upsampled next one, then gated by sound.

    Args:
        embed_dims (int): D.
        mixer (bool): Gate channels by sound.
        num_heads (int): Heads of the mixer.
    """

    def __init__(
        self, embed_dims: int = 256, mixer: bool = True, num_heads: int = 8
    ) -> None:
        super().__init__()
        self.lateral_conv = nn.Sequential(
            nn.Conv2d(embed_dims, embed_dims, 1),
            nn.GroupNorm(32, embed_dims),
        )
        self.out_conv = nn.Sequential(
            nn.Conv2d(embed_dims, embed_dims, 3, padding=1),
            nn.GroupNorm(32, embed_dims),
            nn.ReLU(inplace=True),
        )
        self.mixer = None
        if mixer:
            self.mixer = CrossModalMixer(embed_dims, num_heads)

    def forward(self, fine: Tensor, coarse: Tensor, audio: Tensor) -> Tensor:
        """Merge.

        Args:
            fine (Tensor): (N, D, H, W) projected map of stride 4.
            coarse (Tensor): (N, D, H / 2, W / 2) tokens of stride 8.
            audio (Tensor): (N, L, D) sound.

        Returns:
            Tensor: (N, D, H, W), not negative (it leaves a ReLU).
        """
        up = F.interpolate(coarse, fine.shape[-2:], mode='bilinear')
        merged = self.out_conv(self.lateral_conv(fine) + up)
        return merged if self.mixer is None else self.mixer(merged, audio)


class CrossModalMixer(nn.Module):
    """Scale each channel by what the sound attends to in the map.

    Section 3.5: the sound is the one query, all pixels are keys and values;
    the sigmoid of what it gathers multiplies the channels.

    With a single query, projecting all pixels to keys and values is waste:
    q . (W_k x_p) = (W_k^T q) . x_p and sum_p a_p W_v x_p = W_v sum_p a_p x_p,
    so the weights are moved to the sound's side, exactly.

    Args:
        embed_dims (int): D.
        num_heads (int): Attention heads M.

    Raises:
        ValueError: ``embed_dims`` is not a multiple of ``num_heads``.
    """

    def __init__(self, embed_dims: int = 256, num_heads: int = 8) -> None:
        super().__init__()
        if embed_dims % num_heads:
            raise ValueError(
                f'embed_dims={embed_dims} cannot be shared by '
                f'num_heads={num_heads}; it must be a multiple'
            )
        self.num_heads = num_heads
        self.q_proj = nn.Linear(embed_dims, embed_dims, bias=False)
        self.kv_proj = nn.Linear(embed_dims, embed_dims * 2, bias=False)
        self.proj = nn.Linear(embed_dims, embed_dims)

    def forward(self, x: Tensor, audio: Tensor) -> Tensor:
        """Gate.

        Args:
            x (Tensor): (N, D, H, W).
            audio (Tensor): (N, L, D); tokens are averaged first.

        Returns:
            Tensor: (N, D, H, W), each channel times a number in (0, 1).
        """
        heads = (self.num_heads, -1)
        # (M, d, D) each, d = D / M
        to_key, to_value = self.kv_proj.weight.unflatten(0, (2, *heads))
        query = self.q_proj(audio.mean(dim=1)).unflatten(-1, heads)
        query = query * query.shape[-1] ** -0.5  # (N, M, d)
        query = torch.einsum('nmd,mdc->nmc', query, to_key)  # (N, M, D)
        pixels = x.flatten(2)  # (N, D, H * W)
        # Sums over thousands of pixels: the softmax stays in float32.
        attention = at_least_float32(query @ pixels).softmax(-1)
        attention = attention.to(pixels.dtype)  # (N, M, H * W)
        gathered = attention @ pixels.transpose(1, 2)  # (N, M, D)
        pooled = torch.einsum('nmc,mdc->nmd', gathered, to_value)  # (N, M, d)
        gate = self.proj(pooled.flatten(1)).sigmoid()  # (N, D)
        return x * gate[..., None, None]


class MaskComposer(nn.Module):
    """``Linear(F + MLP(F . Q))``: one mask of all queries together.

    AVSegFormer, Section 3.5, and AVSAC, Eq. 1. The products of each pixel
    with the Q queries are Q channels; an MLP over channels brings them back
    to D, they are added to the map, and a few convolutions give the classes.
    A query is not an object: there is no matching and no score per query.

    The product and the MLP's first layer are both linear in the map, so they
    are one matrix per frame, (hidden, Q) @ (Q, D), and the Q-channel map is
    never made. Frames pass one at a time: a hidden map of 2048 channels takes
    134 MB for a frame of 512 x 512. In a compiled or exported graph, which a
    loop would tie to one number of frames, they pass together.

    Args:
        num_queries (int): Q.
        embed_dims (int): D.
        out_channels (int): K.
        mlp_channels (int): Hidden width.
        conv_channels (tuple[int, int]): Of the map at stride 4, and at the
            frame's own size.
        with_cp (bool): Compute the MLP again in the backward pass, so that
            its hidden maps are not kept.
    """

    def __init__(
        self,
        num_queries: int,
        embed_dims: int,
        out_channels: int,
        *,
        mlp_channels: int = 2048,
        conv_channels: Tuple[int, int] = (128, 32),
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        self.mlp = nn.ModuleList(
            [
                nn.Linear(num_queries, mlp_channels),
                nn.Linear(mlp_channels, mlp_channels),
                nn.Linear(mlp_channels, embed_dims),
            ]
        )
        coarse, fine = conv_channels
        self.conv1 = nn.Conv2d(embed_dims, coarse, 3, padding=1)
        self.conv2 = nn.Conv2d(coarse, fine, 3, padding=1)
        self.conv_seg = nn.Conv2d(fine, out_channels, 1, bias=False)
        self.with_cp = with_cp

    def forward(self, feature: Tensor, queries: Tensor) -> tuple:
        """Compose masks, frame by frame.

        Args:
            feature (Tensor): F, (N, D, H, W).
            queries (Tensor): (N, Q, D).

        Returns:
            tuple[Tensor, Tensor]: Logits (N, K, 4 H, 4 W), raw, and the map
            they are read from, ``F + MLP(F . Q)``, (N, D, H, W).
        """
        if torch.compiler.is_compiling():
            return self._compose(feature, queries)
        frames = [
            run_checkpointed(self.with_cp, self._compose, *frame)
            for frame in zip(feature.split(1), queries.split(1))
        ]
        logits, fused = zip(*frames)
        return torch.cat(logits), torch.cat(fused)

    def _compose(self, feature: Tensor, queries: Tensor) -> tuple:
        """(N, D, H, W) and (N, Q, D) -> (N, K, 4 H, 4 W), (N, D, H, W)."""
        first, second, last = self.mlp
        hidden = F.relu_(  # (N, hidden, H * W)
            torch.baddbmm(
                first.bias[:, None], first.weight @ queries, feature.flatten(2)
            )
        )
        hidden = F.relu_(_mix_channels(second, hidden))
        fused = feature + _mix_channels(last, hidden).view_as(feature)
        x = F.interpolate(  # (N, C, 4 H, 4 W)
            self.conv1(fused),
            scale_factor=4,
            mode='bilinear',
            align_corners=False,
        )
        logits = self.conv_seg(F.relu(self.conv2(x), inplace=True))
        return logits, fused


def _mix_channels(linear: nn.Linear, x: Tensor) -> Tensor:
    """Apply a linear layer to the channels of (N, C, P) -> (N, C', P)."""
    if not torch.compiler.is_compiling() and len(x) == 1:
        return torch.addmm(linear.bias[:, None], linear.weight, x[0])[None]
    return linear.weight @ x + linear.bias[:, None]
