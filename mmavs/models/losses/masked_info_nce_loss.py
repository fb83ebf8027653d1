"""A sound must find what sounds among what sounds in other clips."""

from typing import Dict, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmengine.dist import get_rank
from torch import Tensor, nn

from mmavs.models.precision import at_least_float32
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, LabeledFrames

from .mean_over_ranks import mean_over_ranks
from .rows_of_ranks import rows_of_ranks

_APART = -1e4  # score of frames of one clip, which may sound alike


@MODELS.register_module()
class MaskedInfoNCELoss(nn.Module):
    r"""InfoNCE between the sound of a frame and its masked features.

    Of this project, for encoders of sound that learn from scratch: masks
    alone teach them slowly. InfoNCE is Eq. 4 of "Representation Learning with
    Contrastive Predictive Coding", https://arxiv.org/abs/1807.03748, both
    ways as in CLIP, https://arxiv.org/abs/2103.00020, Figure 3. With v the
    mean of a frame's features over its mask and a its sound, both projected
    to unit length,

    .. math:: L = - \frac{1}{2 L} \sum_n
        \log \frac{e^{v_n a_n / \tau}}{\sum_m e^{v_m a_n / \tau}} +
        \log \frac{e^{v_n a_n / \tau}}{\sum_m e^{v_n a_m / \tau}}

    over labelled frames with foreground, of all ranks; m runs over n and the
    frames of other clips, since frames of one clip may sound alike. So it
    needs batches of several clips. Classes are not needed.

    As an auxiliary loss with ``features='encoders'`` it compares sound with
    the backbone's maps; if that is frozen, the sound alone learns.

    Args:
        in_channels (Sequence[int]): Channels of the maps that count, the
            coarsest ones.
        audio_channels (int): D of the audio encoder.
        proj_channels (int): Width of the unit vectors.
        temperature (float): tau.
        loss_weight (float): Defaults to 1.
        loss_name (str): Defaults to 'loss_info_nce'.
    """

    def __init__(
        self,
        *,
        in_channels: Sequence[int],
        audio_channels: int = 128,
        proj_channels: int = 64,
        temperature: float = 0.1,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_info_nce',
    ) -> None:
        super().__init__()
        self.in_channels = tuple(in_channels)
        self.visual_proj = nn.Linear(sum(self.in_channels), proj_channels)
        self.audio_proj = nn.Linear(audio_channels, proj_channels)
        self.temperature = temperature
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self, features: AVFeatures, logits: Tensor, labels: LabeledFrames
    ) -> Dict[str, Tensor]:
        """Compute the loss.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i), audio
                (N, D), or tokens (N, L, D), which are averaged.
            logits (Tensor): Not used.
            labels (LabeledFrames): The L labelled frames; any label but 0
                and 255 is foreground.

        Returns:
            dict[str, Tensor]: A scalar, not negative; 0, attached to the
            graph, if nothing sounds, or in one clip alone.

        Raises:
            ValueError: Other channels than ``in_channels``, or no sound.
        """
        self._check(features)
        with torch.autocast(features.visual[-1].device.type, enabled=False):
            seen, heard, clips = self.embed(features, labels)
            total = self.compare(seen, heard, clips)
        count = torch.tensor(len(seen), device=total.device)
        return {
            self.loss_name: self.loss_weight * mean_over_ranks(total, count)
        }

    def _check(self, features: AVFeatures) -> None:
        maps = features.visual[-len(self.in_channels) :]
        given = tuple(x.shape[1] for x in maps)
        if given != self.in_channels:
            raise ValueError(
                f'MaskedInfoNCELoss was built for maps of in_channels='
                f'{self.in_channels}, but the coarsest have {given}. Fix: '
                'set in_channels to theirs.'
            )
        if features.audio is None:
            raise ValueError(
                'MaskedInfoNCELoss compares with sound, but the model has no '
                'audio_encoder. Fix: leave it out of auxiliary_losses.'
            )

    def embed(
        self, features: AVFeatures, labels: LabeledFrames
    ) -> Tuple[Tensor, Tensor, Tensor]:
        """Unit vectors of the F labelled frames in which something sounds.

        Returns:
            tuple: seen (F, C) and heard (F, C), and the clips (F,) int64.
        """
        masks = (labels.masks != 0) & labels.valid
        rows = masks.flatten(1).any(dim=1)  # (L,)
        frames, masks = labels.indices[rows], masks[rows, None]
        means = []
        for x in features.visual[-len(self.in_channels) :]:
            x = at_least_float32(x[frames])
            share = F.adaptive_avg_pool2d(masks.to(x), x.shape[-2:])
            means.append((x * share).sum((2, 3)) / share.sum((2, 3)))
        audio = at_least_float32(features.frame_audio[frames])
        return (
            F.normalize(self.visual_proj(torch.cat(means, dim=1)), dim=1),
            F.normalize(self.audio_proj(audio), dim=1),
            labels.clips[rows],
        )

    def compare(self, seen: Tensor, heard: Tensor, clips: Tensor) -> Tensor:
        """Add up this rank's frames' costs, among those of all ranks."""
        rank = torch.full_like(clips, get_rank())
        names = torch.stack([rank, clips], dim=1).to(seen)
        rows = rows_of_ranks(torch.cat([names, seen, heard], dim=1))
        width = seen.shape[1]
        names, seen, heard = rows.split([2, width, width], dim=1)
        own = (names[:, 0] == get_rank()).nonzero()[:, 0]
        scores = heard @ seen.T / self.temperature
        together = (names[:, None] == names[None]).all(dim=2)
        together.fill_diagonal_(False)
        scores = scores.masked_fill(together, _APART)
        ways = (scores[own], scores.T[own])
        return 0.5 * sum(
            F.cross_entropy(way, own, reduction='sum') for way in ways
        )
