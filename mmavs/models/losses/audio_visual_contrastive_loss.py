"""Contrast pixels with the sounds of frames in which something sounds."""

from typing import Dict, List, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.models.layers.checkpointing import run_checkpointed
from mmavs.models.precision import at_least_float32
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, LabeledFrames

from .mean_over_ranks import mean_over_ranks

Rows = Tuple[Tensor, Tensor]  # embeddings (R, C) and labels (R,)
# Anchors that are compared with all rows at a time; of more, scores are
# computed again in the backward pass, in place of gigabytes of them.
CHUNK = 1024


@MODELS.register_module()
class AudioVisualContrastiveLoss(nn.Module):
    r"""InfoNCE between pixels and sounds, over the levels of AuralFuser.

    Paper: AuralSAM2, https://arxiv.org/abs/2506.01015, and its released code.
    Anchors are sampled pixels v of a clip; with temperature :math:`\tau`,

    .. math:: L = - \frac{1}{|P|} \sum_{a \in P} \log
              \frac{e^{v a / \tau}}{e^{v a / \tau} + \sum_n e^{v n / \tau}}

    where P are the sounds of the anchor's label (1 if the frame has both
    sounding and silent pixels, else 0) and n runs over pixels and sounds of
    another label; 0 for an anchor without positives. Averaged over all
    anchors of all ranks.

    Per frame and level, and per label, pixels are drawn from those where the
    prediction differs from the label ("hard") and those where it does not.
    The released code compares labels with raw logits, so nearly all are hard;
    it then labels the drawn pixels by the mask at the *positions of the
    draw*, which are mostly other pixels.

    Args:
        in_channels (int): D of the residuals.
        proj_channels (int): C, width of the embeddings. Released: 128.
        num_samples (int): Pixels per label and kind; three times as many
            where the other kind has fewer. Released: 128.
        max_rows (int): More pixels than this are cut, at a random length.
            Released: 15240.
        temperature (float): Released: 0.1.
        own_labels (bool): Give each drawn pixel its own label, and call those
            hard whose predicted label is wrong. Defaults to False, as
            released.
        loss_weight (float): Released: 1.
        loss_name (str): Defaults to 'loss_contrastive'.
    """

    def __init__(
        self,
        *,
        in_channels: int = 256,
        proj_channels: int = 128,
        num_samples: int = 128,
        max_rows: int = 15240,
        temperature: float = 0.1,
        own_labels: bool = False,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_contrastive',
    ) -> None:
        super().__init__()
        self.visual_proj = nn.Sequential(
            nn.Conv2d(in_channels, proj_channels, 1),
            nn.BatchNorm2d(proj_channels),
            nn.Conv2d(proj_channels, proj_channels, 1),
        )
        self.audio_proj = nn.Sequential(
            nn.Linear(in_channels, proj_channels),
            nn.BatchNorm1d(proj_channels),
            nn.Linear(proj_channels, proj_channels),
        )
        self.num_samples = num_samples
        self.max_rows = max_rows
        self.temperature = temperature
        self.own_labels = own_labels
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self, features: AVFeatures, logits: Tensor, labels: LabeledFrames
    ) -> Dict[str, Tensor]:
        """Compute the loss.

        Args:
            features (AVFeatures): visual: the last three maps (N, D, h, w)
                are the residuals; audio (N, 3, D).
            logits (Tensor): (N, 1, H', W'), raw, of the head.
            labels (LabeledFrames): The L labelled frames.

        Returns:
            dict[str, Tensor]: A scalar; 0, attached to the graph, without a
            labelled frame.
        """
        visual, audio = self.embed(features)
        size = visual[0].shape[-2:]
        predicted = F.interpolate(
            at_least_float32(logits[labels.indices]), size, mode='bilinear'
        ).flatten(1)
        masks = F.interpolate(
            labels.masks[:, None].to(predicted), size, mode='nearest'
        ).flatten(1)
        totals, count = [visual[0].sum() * 0 + audio[0].sum() * 0], 0
        for clip in labels.clips.unique():
            rows = (labels.clips == clip).nonzero()[:, 0]
            frames = labels.indices[rows]
            # sums of exponentials overflow in half precision
            with torch.autocast(logits.device.type, enabled=False):
                total, anchors = self.contrast(
                    [level[frames].flatten(2).mT for level in visual],
                    [level[frames] for level in audio],
                    masks[rows],
                    predicted[rows],
                )
            totals.append(total)
            count += anchors
        mean = mean_over_ranks(
            sum(totals), torch.tensor(count, device=logits.device)
        )
        return {self.loss_name: self.loss_weight * mean}

    def embed(self, features: AVFeatures) -> Tuple[List[Tensor], List[Tensor]]:
        """Per level, unit vectors (N, C, h, w) and (N, C)."""
        visual = [
            F.normalize(at_least_float32(self.visual_proj(level)), dim=1)
            for level in features.visual[-3:]
        ]
        audio = [
            F.normalize(at_least_float32(self.audio_proj(level)), dim=1)
            for level in features.audio.unbind(1)
        ]
        return visual, audio

    def contrast(
        self,
        visual: List[Tensor],
        audio: List[Tensor],
        masks: Tensor,
        predicted: Tensor,
    ) -> Tuple[Tensor, int]:
        """Contrast the L frames of one clip.

        Args:
            visual (list[Tensor]): (L, P, C) per level.
            audio (list[Tensor]): (L, C) per level.
            masks (Tensor): (L, P), labels.
            predicted (Tensor): (L, P), raw.

        Returns:
            tuple[Tensor, int]: Sum over anchors, and how many there are.
        """
        pixels, sounds = [], []
        for frame, (mask, logit) in enumerate(zip(masks, predicted)):
            both = (mask != mask[0]).any().to(mask)
            for seen, heard in zip(visual, audio):
                pixels += self.draw(seen[frame], mask, logit)
                sounds.append((heard[frame][None], both[None]))
        anchors, anchor_labels = join(pixels)
        if len(anchors) > self.max_rows:
            cut = torch.randperm(len(anchors))[self.max_rows]
            anchors, anchor_labels = anchors[:cut], anchor_labels[:cut]
        heard, heard_labels = join(sounds)
        rows = torch.cat([anchors, heard])
        row_labels = torch.cat([anchor_labels, heard_labels])
        total = anchors.sum() * 0
        parts = anchors.split(CHUNK), anchor_labels.split(CHUNK)
        for part, labels in zip(*parts):
            total = total + run_checkpointed(
                len(anchors) > CHUNK,
                self.against,
                *(part, labels, rows, row_labels, len(heard)),
            )
        return total, len(anchors)

    def against(
        self,
        anchors: Tensor,
        labels: Tensor,
        rows: Tensor,
        row_labels: Tensor,
        num_sounds: int,
    ) -> Tensor:
        """Add up the losses of some anchors.

        Args:
            anchors (Tensor): (A', C).
            labels (Tensor): (A',).
            rows (Tensor): (R, C), pixels, then sounds.
            row_labels (Tensor): (R,).
            num_sounds (int): Of the rows.

        Returns:
            Tensor: A scalar.
        """
        same = labels[:, None] == row_labels
        scores = anchors @ rows.T / self.temperature  # (A', R)
        others = scores.exp().masked_fill(same, 0).sum(1, keepdim=True)
        scores = scores[:, -num_sounds:]  # positives are sounds alone
        loss = (scores.exp() + others).log() - scores
        positive = same[:, -num_sounds:]
        return ((loss * positive).sum(1) / positive.sum(1).clamp(min=1)).sum()

    def draw(self, pixels: Tensor, mask: Tensor, logit: Tensor) -> List[Rows]:
        """Draw pixels (P, C) of one frame and level, label after label."""
        drawn = []
        for label in mask.unique():
            inside = mask == label
            own, guess = pixels[inside], logit[inside]
            wrong = guess != label
            if self.own_labels:
                wrong = (guess > 0) != (label > 0)
            kinds = [wrong.nonzero()[:, 0], (~wrong).nonzero()[:, 0]]
            for kind, other in zip(kinds, reversed(kinds)):
                few = len(other) < self.num_samples
                limit = self.num_samples * (3 if few else 1)
                places = torch.randperm(len(kind)).to(kind)[:limit]
                labels = mask[places]
                if self.own_labels:
                    labels = label.expand(len(places))
                drawn.append((own[kind[places]], labels))
        return drawn


def join(parts: List[Rows]) -> Rows:
    """Put embeddings and labels below each other."""
    rows, labels = zip(*parts)
    return torch.cat(rows), torch.cat(labels)
