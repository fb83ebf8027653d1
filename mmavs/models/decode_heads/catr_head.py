"""CATR's head: queries that look, and masks at 1/16."""

from typing import Dict, List, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.models.layers.instance_decoder import (
    InstanceDecoder,
    Memory,
    Prediction,
)
from mmavs.models.layers.positions import map_positions
from mmavs.models.losses import FrameBCELoss
from mmavs.models.necks.decoupled_encoder import hidden_sounds
from mmavs.models.task_modules.clip_matcher import ClipMatcher, ClipObjects
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, AVHeadOutput, LabeledFrames

from .avs_decode_head import AVSDecodeHead
from .write_maps import resize_logits


@MODELS.register_module()
class CATRHead(AVSDecodeHead):
    """Queries look at pixels and sounds; one query answers for one object.

    Paper: CATR: Combinatorial-Dependence Audio-Queried Transformer for
    Audio-Visual Video Segmentation, https://arxiv.org/abs/2309.09709. Its
    released code covers S4 with PVT-v2; numbers named "released" are its.

    In a binary setting a frame's answer is the mask of the query most likely
    to sound, query and frame chosen freely per frame (released). With K
    classes the maps are :math:`\\sum_q p_q(k) \\sigma(m_q)` as in MaskFormer
    (https://arxiv.org/abs/2107.06278, section 3.4) against one half for the
    background; nothing public says how CATR answers there.

    Args:
        in_channels (Sequence[int]): Channels of the gated map and the spatial
            encoder's map (both D), of stride 16 and of stride 32.
        num_queries (int): Q. Released: 50.
        num_layers (int): Decoder layers. Released: 3, each with losses.
        num_heads (int): Released: 8.
        ffn_channels (int): Not public; 2048 is that of the code it descends
            from.
        dropout (float): Not public; 0.1 likewise.
        matcher (dict, optional): Options of :class:`ClipMatcher`.
        loss_referred (dict): :class:`ReferredLoss`, on the queries' classes.
        loss_decode (dict or list[dict]): On the matched queries' masks.
        as_released (bool): Keep what is at odds with the paper's title or a
            slip: queries start from zeros, so that sound reaches them through
            the memory alone; :class:`FrameBCELoss` is given sigmoids, of which
            it takes the sigmoid again; the matcher weighs Dice by 7. False
            starts the queries of frame t from its own second of sound
            ("audio-queried"), and does neither of the others.
        **kwargs: See :class:`AVSDecodeHead`.
    """

    def __init__(
        self,
        *,
        in_channels: Sequence[int],
        num_queries: int = 50,
        num_layers: int = 3,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
        matcher: dict = None,
        loss_referred: dict = None,
        as_released: bool = True,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        embed_dims = in_channels[1]
        self.in_channels = tuple(in_channels)
        self.as_released = as_released
        self.num_objects = max(self.num_classes - 1, 1)  # besides "none"
        options = dict(matcher or {})
        if as_released:
            options['dice_weight'] = RELEASED_DICE_WEIGHT
        self.matcher = ClipMatcher(**options)
        self.query_embed = nn.Embedding(num_queries, embed_dims)
        self.decoder = InstanceDecoder(
            embed_dims,
            num_layers=num_layers,
            num_heads=num_heads,
            ffn_channels=ffn_channels,
            dropout=dropout,
        )
        self.mask_decoder = MaskDecoder(self.in_channels)
        self.cls_embed = nn.Linear(embed_dims, self.num_objects + 1)
        self.mask_embed = nn.Sequential(
            nn.Linear(embed_dims, embed_dims),
            nn.ReLU(),
            nn.Linear(embed_dims, self.mask_decoder.out_channels),
        )
        self.loss_referred = MODELS.build(
            dict(type='ReferredLoss', **(loss_referred or {}))
        )

    def forward(self, features: AVFeatures) -> AVHeadOutput:
        """Decode what :class:`DecoupledAVEncoder` gives.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i): gated, then
                the spatial encoder's, then of stride 16 and 32; audio
                (N, T, D), the sounds of the clip as the frame heard them.

        Returns:
            AVHeadOutput: logits (N, K, h, w) at half the gated map's size,
            raw; extras ``predictions``, one per decoder layer in training,
            the final one last.
        """
        mask_feature = self.mask_decoder(features.visual)  # (N, D, h, w)

        def predict(query: Tensor) -> Prediction:
            masks = torch.einsum(
                'nqd,ndhw->nqhw', self.mask_embed(query), mask_feature
            )
            return Prediction(self.cls_embed(query), masks)

        predictions = self.decoder(
            self.first_queries(features),  # (N, Q, D)
            self.query_embed.weight[None],
            [self.memory(features)],
            predict,
            every_layer=self.training,
        )
        logits = self.choose(*predictions[-1])
        return AVHeadOutput(logits, features, dict(predictions=predictions))

    def first_queries(self, features: AVFeatures) -> Tensor:
        """What queries hold before they look, (N, Q, D)."""
        shape = (features.audio.shape[0], *self.query_embed.weight.shape)
        if self.as_released:
            return features.audio.new_zeros(shape)
        own = own_sound(features.audio, features.num_frames)
        return own[:, None].expand(shape)

    def memory(self, features: AVFeatures) -> Memory:
        """Pixels and sounds that queries look at, P + T tokens."""
        # (N, D, h, w), (N, T, D)
        seen, audio = features.visual[1], features.audio
        position = map_positions(seen)
        nowhere = position.new_zeros(1, *audio.shape[1:])
        valid = features.valid
        if valid is not None:
            valid = valid.view(-1, features.num_frames)
        return Memory(
            tokens=torch.cat([seen.flatten(2).transpose(1, 2), audio], dim=1),
            position=torch.cat([position, nowhere], dim=1),
            size=tuple(seen.shape[-2:]),
            hidden=hidden_sounds(valid, position.shape[1]),
        )

    def choose(self, class_logits: Tensor, mask_logits: Tensor) -> Tensor:
        """Queries -> maps.

        Args:
            class_logits (Tensor): (N, Q, K + 1), raw; the last is "none".
            mask_logits (Tensor): (N, Q, h, w), raw.

        Returns:
            Tensor: (N, 1, h, w), the likeliest query's; with several classes
            (N, 1 + K, h, w) scores in [0, 1], background first.
        """
        chance = class_logits.softmax(-1)[..., :-1]
        if self.out_channels == 1:
            best = chance[..., 0].argmax(dim=1)
            frames = torch.arange(best.shape[0], device=best.device)
            return mask_logits[frames, best][:, None]
        scores = torch.einsum('nqk,nqhw->nkhw', chance, mask_logits.sigmoid())
        return torch.cat([torch.full_like(scores[:, :1], 0.5), scores], dim=1)

    def loss(
        self, output: AVHeadOutput, labels: LabeledFrames
    ) -> Dict[str, Tensor]:
        """Match, and compute the losses of every decoder layer.

        Returns:
            dict[str, Tensor]: Scalars; ``d{i}.`` before the names of earlier
            layers. Without a labelled frame all are 0.
        """
        clips = self.clip_objects(labels)
        predictions = output.extras['predictions']
        losses: Dict[str, Tensor] = {}
        for index, prediction in enumerate(predictions):
            terms = self.layer_loss(prediction, labels, clips)
            prefix = '' if index == len(predictions) - 1 else f'd{index}.'
            losses.update({prefix + name: v for name, v in terms.items()})
        return losses

    def clip_objects(self, labels: LabeledFrames) -> List[ClipObjects]:
        """Gather what sounds in each clip: one object, or one per class."""
        clips = []
        for clip in labels.clips.unique():
            frames = (labels.clips == clip).nonzero()[:, 0]
            masks = labels.masks[frames]  # (F, H, W)
            if self.out_channels == 1:
                sounding = (masks != 0) & (masks != self.ignore_index)
                classes, masks = frames.new_zeros(1), sounding[:, None]
            else:
                present = masks.unique()
                present = present[
                    (present > 0) & (present != self.ignore_index)
                ]
                classes = present - 1
                # (F, G, H, W)
                masks = masks[:, None] == present[:, None, None]
            clips.append(ClipObjects(frames, classes, masks))
        return clips

    def layer_loss(
        self,
        prediction: Prediction,
        labels: LabeledFrames,
        clips: Sequence[ClipObjects],
    ) -> Dict[str, Tensor]:
        """Losses of one decoder layer's prediction for N frames."""
        # (L, Q, G + 1) and (L, Q, h, w)
        class_logits, mask_logits = (x[labels.indices] for x in prediction)
        matches = self.matcher(class_logits, mask_logits, clips)
        wanted = labels.indices.new_full(
            class_logits.shape[:2], self.num_objects
        )
        logits, targets = [mask_logits[:0, 0]], [labels.masks[:0]]
        for clip, (queries, objects) in zip(clips, matches):
            wanted[clip.frames[:, None], queries] = clip.classes[objects]
            rows = mask_logits[clip.frames[:, None], queries]
            logits.append(rows.flatten(0, 1))  # (F * G, h, w)
            target = clip.masks[:, objects].long()
            ignored = labels.masks[clip.frames][:, None] == self.ignore_index
            target = target.masked_fill(ignored, self.ignore_index)
            targets.append(target.flatten(0, 1))  # (F * G, H, W)
        losses = self.mask_losses(torch.cat(logits), torch.cat(targets))
        losses[self.loss_referred.loss_name] = self.loss_referred(
            class_logits, wanted
        )
        return losses

    def mask_losses(self, logits: Tensor, target: Tensor) -> Dict[str, Tensor]:
        """Compare M logits (M, h, w) with M masks (M, H, W)."""
        logits = resize_logits(
            logits[:, None], target.shape[-2:], self.align_corners
        )
        losses = {}
        for loss in self.loss_decode:
            twice = self.as_released and isinstance(loss, FrameBCELoss)
            value = loss(
                logits.sigmoid() if twice else logits,
                target,
                ignore_index=self.ignore_index,
            )
            losses[loss.loss_name] = losses.get(loss.loss_name, 0) + value
        return losses


RELEASED_DICE_WEIGHT = 7.0  # written in the code, whatever the settings say


def own_sound(audio: Tensor, num_frames: int) -> Tensor:
    """Of each frame's T sounds (N, T, D), that of its own second (N, D)."""
    clips = audio.unflatten(0, (-1, num_frames))  # (B, T, T, D)
    return clips.diagonal(dim1=1, dim2=2).transpose(1, 2).flatten(0, 1)


class MaskDecoder(nn.Module):
    """From the gated map, with coarser maps in between, to 1/16.

    As released the map goes down before it goes up: stride 8, nearest to
    stride 32, nearest to stride 16.

    Args:
        in_channels (Sequence[int]): D of the gated map, D of the next (not
            used), channels of stride 16 and of stride 32; D a multiple of 64.
    """

    def __init__(self, in_channels: Sequence[int]) -> None:
        super().__init__()
        width, _, middle, coarse = in_channels
        if width % 64:
            raise ValueError(
                f'widths are halved three times, in 8 groups: in_channels[0] '
                f'must be a multiple of 64, got {width}'
            )
        self.out_channels = width // 4
        self.inner = nn.Sequential(
            conv_norm_relu(width, width), conv_norm_relu(width, width // 2)
        )
        self.coarse = nn.Conv2d(coarse, width // 2, 1)
        self.to_middle = conv_norm_relu(width // 2, width // 4)
        self.middle = nn.Conv2d(middle, width // 4, 1)
        self.outer = nn.Sequential(
            conv_norm_relu(width // 4, width // 8),
            nn.Conv2d(width // 8, self.out_channels, 3, padding=1),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # as released
                nn.init.kaiming_uniform_(module.weight, a=1)
                nn.init.zeros_(module.bias)

    def forward(self, visual: Sequence[Tensor]) -> Tensor:
        """Maps (N, C_i, H_i, W_i) -> (N, D / 4, H_2, W_2)."""
        video, _, middle, coarse = visual
        x = self.inner(video)
        coarse, middle = self.coarse(coarse), self.middle(middle)
        x = coarse + F.interpolate(x, coarse.shape[-2:])
        x = self.to_middle(x)
        x = middle + F.interpolate(x, middle.shape[-2:])
        return self.outer(x)


def conv_norm_relu(in_channels: int, out_channels: int) -> nn.Sequential:
    """3 x 3 convolution with bias, group norm of 8 groups, ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.GroupNorm(8, out_channels),
        nn.ReLU(inplace=True),
    )
