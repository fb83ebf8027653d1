"""The head of instance-aware AVS: find what could sound, then listen."""

from typing import Dict, List, Optional, Sequence

import torch
from torch import Tensor, nn

from mmavs.datasets.s4_categories import S4_CATEGORIES
from mmavs.models.layers.avsc import (
    cut_masks,
    filter_instances,
    top_mask,
    top_scored,
)
from mmavs.models.layers.category_names import CategoryNames
from mmavs.models.layers.instance_decoder import (
    InstanceDecoder,
    Prediction,
    as_memory,
)
from mmavs.models.layers.pixel_decoders import build_pixel_decoder
from mmavs.models.losses.instance_losses import (
    InstanceSetLoss,
    instance_losses,
)
from mmavs.registry import MODELS
from mmavs.structures import (
    AVFeatures,
    AVHeadOutput,
    AVSDataSample,
    LabeledFrames,
)

from .avs_decode_head import AVSDecodeHead
from .instance_output import write_instances, write_sounding_maps
from .write_maps import HowToWrite


@MODELS.register_module()
class SoundingInstanceHead(AVSDecodeHead):
    """Segment every potential sounding object; the sound chooses among them.

    Paper: Audio-Visual Segmentation by Exploring Cross-Modal Mutual
    Semantics, https://arxiv.org/abs/2307.16620. The segmentation network
    (section 3.1) is MaskFormer (https://arxiv.org/abs/2107.06278), whose
    numbers are the defaults, or with ``pixel_decoder=dict(kind='msdeform'),
    decoder=dict(num_layers=9, masked_attention=True), deep_supervision=True``
    and other loss options Mask2Former (https://arxiv.org/abs/2112.01527).
    Parameter names are those of mmdet's heads, so their weights load.

    Stage 1, ``avsc=None``: the network learns from labelled instances (Eq. 2
    to 5) and predicts the highest-scored object ("w/o AVSC" of Table 4).
    Stage 2, with ``avsc``: the network is frozen, the sound weighs the
    instances (Eq. 1), and ``loss_decode`` (a binary cross-entropy, Eq. 6)
    trains the AVSC module alone.

    Args:
        in_channels (Sequence[int]): Channels of each scale, finest first.
        categories (Sequence[str]): K names, at least two; S4's 23 by default.
        num_queries (int): Q. Defaults to 100 (Figure 3, MaskFormer).
        embed_dims (int): D, a multiple of 32.
        num_heads (int): Attention heads, of all parts.
        dropout (float): Of transformer layers: 0.1 MaskFormer, 0 Mask2Former.
        pixel_decoder (dict, optional): ``kind`` ('fpn' or 'msdeform') and
            ``num_layers``, see :func:`build_pixel_decoder`.
        decoder (dict, optional): ``num_layers`` (6; Mask2Former 9),
            ``ffn_channels`` (2048) and ``masked_attention`` (False; True in
            Mask2Former: a query looks only where its own mask is) of the
            :class:`InstanceDecoder`.
        deep_supervision (bool): Train the predictions of every decoder layer
            (``d{i}.loss_*``). Eq. 2 has one prediction per query: False.
        loss_instances (dict, optional): Options of :class:`InstanceSetLoss`.
        loss_silent (dict, optional): :class:`SilentObjectLoss`; None is "w/o
            L_soas" of Table 3.
        score_thr (float): See :func:`filter_instances`.
        avsc (dict, optional): :class:`AVSC`, without ``num_categories``.
        freeze_segmentation (bool): With ``avsc``, train AVSC alone.
        threshold (float, optional): Probability above which a pixel sounds.
            Defaults to the ``threshold`` of ``avsc``, and without it to 0.5.
        **kwargs: See :class:`AVSDecodeHead`; ``loss_decode`` (Eq. 6) is used
            with ``avsc`` only.

    Raises:
        ValueError: Fewer than two categories, one twice, or an unknown
            pixel decoder.
    """

    finds_instances = True
    mixes_frames = False

    def __init__(
        self,
        in_channels: Sequence[int],
        *,
        categories: Sequence[str] = S4_CATEGORIES,
        num_queries: int = 100,
        embed_dims: int = 256,
        num_heads: int = 8,
        dropout: float = 0.1,
        pixel_decoder: Optional[dict] = None,
        decoder: Optional[dict] = None,
        deep_supervision: bool = False,
        loss_instances: Optional[dict] = None,
        loss_silent: Optional[dict] = None,
        score_thr: float = 0.0,
        avsc: Optional[dict] = None,
        freeze_segmentation: bool = True,
        threshold: Optional[float] = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.category_names = CategoryNames(categories)
        self.categories = self.category_names.categories
        self.deep_supervision = deep_supervision
        self.score_thr = score_thr
        shared = dict(num_heads=num_heads, dropout=dropout)
        self.pixel_decoder = build_pixel_decoder(
            in_channels, embed_dims, **shared, **(pixel_decoder or {})
        )
        self.transformer_decoder = InstanceDecoder(
            embed_dims, **shared, **(decoder or {})
        )
        self._build_queries(num_queries, embed_dims)
        num_categories = len(self.categories)
        self.loss_instances = InstanceSetLoss(
            num_categories, **(loss_instances or {})
        )
        self.loss_silent = loss_silent and MODELS.build(loss_silent)
        self.frozen = avsc is not None and freeze_segmentation
        if self.frozen:
            self.requires_grad_(False)
        self.avsc = avsc and MODELS.build(
            dict(avsc, num_categories=num_categories)
        )
        if threshold is not None:
            self.threshold = threshold
        elif self.avsc is not None:
            self.threshold = self.avsc.threshold

    def _build_queries(self, num_queries: int, embed_dims: int) -> None:
        """Make what queries start from and what is read from them."""
        num_levels = self.pixel_decoder.num_levels
        self.decoder_input_proj = self.pixel_decoder.memory_projection()
        self.query_embed = nn.Embedding(num_queries, embed_dims)
        if self.transformer_decoder.masked_attention:
            self.query_feat = nn.Embedding(num_queries, embed_dims)
        if num_levels > 1:
            self.level_embed = nn.Embedding(num_levels, embed_dims)
        self.cls_embed = nn.Linear(embed_dims, len(self.categories) + 1)
        self.mask_embed = nn.Sequential(
            *(nn.Linear(embed_dims, embed_dims), nn.ReLU()),
            *(nn.Linear(embed_dims, embed_dims), nn.ReLU()),
            nn.Linear(embed_dims, embed_dims),
        )

    def train(self, mode: bool = True) -> 'SoundingInstanceHead':
        """Switch modes; a frozen segmentation network stays in eval mode."""
        super().train(mode)
        if self.frozen:
            for name, part in self.named_children():
                part.train(mode and name == 'avsc')
        return self

    def forward(self, features: AVFeatures) -> AVHeadOutput:
        """Segment, then let the sound choose.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i), finest
                first; audio (N, D) or tokens (N, L, D), needed with ``avsc``.

        Returns:
            AVHeadOutput: logits (N, 1, H, W): with ``avsc`` the log-odds of
            S_asl at the frames' size, else the mask of the highest-scored
            object at the finest map's size. extras: ``predictions`` (the last
            is final), ``instances`` and ``sounding``, their probabilities.

        Raises:
            ValueError: With ``avsc``, and without sound.
        """
        with torch.set_grad_enabled(
            torch.is_grad_enabled() and not self.frozen
        ):
            predictions = self.segment(features.visual)
            instances = filter_instances(*predictions[-1], self.score_thr)
        if self.avsc is None:
            sounding = top_scored(instances)
            logits = top_mask(instances)
        else:
            masks = cut_masks(instances.mask_logits)  # (N, M, H, W)
            logits, sounding = self.avsc.listen(
                features.audio, instances, masks
            )
        extras = dict(
            predictions=predictions, instances=instances, sounding=sounding
        )
        return AVHeadOutput(logits, features, extras)

    def segment(self, visual: Sequence[Tensor]) -> List[Prediction]:
        """Run the segmentation network.

        Args:
            visual (Sequence[Tensor]): (N, C_i, H_i, W_i), finest first.

        Returns:
            list[Prediction]: The final one last; with deep supervision, in
            training, those of earlier layers before it.
        """
        # (N, D, H_0, W_0) and, coarsest first, the maps (N, C, h, w)
        mask_feature, maps = self.pixel_decoder(visual)
        embeds = [None] if len(maps) == 1 else self.level_embed.weight
        memories = [
            as_memory(self.decoder_input_proj(level), embed)
            for level, embed in zip(maps, embeds)
        ]

        def predict(query: Tensor) -> Prediction:
            masks = torch.einsum(
                'nqd,ndhw->nqhw', self.mask_embed(query), mask_feature
            )
            return Prediction(self.cls_embed(query), masks)

        query_pos = self.query_embed.weight[None]
        if self.transformer_decoder.masked_attention:
            query = self.query_feat.weight[None]  # (1, Q, D)
        else:
            query = torch.zeros_like(query_pos)
        return self.transformer_decoder(
            query.expand(mask_feature.shape[0], -1, -1),
            query_pos,
            memories,
            predict,
            every_layer=self.training and self.deep_supervision,
        )

    def loss(
        self, output: AVHeadOutput, labels: LabeledFrames
    ) -> Dict[str, Tensor]:
        """Compute the losses of the stage.

        Args:
            output (AVHeadOutput): What :meth:`forward` gave for N frames.
            labels (LabeledFrames): The L labelled frames.

        Returns:
            dict[str, Tensor]: Scalars. Segmentation, unless frozen:
            ``loss_cls``, ``loss_mask``, ``loss_dice`` and the silent-object
            loss, with ``d{i}.`` before those of earlier layers. With
            ``avsc``: those of ``loss_decode``.
        """
        losses = {}
        if self.avsc is not None:
            losses.update(super().loss(output, labels))
        if not self.frozen:
            losses.update(
                instance_losses(
                    output.extras['predictions'],
                    labels,
                    self.categories,
                    self.loss_instances,
                    self.loss_silent,
                )
            )
        return losses

    def write_predictions(
        self,
        output: AVHeadOutput,
        data_samples: Sequence[AVSDataSample],
        how: HowToWrite,
    ) -> None:
        """Store ``pred_instances``, and the maps: with ``avsc`` theirs."""
        write_instances(output, data_samples, how, self.categories)
        if self.avsc is None:
            super().write_predictions(output, data_samples, how)
        else:
            write_sounding_maps(data_samples, self.avsc, how)
