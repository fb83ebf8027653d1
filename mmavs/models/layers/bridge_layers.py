"""The two towers of AVSAC's bidirectional decoder, one layer of each.

"Bootstrapping Audio-Visual Segmentation by Strengthening Audio Cues",
https://arxiv.org/abs/2402.02327, Section 3.2. Letters: Q audio tokens, S
pixels of all scales, D width.
"""

from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from .deformable_attention import MultiScaleDeformableAttention
from .pyramid_encoder import feed_forward
from .query_decoder import mean_attention

DIRECTIONS = ('both', 'a2v', 'v2a', 'none')


class AudioGuidedLayer(nn.Module):
    """A layer of the tower of vision: F_v = self-attention, then Eq. 2.

    ``F_AGV = F_v + w softmax(Q_v K_a^T / sqrt(d)) V_a`` with deformable
    self-attention before it, a learnable scalar w that starts at 1, and a
    LayerNorm after each sum (post-norm, as in the encoder below it).

    Args:
        embed_dims (int): D.
        num_heads (int): Attention heads.
        num_levels (int): Scales.
        num_points (int): Points a head of the self-attention reads.
        audio_guidance (bool): Build the cross-attention (the paper's AGCA);
            without it the tower is deaf (Table 3, row 3).
        ffn_channels (int, optional): Hidden width of a feed-forward part
            after the attention; None builds none.
        dropout (float): Dropout rate in training.
    """

    def __init__(
        self,
        embed_dims: int = 256,
        num_heads: int = 8,
        num_levels: int = 3,
        num_points: int = 4,
        audio_guidance: bool = True,
        ffn_channels: Optional[int] = None,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.self_attn = MultiScaleDeformableAttention(
            embed_dims, num_heads, num_levels, num_points
        )
        self.norm1 = nn.LayerNorm(embed_dims)
        self.cross_attn = None
        if audio_guidance:
            self.cross_attn = nn.MultiheadAttention(
                embed_dims, num_heads, dropout, batch_first=True
            )
            self.audio_weight = nn.Parameter(torch.ones(()))
            self.norm2 = nn.LayerNorm(embed_dims)
        self.ffn = _optional_ffn(embed_dims, ffn_channels, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        visual: Tensor,
        audio: Tensor,
        pos: Tensor,
        reference: Tensor,
        shapes: Sequence[Tuple[int, int]],
    ) -> Tensor:
        """Look around, then listen.

        Args:
            visual (Tensor): (N, S, D).
            audio (Tensor): (N, Q, D), what enters this layer's other tower.
            pos (Tensor): (1, S, D) positions.
            reference (Tensor): (1, S, num_levels, 2) pixel centres.
            shapes (list[tuple]): num_levels pairs (h_l, w_l).

        Returns:
            Tensor: (N, S, D).
        """
        visual = self.look(visual, pos, reference, shapes)
        if self.cross_attn is not None:
            visual = self.norm2(
                visual + self.dropout(self.hear(visual, audio))
            )
        return visual if self.ffn is None else self.ffn(visual)

    def look(self, visual: Tensor, pos, reference, shapes) -> Tensor:
        """Deformable self-attention, (N, S, D) -> (N, S, D)."""
        attended = self.self_attn(visual, visual, reference, shapes, pos)
        return self.norm1(visual + self.dropout(attended))

    def hear(self, visual: Tensor, audio: Tensor) -> Tensor:
        """What each pixel takes from sound, w included, (N, S, D)."""
        heard = self.cross_attn(visual, audio, audio, need_weights=False)[0]
        return self.audio_weight * heard


class VisionGuidedLayer(nn.Module):
    """A layer of the tower of sound, Eq. 3: cross-attention alone.

    ``F_VGA = softmax(Q_a K_v^T / sqrt(d)) V_v``, followed by a LayerNorm.

    Args:
        embed_dims (int): D.
        num_heads (int): Attention heads.
        residual (bool): Add the layer's input, which Eq. 3 does not.
        self_attention (bool): Attend among audio tokens first, which the
            paper reports to harm (Section 3.2.2).
        ffn_channels (int, optional): Hidden width of a feed-forward part;
            None builds none.
        dropout (float): Dropout rate in training.
    """

    def __init__(
        self,
        embed_dims: int = 256,
        num_heads: int = 8,
        residual: bool = False,
        self_attention: bool = False,
        ffn_channels: Optional[int] = None,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.residual = residual
        self.self_attn = None
        if self_attention:
            self.self_attn = nn.MultiheadAttention(
                embed_dims, num_heads, dropout, batch_first=True
            )
            self.norm1 = nn.LayerNorm(embed_dims)
        self.cross_attn = nn.MultiheadAttention(
            embed_dims, num_heads, dropout, batch_first=True
        )
        self.norm2 = nn.LayerNorm(embed_dims)
        self.ffn = _optional_ffn(embed_dims, ffn_channels, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Tokens of sound (N, Q, D) and pixels (N, S, D) -> (N, Q, D)."""
        audio = self.listen(audio)
        seen = self.cross_attn(audio, visual, visual, need_weights=False)[0]
        seen = self.dropout(seen)
        audio = self.norm2(audio + seen if self.residual else seen)
        return audio if self.ffn is None else self.ffn(audio)

    def listen(self, audio: Tensor) -> Tensor:
        """Optional self-attention, (N, Q, D) -> (N, Q, D)."""
        if self.self_attn is None:
            return audio
        heard = self.self_attn(audio, audio, audio, need_weights=False)[0]
        return self.norm1(audio + self.dropout(heard))

    def attention(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Attention to each pixel (N, S), mean over heads and tokens."""
        return mean_attention(self.cross_attn, self.listen(audio), visual)


class BridgeLayer(nn.Module):
    """One layer of both towers and the bridges between them.

    Args:
        embed_dims (int): D.
        num_heads (int): Attention heads.
        num_levels (int): Scales.
        num_points (int): Points a head of deformable attention reads.
        direction (str): 'both'; 'a2v', the tower of vision alone; 'v2a', the
            tower of sound alone; 'none'.
        audio_guidance (bool): See :class:`AudioGuidedLayer`.
        vga_residual (bool): See :class:`VisionGuidedLayer`.
        vga_self_attention (bool): See :class:`VisionGuidedLayer`.
        ffn_channels (int, optional): Feed-forward part of both towers.
        dropout (float): Dropout rate in training.

    Raises:
        ValueError: See :func:`check_direction`.
    """

    def __init__(
        self,
        embed_dims: int = 256,
        num_heads: int = 8,
        num_levels: int = 3,
        num_points: int = 4,
        direction: str = 'both',
        audio_guidance: bool = True,
        vga_residual: bool = False,
        vga_self_attention: bool = False,
        ffn_channels: Optional[int] = None,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        check_direction(direction, audio_guidance)
        self.agv = self.vga = None
        if direction in ('both', 'a2v'):
            self.agv = AudioGuidedLayer(
                embed_dims,
                num_heads,
                num_levels,
                num_points,
                audio_guidance,
                ffn_channels,
                dropout,
            )
        if direction in ('both', 'v2a'):
            self.vga = VisionGuidedLayer(
                embed_dims,
                num_heads,
                vga_residual,
                vga_self_attention,
                ffn_channels,
                dropout,
            )

    def forward(
        self, visual: Tensor, audio: Tensor, pos, reference, shapes
    ) -> Tuple[Tensor, Tensor]:
        """Pixels (N, S, D) and tokens of sound (N, Q, D) -> the same.

        Args:
            visual (Tensor): (N, S, D).
            audio (Tensor): (N, Q, D).
            pos, reference, shapes: See :class:`AudioGuidedLayer`.

        Returns:
            tuple[Tensor, Tensor]: (N, S, D) and (N, Q, D).
        """
        if self.agv is not None:
            visual = self.agv(visual, audio, pos, reference, shapes)
        if self.vga is not None:
            audio = self.vga(audio, visual)
        return visual, audio

    def attention(
        self, visual: Tensor, audio: Tensor, pos, reference, shapes
    ) -> Tensor:
        """How much each pixel has to do with sound, (N, S).

        With a tower of sound, the attention its tokens pay to a pixel; with
        the tower of vision alone, the length of what a pixel takes from
        sound. One of the two must be built.
        """
        if self.vga is not None:
            if self.agv is not None:
                visual = self.agv(visual, audio, pos, reference, shapes)
            return self.vga.attention(audio, visual)
        visual = self.agv.look(visual, pos, reference, shapes)
        return self.agv.hear(visual, audio).norm(dim=-1)


def check_direction(direction: str, audio_guidance: bool) -> None:
    """Check which bridges are asked for.

    Raises:
        ValueError: An unknown direction; ``audio_guidance=False`` with one
            tower.
    """
    if direction not in DIRECTIONS:
        raise ValueError(
            f'direction must be one of {DIRECTIONS}, got {direction!r}'
        )
    if not audio_guidance and direction != 'both':
        raise ValueError(
            'audio_guidance=False is an ablation of the two towers, but '
            f"direction={direction!r}. Mend: direction='both'"
        )


class _ResidualFFN(nn.Module):
    """``norm(x + ffn(x))``."""

    def __init__(
        self, embed_dims: int, ffn_channels: int, dropout: float
    ) -> None:
        super().__init__()
        self.layers = feed_forward(embed_dims, ffn_channels, dropout)
        self.norm = nn.LayerNorm(embed_dims)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, L, D) -> (N, L, D)."""
        return self.norm(x + self.dropout(self.layers(x)))


def _optional_ffn(
    embed_dims: int, ffn_channels: Optional[int], dropout: float
) -> Optional[nn.Module]:
    if not ffn_channels:
        return None
    return _ResidualFFN(embed_dims, ffn_channels, dropout)
