"""AVSAC's two towers: vision that hears beside sound that sees."""

from typing import Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.models.layers.audio_queries import AudioQueries
from mmavs.models.layers.audio_tokens import AudioProjection
from mmavs.models.layers.bridge_layers import BridgeLayer, check_direction
from mmavs.models.layers.checkpointing import run_checkpointed
from mmavs.models.layers.init import init_transformer
from mmavs.models.layers.mask_feature import MaskFeature
from mmavs.models.layers.pyramid_encoder import (
    PyramidEncoder,
    PyramidTokens,
    levels_to_heat,
    split_levels,
)
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures


@MODELS.register_module()
class AVBridge(BaseModule):
    """Two decoder towers that feed each other at every layer (BAVD).

    "Bootstrapping Audio-Visual Segmentation by Strengthening Audio Cues"
    (AVSAC), https://arxiv.org/abs/2402.02327, Section 3.2. The paper has no
    public code. AVSegFormer's deformable encoder and query generator stay
    (Section 4.3: encoder and decoder have 6 layers each; Section 3.1: F_a
    integrates the learnable and the audio query), its decoder becomes, layer
    by layer, ::

        F_v     = norm(F_AGV + deformable_self_attention(F_AGV))
        F_AGV'  = norm(F_v + w * attention(F_v, F_VGA, F_VGA))     Eq. 2
        F_VGA'  = norm(attention(F_VGA, F_AGV', F_AGV'))           Eq. 3

    so the audio-guided tower (AGV) reads the *input* of the vision-guided
    layer (VGA), which reads the AGV layer's *output*. Features out:

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
        num_queries (int): Q. Paper: 300 (Table 6).
        num_layers (int): Layers of the towers. Paper: 6 (Table 5).
        num_heads (int): Attention heads.
        num_points (int): Points a head of deformable attention reads.
        encoder_layers (int): Layers of the deformable encoder below.
        encoder_ffn_channels (int): Hidden width of its feed-forward parts.
        query_generator (str): 'attention' (AVSegFormer's) or 'repeat' (the
            sound itself, Q times).
        learnable_queries (bool): Add learnable queries to the generated.
        query_layers (int): Layers of the generator.
        query_ffn_channels (int): Its hidden width.
        direction (str): Which bridges are built. 'both'; 'a2v', sound to
            vision: the AGV tower alone, F_VGA stays F_a (Table 3, row 1);
            'v2a', vision to sound: the VGA tower alone, reading the encoder's
            pixels (Table 3, row 2); 'none', neither.
        audio_guidance (bool): Cross-attention in the AGV tower (AGCA).
            False, with both towers: the AGV tower attends to itself only and
            still feeds the VGA tower (Table 3, row 3).
        vga_residual (bool): Residual around Eq. 3, which has none.
        vga_self_attention (bool): Self-attention in the VGA tower, which the
            paper dropped (Section 3.2.2).
        ffn_channels (int, optional): Feed-forward part of this width in
            every layer of both towers; the paper names none.
        mixer (bool): AVSegFormer's channel gate on the map of stride 4.
        dropout (float): Dropout rate in training.
        with_cp (bool): Compute each layer again in the backward pass instead
            of keeping its intermediate results.

    Raises:
        ValueError: An unknown ``direction``; ``audio_guidance=False``
            with other than both directions; widths that do not fit.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        audio_channels: int = 128,
        embed_dims: int = 256,
        num_queries: int = 300,
        num_layers: int = 6,
        num_heads: int = 8,
        num_points: int = 4,
        encoder_layers: int = 6,
        encoder_ffn_channels: int = 2048,
        query_generator: str = 'attention',
        learnable_queries: bool = True,
        query_layers: int = 6,
        query_ffn_channels: int = 1024,
        direction: str = 'both',
        audio_guidance: bool = True,
        vga_residual: bool = False,
        vga_self_attention: bool = False,
        ffn_channels: Optional[int] = None,
        mixer: bool = True,
        dropout: float = 0.1,
        with_cp: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        check_direction(direction, audio_guidance)
        self.direction = direction
        self.with_cp = with_cp
        self.audio_proj = AudioProjection(audio_channels, embed_dims)
        self.encoder = PyramidEncoder(
            in_channels,
            embed_dims,
            encoder_layers,
            num_heads,
            num_points,
            encoder_ffn_channels,
            dropout,
            with_cp,
        )
        self.queries = AudioQueries(
            num_queries,
            embed_dims,
            query_generator,
            learnable_queries,
            query_layers,
            num_heads,
            query_ffn_channels,
        )
        self.layers = nn.ModuleList(
            BridgeLayer(
                embed_dims,
                num_heads,
                len(in_channels) - 1,
                num_points,
                direction,
                audio_guidance,
                vga_residual,
                vga_self_attention,
                ffn_channels,
                dropout,
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
            aligned_audio (N, D) a map.

        Raises:
            ValueError: Maps or sound do not fit.
        """
        sound, queries, pyramid = self._encode(features)
        visual, audio = pyramid.tokens, queries
        for layer in self.layers:
            visual, audio = run_checkpointed(
                self.with_cp, layer, visual, audio, *pyramid[2:]
            )
        coarse = split_levels(visual.transpose(1, 2), pyramid.shapes)
        fine = self.mask_feature(pyramid.fine, coarse[0], sound)
        aligned = queries.mean(dim=1)
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

        Args:
            features (AVFeatures): What :meth:`forward` is given.

        Returns:
            tuple[Tensor, ...]: One (N, H_1, W_1) a layer, at stride 8, the
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
