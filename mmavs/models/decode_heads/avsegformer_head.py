"""AVSegFormer: sound asks, a transformer looks."""

from typing import Dict, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from mmavs.models.layers.audio_queries import AudioQueries
from mmavs.models.layers.audio_tokens import AudioProjection
from mmavs.models.layers.init import init_transformer
from mmavs.models.layers.mask_composer import MaskComposer
from mmavs.models.layers.mask_feature import MaskFeature
from mmavs.models.layers.pyramid_encoder import (
    PyramidEncoder,
    levels_to_heat,
)
from mmavs.models.layers.query_decoder import QueryDecoder
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, AVHeadOutput, LabeledFrames

from .avs_decode_head import AVSDecodeHead
from .write_maps import resize_logits


@MODELS.register_module()
class AVSegFormerHead(AVSDecodeHead):
    """The head of AVSegFormer.

    "AVSegFormer: Audio-Visual Segmentation with Transformer",
    https://arxiv.org/abs/2307.01146. Equal to the released code at equal
    weights (``mmavs/utils/released/avsegformer.py`` maps its checkpoints),
    without the two modules it builds and never uses. Frames do not mix: T
    may be anything, 1 included.

    1. :class:`PyramidEncoder`: the three coarser maps attend to each other;
    2. :class:`AudioQueries`: 300 queries of the frame's sound;
    3. :class:`QueryDecoder`: the queries attend to all pixels;
    4. :class:`MaskFeature`: a map of stride 4, its channels gated by sound;
    5. :class:`MaskComposer`: queries and map make one mask.

    Args:
        in_channels (Sequence[int]): Channels of each map, finest first.
        audio_channels (int): Width of the audio encoder.
        embed_dims (int): D.
        num_queries (int): Q.
        num_layers (int): Layers of the decoder.
        num_heads (int): Attention heads.
        num_points (int): Points a head of deformable attention reads.
        encoder_layers (int): Layers of the encoder.
        ffn_channels (int): Hidden width in encoder and decoder.
        query_generator (str): 'attention' or 'repeat'.
        learnable_queries (bool): Add learnable queries to the generated.
        query_layers (int): Layers of the generator.
        query_ffn_channels (int): Its hidden width.
        mixer (bool): Gate the map's channels by sound.
        mlp_channels (int): Hidden width of the mask MLP.
        conv_channels (tuple[int, int]): Of the last convolutions' maps, at
            stride 4 and at the frame's own size.
        dropout (float): Dropout rate in training.
        with_cp (bool): Compute layers and mask MLP again in the backward
            pass instead of keeping their intermediate results.
        loss_mix (dict, optional): The mix loss: a binary loss on the mean
            over channels of the stride 4 map, against "anything sounds". The
            map leaves a ReLU, so its sigmoid is at least 0.5 and the loss
            has a floor above 0; kept as published.
        num_classes, out_channels, threshold: See :class:`AVSDecodeHead`.
        loss_decode, ignore_index: See :class:`AVSDecodeHead`.
        align_corners: See :class:`AVSDecodeHead`.

    Raises:
        ValueError: Widths, heads or the generator do not fit.
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
        ffn_channels: int = 2048,
        query_generator: str = 'attention',
        learnable_queries: bool = True,
        query_layers: int = 6,
        query_ffn_channels: int = 1024,
        mixer: bool = True,
        mlp_channels: int = 2048,
        conv_channels: Tuple[int, int] = (128, 32),
        dropout: float = 0.1,
        with_cp: bool = False,
        loss_mix: Optional[dict] = None,
        num_classes: int = 2,
        out_channels: Optional[int] = None,
        threshold: float = 0.5,
        loss_decode: Union[dict, Sequence[dict]] = (),
        ignore_index: int = 255,
        align_corners: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(
            num_classes,
            out_channels,
            threshold,
            loss_decode,
            ignore_index,
            align_corners,
            init_cfg,
        )
        attention = (embed_dims, num_layers, num_heads, ffn_channels, dropout)
        self.audio_proj = AudioProjection(audio_channels, embed_dims)
        self.encoder = PyramidEncoder(
            in_channels,
            embed_dims,
            encoder_layers,
            num_heads,
            num_points,
            ffn_channels,
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
        self.decoder = QueryDecoder(*attention, with_cp)
        self.mask_feature = MaskFeature(embed_dims, mixer, num_heads)
        self.composer = MaskComposer(
            num_queries,
            embed_dims,
            mlp_channels,
            self.out_channels,
            conv_channels,
            with_cp,
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
        sound = self.audio_proj(features)
        queries = self.queries(sound)
        pyramid = self.encoder(features.visual)
        decoded = self.decoder(queries, pyramid.tokens)
        coarse = pyramid.maps()
        feature = self.mask_feature(pyramid.fine, coarse[0], sound)
        logits, fused = self.composer(feature, decoded)
        aligned = queries.mean(dim=1)
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
        mix = resize_logits(
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

        Args:
            features (AVFeatures): What :meth:`forward` is given.

        Returns:
            tuple[Tensor, ...]: One (N, H_1, W_1) a decoder layer, at stride
            8: the attention each pixel gets, mean of heads, queries and
            scales.
        """
        queries = self.queries(self.audio_proj(features))
        pyramid = self.encoder(features.visual)
        weights = self.decoder.attention(queries, pyramid.tokens)
        return tuple(levels_to_heat(w, pyramid.shapes) for w in weights)
