"""AVSegFormer: sound asks, a transformer looks."""

from typing import Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor

from mmavs.models.layers.avsegformer import (
    MaskComposer,
    MaskFeature,
    QueryDecoder,
    build_front,
    init_transformer,
)
from mmavs.models.layers.pyramid_encoder import levels_to_heat
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, AVHeadOutput, LabeledFrames

from .avs_decode_head import AVSDecodeHead
from .write_maps import resize_logits


@MODELS.register_module()
class AVSegFormerHead(AVSDecodeHead):
    """The head of AVSegFormer.

    "AVSegFormer: Audio-Visual Segmentation with Transformer",
    https://arxiv.org/abs/2307.01146. Equal to the released code at equal
    weights (``mmavs/weights/released/avsegformer.py`` maps its checkpoints),
    without the two modules it builds and never uses. Frames do not mix: T
    may be anything, 1 included.

    Args:
        in_channels (Sequence[int]): Channels of each map, finest first.
        audio_channels (int): Width of the audio encoder.
        embed_dims (int): D.
        num_heads (int): Attention heads, of all parts.
        dropout (float): Dropout rate in training, of encoder and decoder.
        with_cp (bool): Compute layers and mask MLP again in the backward
            pass instead of keeping their intermediate results.
        encoder (dict, optional): ``num_layers`` (6), ``num_points`` (4) and
            ``ffn_channels`` (2048) of the :class:`PyramidEncoder`, in which
            the three coarser maps attend to each other.
        queries (dict, optional): ``num_queries`` (300), ``generator``
            ('attention' or 'repeat'), ``learnable`` (True), ``num_layers``
            (6) and ``ffn_channels`` (1024) of the :class:`AudioQueries`, made
            of the frame's sound.
        decoder (dict, optional): ``num_layers`` (6) and ``ffn_channels``
            (2048) of the :class:`QueryDecoder`, in which the queries attend
            to all pixels.
        mixer (bool): Gate the channels of the map of stride 4
            (:class:`MaskFeature`) by sound.
        composer (dict, optional): ``mlp_channels`` (2048) and
            ``conv_channels`` ((128, 32)) of the :class:`MaskComposer`, which
            makes one mask of queries and map.
        loss_mix (dict, optional): The mix loss: a binary loss on the mean
            over channels of the stride 4 map, against "anything sounds". The
            map leaves a ReLU, so its sigmoid is at least 0.5 and the loss
            has a floor above 0; kept as published.
        **kwargs: See :class:`AVSDecodeHead`.

    Raises:
        ValueError: Widths, heads or the generator do not fit.
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
        composer: Optional[dict] = None,
        loss_mix: Optional[dict] = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        shared = dict(
            embed_dims=embed_dims,
            num_heads=num_heads,
            dropout=dropout,
            with_cp=with_cp,
        )
        self.audio_proj, self.encoder, self.queries = build_front(
            in_channels,
            audio_channels,
            encoder=encoder,
            queries=queries,
            **shared,
        )
        self.decoder = QueryDecoder(**shared, **(decoder or {}))
        self.mask_feature = MaskFeature(embed_dims, mixer, num_heads)
        self.composer = MaskComposer(
            self.queries.num_queries,
            embed_dims,
            self.out_channels,
            with_cp=with_cp,
            **(composer or {}),
        )
        self.loss_mix = loss_mix and MODELS.build(loss_mix)

    def init_weights(self) -> None:
        """Start as released: Xavier, and deformable attention's own."""
        init_transformer(self)
        super().init_weights()

    def forward(self, features: AVFeatures) -> AVHeadOutput:
        """Segment frames.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i), each twice
                as large as the next; audio (N, A) or (N, L, A).

        Returns:
            AVHeadOutput: logits (N, K, 4 H_0, 4 W_0), raw and zero for padded
            frames; features: visual, the map the logits are read from and
            the encoded scales, (N, D, H_i, W_i); audio, the decoded queries
            (N, Q, D); aligned_audio, the mean query (N, D) that entered, a
            map; extras ``mix`` (N, 1, H_0, W_0).

        Raises:
            ValueError: Maps or sound do not fit.
        """
        sound = self.audio_proj(features)  # (N, L, D)
        queries = self.queries(sound)  # (N, Q, D)
        pyramid = self.encoder(features.visual)  # tokens (N, S, D)
        decoded = self.decoder(queries, pyramid.tokens)  # (N, Q, D)
        coarse = pyramid.maps()  # strides 8, 16, 32: (N, D, h_l, w_l)
        # stride 4: (N, D, H_0, W_0)
        feature = self.mask_feature(pyramid.fine, coarse[0], sound)
        # (N, K, 4 H_0, 4 W_0) and (N, D, H_0, W_0)
        logits, fused = self.composer(feature, decoded)
        aligned = queries.mean(dim=1)  # (N, D)
        features = features._replace(
            visual=(fused, *coarse),
            audio=decoded,
            aligned_audio=(aligned,) * (1 + len(coarse)),
        )
        extras = {'mix': feature.mean(dim=1, keepdim=True)}
        return AVHeadOutput(features.mask_padding(logits), features, extras)

    def loss(
        self, output: AVHeadOutput, labels: LabeledFrames
    ) -> Dict[str, Tensor]:
        """Add the mix loss to the base's losses.

        Args:
            output (AVHeadOutput): What :meth:`forward` gave for N frames.
            labels (LabeledFrames): The L labelled frames.

        Returns:
            dict[str, Tensor]: Scalars by ``loss_name``.
        """
        losses = super().loss(output, labels)
        if self.loss_mix is None:
            return losses
        mix = resize_logits(  # (L, 1, H, W)
            output.extras['mix'][labels.indices],
            labels.masks.shape[-2:],
            self.align_corners,
        )
        losses[self.loss_mix.loss_name] = self.loss_mix(
            mix, labels.masks, ignore_index=self.ignore_index
        )
        return losses

    @torch.no_grad()
    def attention_maps(self, features: AVFeatures) -> Tuple[Tensor, ...]:
        """Show where the queries look.

        Returns:
            tuple[Tensor, ...]: One (N, H_1, W_1) per decoder layer, at stride
            8: the attention each pixel gets, mean of heads, queries and
            scales.
        """
        queries = self.queries(self.audio_proj(features))
        pyramid = self.encoder(features.visual)
        weights = self.decoder.attention(queries, pyramid.tokens)
        return tuple(levels_to_heat(w, pyramid.shapes) for w in weights)
