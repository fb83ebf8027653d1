"""AVSAC's two towers: vision that hears beside sound that sees.

"Bootstrapping Audio-Visual Segmentation by Strengthening Audio Cues",
https://arxiv.org/abs/2402.02327, Section 3.2. Letters: N frames, Q audio
tokens, S pixels of all scales, D width.
"""

from typing import Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.models.layers.attention import BatchFirstAttention
from mmavs.models.layers.avsegformer import (
    MaskFeature,
    build_front,
    init_transformer,
    mean_attention,
)
from mmavs.models.layers.checkpointing import run_checkpointed
from mmavs.models.layers.deformable_attention import (
    MultiScaleDeformableAttention,
)
from mmavs.models.layers.positions import split_levels
from mmavs.models.layers.pyramid_encoder import (
    PyramidTokens,
    feed_forward,
    levels_to_heat,
)
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures

DIRECTIONS = ('both', 'a2v', 'v2a', 'none')


@MODELS.register_module()
class AVBridge(BaseModule):
    """Two decoder towers that feed each other at every layer (BAVD).

    The paper has no public code. AVSegFormer's deformable encoder and query
    generator stay (Section 4.3: encoder and decoder have 6 layers each;
    Section 3.1: F_a integrates the learnable and the audio query), its
    decoder becomes, layer by layer (:class:`BridgeLayer`), ::

        F_v     = norm(F_AGV + deformable_self_attention(F_AGV))
        F_AGV'  = norm(F_v + w * attention(F_v, F_VGA, F_VGA))     Eq. 2
        F_VGA'  = norm(F_VGA + attention(F_VGA, F_AGV', F_AGV'))   Eq. 3

    so the audio-guided tower (AGV) reads the *input* of the vision-guided
    layer (VGA), which reads the AGV layer's *output*. Eq. 3 is printed without
    its residual; six such layers leave Q equal tokens
    (``decoder.vga_residual``). Features out:

    * ``visual``: F_AGV at stride 4 (from the finest map and the tokens of
      stride 8, as AVSegFormer's mask feature), then at strides 8, 16, 32;
    * ``audio``: F_VGA, (N, Q, D);
    * ``aligned_audio``: F_a, the mean of the queries that enter, for each
      map (what :class:`AVFSLoss` compares F_AGV with).

    :class:`BAVDHead` makes masks of them; any other head may follow. One that
    does not use ``audio`` leaves the last VGA layer without gradients:
    ``direction='a2v'``, or ``find_unused_parameters=True`` with several
    ranks.

    Args:
        in_channels (Sequence[int]): Channels of each map, finest first.
        audio_channels (int): Width of the audio encoder.
        embed_dims (int): D. Paper: 256 (Table 6).
        num_heads (int): Attention heads, of all parts.
        dropout (float): Dropout rate in training, of encoder and towers.
        with_cp (bool): Compute each layer again in the backward pass instead
            of keeping its intermediate results.
        encoder (dict, optional): ``num_layers`` (6), ``num_points`` (4) and
            ``ffn_channels`` (2048) of the :class:`PyramidEncoder`.
        queries (dict, optional): ``num_queries`` (300, Table 6),
            ``generator`` ('attention', AVSegFormer's, or 'repeat', the sound
            itself Q times), ``learnable`` (True), ``num_layers`` (6) and
            ``ffn_channels`` (1024) of the :class:`AudioQueries`.
        decoder (dict, optional): ``num_layers`` (6, Table 5) and the other
            options of :class:`BridgeLayer`.
        mixer (bool): AVSegFormer's channel gate on the map of stride 4.

    Raises:
        ValueError: An unknown ``direction``; ``audio_guidance=False``
            with other than both directions; widths that do not fit.
    """

    mixes_frames = False

    def __init__(
        self,
        in_channels: Sequence[int],
        *,
        audio_channels: int = 128,
        embed_dims: int = 256,
        num_heads: int = 8,
        dropout: float = 0.1,
        with_cp: bool = False,
        encoder: Optional[dict] = None,
        queries: Optional[dict] = None,
        decoder: Optional[dict] = None,
        mixer: bool = True,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        decoder = dict(decoder or {})
        num_layers = decoder.pop('num_layers', 6)
        self.direction = decoder.get('direction', 'both')
        self.with_cp = with_cp
        self.audio_proj, self.encoder, self.queries = build_front(
            in_channels,
            audio_channels,
            embed_dims=embed_dims,
            num_heads=num_heads,
            dropout=dropout,
            with_cp=with_cp,
            encoder=encoder,
            queries=queries,
        )
        self.layers = nn.ModuleList(
            BridgeLayer(
                embed_dims,
                num_heads=num_heads,
                num_levels=len(in_channels) - 1,
                dropout=dropout,
                **decoder,
            )
            for _ in range(num_layers)
        )
        self.mask_feature = MaskFeature(embed_dims, mixer, num_heads)

    def init_weights(self) -> None:
        """Start as AVSegFormer: Xavier, and deformable attention's own."""
        init_transformer(self)
        super().init_weights()

    def forward(self, features: AVFeatures) -> AVFeatures:
        """Let sound and vision inform each other, frame by frame.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i), each twice
                as large as the next; audio (N, A) or (N, L, A).

        Returns:
            AVFeatures: visual (N, D, H_i, W_i), audio (N, Q, D),
            aligned_audio (N, D) per map.

        Raises:
            ValueError: Maps or sound do not fit.
        """
        sound, queries, pyramid = self._encode(features)
        visual, audio = pyramid.tokens, queries  # (N, S, D) and (N, Q, D)
        for layer in self.layers:
            visual, audio = run_checkpointed(
                self.with_cp, layer, visual, audio, *pyramid[2:]
            )
        # strides 8, 16, 32, then 4: (N, D, H_i, W_i)
        coarse = split_levels(visual.transpose(1, 2), pyramid.shapes)
        fine = self.mask_feature(pyramid.fine, coarse[0], sound)
        aligned = queries.mean(dim=1)  # (N, D)
        return features._replace(
            visual=(fine, *coarse),
            audio=audio,
            aligned_audio=(aligned,) * (1 + len(coarse)),
        )

    def _encode(
        self, features: AVFeatures
    ) -> Tuple[Tensor, Tensor, PyramidTokens]:
        """Sound (N, L, D), queries F_a (N, Q, D) and encoded pixels."""
        sound = self.audio_proj(features)
        return sound, self.queries(sound), self.encoder(features.visual)

    @torch.no_grad()
    def attention_maps(self, features: AVFeatures) -> Tuple[Tensor, ...]:
        """Show each layer's bridge, for pictures as the paper's Figure 5.

        Returns:
            tuple[Tensor, ...]: One (N, H_1, W_1) per layer, at stride 8, the
            mean over scales of: with a VGA tower, the attention that the
            audio tokens pay to each pixel (mean of tokens and heads); with
            the AGV tower alone, the length of what each pixel takes from
            sound. Empty without bridges; :class:`BAVDHead` has a map then.
        """
        if self.direction == 'none':
            return ()
        _, audio, pyramid = self._encode(features)
        visual, maps = pyramid.tokens, []
        for layer in self.layers:
            heat = layer.attention(visual, audio, *pyramid[2:])
            maps.append(levels_to_heat(heat, pyramid.shapes))
            visual, audio = layer(visual, audio, *pyramid[2:])
        return tuple(maps)


class BridgeLayer(nn.Module):
    """One layer of both towers and the bridges between them.

    Args:
        embed_dims (int): D.
        num_heads (int): Attention heads.
        num_levels (int): Scales.
        num_points (int): Points a head of deformable attention reads.
        direction (str): Which bridges are built. 'both'; 'a2v', sound to
            vision: the AGV tower alone, F_VGA stays F_a (Table 3, row 1);
            'v2a', vision to sound: the VGA tower alone, reading the encoder's
            pixels (Table 3, row 2); 'none', neither.
        audio_guidance (bool): Cross-attention in the AGV tower (AGCA).
            False, with both towers: the AGV tower attends to itself only and
            still feeds the VGA tower (Table 3, row 3).
        vga_residual (bool): Residual around Eq. 3. False is the equation to
            the letter: each layer then averages its tokens over nearly the
            same pixels, and at the start six of them leave a spread of
            |F - mean| / |F| below 1e-6 among 300 tokens (0.1 to 0.2 with
            residual).
        audio_weight (float): What w of Eq. 2 starts from. From 0 the tower of
            vision hears nothing at first, and w is what learns first.
        vga_self_attention (bool): Self-attention in the VGA tower, which the
            paper dropped (Section 3.2.2).
        ffn_channels (int, optional): Feed-forward part of this width in both
            towers; the paper names none.
        dropout (float): Dropout rate in training.

    Raises:
        ValueError: An unknown direction; ``audio_guidance=False`` with one
            tower.
    """

    def __init__(
        self,
        embed_dims: int = 256,
        *,
        num_heads: int = 8,
        num_levels: int = 3,
        num_points: int = 4,
        direction: str = 'both',
        audio_guidance: bool = True,
        vga_residual: bool = True,
        audio_weight: float = 0.0,
        vga_self_attention: bool = False,
        ffn_channels: Optional[int] = None,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        _check_direction(direction, audio_guidance)
        shared = dict(
            num_heads=num_heads, ffn_channels=ffn_channels, dropout=dropout
        )
        self.agv = self.vga = None
        if direction in ('both', 'a2v'):
            self.agv = AudioGuidedLayer(
                embed_dims,
                num_levels=num_levels,
                num_points=num_points,
                audio_guidance=audio_guidance,
                audio_weight=audio_weight,
                **shared,
            )
        if direction in ('both', 'v2a'):
            self.vga = VisionGuidedLayer(
                embed_dims,
                residual=vga_residual,
                self_attention=vga_self_attention,
                **shared,
            )

    def forward(
        self, visual: Tensor, audio: Tensor, pos, reference, shapes
    ) -> Tuple[Tensor, Tensor]:
        """Let both towers take a step.

        Args:
            visual (Tensor): (N, S, D) pixels.
            audio (Tensor): (N, Q, D) tokens of sound.
            pos, reference, shapes: See :class:`PyramidTokens`.

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


class AudioGuidedLayer(nn.Module):
    """A layer of the tower of vision: F_v = self-attention, then Eq. 2.

    ``F_AGV = F_v + w softmax(Q_v K_a^T / sqrt(d)) V_a`` with deformable
    self-attention before it, a learnable scalar w, and a LayerNorm after each
    sum (post-norm, as in the encoder below it).
    """

    def __init__(
        self,
        embed_dims: int,
        *,
        num_heads: int,
        num_levels: int,
        num_points: int,
        audio_guidance: bool,
        audio_weight: float,
        ffn_channels: Optional[int],
        dropout: float,
    ) -> None:
        super().__init__()
        self.self_attn = MultiScaleDeformableAttention(
            embed_dims, num_heads, num_levels, num_points
        )
        self.norm1 = nn.LayerNorm(embed_dims)
        self.cross_attn = None
        if audio_guidance:
            self.cross_attn = BatchFirstAttention(
                embed_dims, num_heads, dropout
            )
            self.audio_weight = nn.Parameter(torch.tensor(float(audio_weight)))
            self.norm2 = nn.LayerNorm(embed_dims)
        self.ffn = _optional_ffn(embed_dims, ffn_channels, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, visual: Tensor, audio: Tensor, pos, reference, shapes
    ) -> Tensor:
        """Look around, then listen: (N, S, D), (N, Q, D) -> (N, S, D)."""
        visual = self.look(visual, pos, reference, shapes)
        if self.cross_attn is not None:
            heard = self.hear(visual, audio)
            visual = self.norm2(visual + self.dropout(heard))
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

    ``F_VGA = Q_a + softmax(Q_a K_v^T / sqrt(d)) V_v``, then a LayerNorm;
    without ``residual``, Eq. 3 as it is printed, Q_a is not added.
    """

    def __init__(
        self,
        embed_dims: int,
        *,
        num_heads: int,
        residual: bool,
        self_attention: bool,
        ffn_channels: Optional[int],
        dropout: float,
    ) -> None:
        super().__init__()
        self.residual = residual
        self.self_attn = None
        if self_attention:
            self.self_attn = BatchFirstAttention(
                embed_dims, num_heads, dropout
            )
            self.norm1 = nn.LayerNorm(embed_dims)
        self.cross_attn = BatchFirstAttention(embed_dims, num_heads, dropout)
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


def _check_direction(direction: str, audio_guidance: bool) -> None:
    if direction not in DIRECTIONS:
        raise ValueError(
            f'direction must be one of {DIRECTIONS}, got {direction!r}'
        )
    if not audio_guidance and direction != 'both':
        raise ValueError(
            'audio_guidance=False is an ablation of the two towers, but '
            f"direction={direction!r}. Fix: direction='both'"
        )
