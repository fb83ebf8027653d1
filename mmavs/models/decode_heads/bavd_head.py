"""AVSAC's masks: Eq. 1."""

from typing import Tuple

import torch
from torch import Tensor

from mmavs.models.layers.avsegformer import MaskComposer, init_transformer
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, AVHeadOutput

from .avs_decode_head import AVSDecodeHead


@MODELS.register_module()
class BAVDHead(AVSDecodeHead):
    """``M = Linear(F_AGV + MLP(F_AGV . F_VGA))``, AVSAC's Eq. 1.

    "Bootstrapping Audio-Visual Segmentation by Strengthening Audio Cues",
    https://arxiv.org/abs/2402.02327. The paper leaves the product open
    (5376 x 256 with 300 x 256); read as AVSegFormer's: F_AGV at stride 4
    times each of the Q audio tokens is a map of Q channels, which the MLP
    brings from Q to D; it is added to F_AGV, and AVSegFormer's last
    convolutions are the linear layer. :class:`AVBridge` gives both features;
    any neck that leaves maps of stride 4 and Q tokens of sound will do.

    Args:
        embed_dims (int): D, of ``visual[0]`` and of ``audio``.
        num_queries (int): Q, tokens of sound per frame.
        mlp_channels (int): Hidden width of the MLP.
        conv_channels (tuple[int, int]): Of the last convolutions' maps, at
            stride 4 and at the frame's own size.
        with_cp (bool): Compute the MLP again in the backward pass, so that
            its hidden maps are not kept.
        **kwargs: See :class:`AVSDecodeHead`.
    """

    mixes_frames = False

    def __init__(
        self,
        *,
        embed_dims: int = 256,
        num_queries: int = 300,
        mlp_channels: int = 2048,
        conv_channels: Tuple[int, int] = (128, 32),
        with_cp: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.embed_dims = embed_dims
        self.num_queries = num_queries
        self.composer = MaskComposer(
            num_queries,
            embed_dims,
            self.out_channels,
            mlp_channels=mlp_channels,
            conv_channels=conv_channels,
            with_cp=with_cp,
        )

    def init_weights(self) -> None:
        """Start with Xavier, as AVSegFormer."""
        init_transformer(self)
        super().init_weights()

    def forward(self, features: AVFeatures) -> AVHeadOutput:
        """Compose masks.

        Args:
            features (AVFeatures): visual[0] = F_AGV (N, D, H, W); audio =
                F_VGA (N, Q, D).

        Returns:
            AVHeadOutput: logits (N, K, 4 H, 4 W), raw and zero for padded
            frames; features with visual[0] = ``F_AGV + MLP(F_AGV . F_VGA)``.

        Raises:
            ValueError: Widths or the number of tokens do not fit.
        """
        self._check(features)
        logits, fused = self.composer(features.visual[0], features.audio)
        features = features._replace(visual=(fused, *features.visual[1:]))
        return AVHeadOutput(features.mask_padding(logits), features)

    @torch.no_grad()
    def attention_maps(self, features: AVFeatures) -> Tensor:
        """Show where the tokens of sound meet the map, bridges or not.

        Returns:
            Tensor: (N, H, W): the softmax over pixels of each token's product
            with them in Eq. 1, over sqrt(D), mean of the tokens.
        """
        self._check(features)
        visual, audio = features.visual[0], features.audio
        scores = audio @ visual.flatten(2) * self.embed_dims**-0.5
        return scores.softmax(-1).mean(1).unflatten(1, visual.shape[2:])

    def _check(self, features: AVFeatures) -> None:
        if features.audio is None or features.audio.ndim != 3:
            raise ValueError(
                'BAVDHead needs tokens of sound (N, Q, D). '
                "Fix: put neck=dict(type='AVBridge', ...) in front of it."
            )
        frames, width = features.visual[0].shape[:2]
        wanted = (frames, self.num_queries, self.embed_dims)
        given = tuple(features.audio.shape)
        if given != wanted or width != self.embed_dims:
            raise ValueError(
                f'BAVDHead was built for num_queries={self.num_queries} of '
                f'embed_dims={self.embed_dims}, but gets a map of {width} '
                f'channels for {frames} frames and sound of shape '
                f'{given}. Fix: the same num_queries and embed_dims in neck '
                'and decode_head.'
            )
