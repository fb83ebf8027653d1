"""Audio-visual frame-wise synchrony."""

import math
from typing import Dict, Optional

import torch
from torch import Tensor, nn

from mmavs.models.precision import at_least_float32
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, LabeledFrames

from .mean_over_ranks import mean_over_ranks

AXES = ('channel', 'joint')
KINDS = ('kl', 'l2', 'frame_l2')


@MODELS.register_module()
class AVFSLoss(nn.Module):
    r"""Pull each frame's visual features towards its sound.

    "Bootstrapping Audio-Visual Segmentation by Strengthening Audio Cues"
    (AVSAC), https://arxiv.org/abs/2402.02327, Eq. 4:

    .. math::
        L = \frac{1}{T} \sum_t \sum P(a_t) \log \frac{P(a_t)}{P(v_t)}

    with v_t a map of D channels and H W positions, a_t the frame's sound of
    width D repeated at each position, and P a softmax. It costs nothing at
    inference and plugs into any model, as ``auxiliary_losses=[dict(
    type='AVFSLoss', features='neck')]``. All frames count, labelled or not;
    padded frames do not.

    Sound is what the model itself aligned with that map
    (``features.aligned_audio``: F_a averaged over its queries in AVSAC and
    AVSegFormer, the projected sound in TPAVI), or, with ``audio_channels``,
    the mean token of ``features.audio`` through a linear layer of this loss's
    own.

    Args:
        axis (str): What the softmax runs over. 'channel': over the D
            channels of each position, and the divergence is averaged over
            positions; 'joint': over channels and positions together.
        kind (str): 'kl', Eq. 4; Table 4's alternatives 'frame_l2', the mean
            over frames of a frame's distance
            ``|P(a_t) - P(v_t)|``, and 'l2', one distance for the whole clip,
            the root of the mean square over its frames. With
            ``axis='channel'`` squares are averaged over positions, so that
            the size of the map does not matter.
        detach_audio (bool): Let the loss move vision only. The paper does not
            say; Eq. 4 as it stands moves both.
        audio_channels (int, optional): Width of ``features.audio``, for
            models that align no sound; needs ``visual_channels``.
        visual_channels (int, optional): Width D of the map, likewise.
        loss_weight (float): Paper: 1 (Eq. 5).
        loss_name (str): Key of the loss.

    Raises:
        ValueError: An unknown ``axis`` or ``kind``; one of the two widths
            without the other.
    """

    mixes_frames = True
    reads_logits = False

    def __init__(
        self,
        axis: str = 'channel',
        kind: str = 'kl',
        detach_audio: bool = False,
        audio_channels: Optional[int] = None,
        visual_channels: Optional[int] = None,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_avfs',
    ) -> None:
        super().__init__()
        if axis not in AXES:
            raise ValueError(f'axis must be one of {AXES}, got {axis!r}')
        if kind not in KINDS:
            raise ValueError(f'kind must be one of {KINDS}, got {kind!r}')
        if (audio_channels is None) != (visual_channels is None):
            raise ValueError(
                'audio_channels and visual_channels go together, got '
                f'{audio_channels} and {visual_channels}'
            )
        self.axis = axis
        self.kind = kind
        self.detach_audio = detach_audio
        self.audio_proj = None
        if audio_channels is not None:
            self.audio_proj = nn.Linear(audio_channels, visual_channels)
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self,
        features: AVFeatures,
        logits: Optional[Tensor],
        labels: LabeledFrames,
    ) -> Dict[str, Tensor]:
        """Compute the loss.

        Args:
            features (AVFeatures): visual[0], the finest, (N, D, H, W), and
                aligned_audio[0] (N, D), or audio (N, A) or (N, L, A).
            logits (Tensor, optional): Unused.
            labels (LabeledFrames): Unused.

        Returns:
            dict[str, Tensor]: One scalar under ``loss_name``, not negative.

        Raises:
            ValueError: The model aligns no sound and no widths were given;
                sound and map differ in width.
        """
        visual = at_least_float32(features.visual[0].flatten(2))  # (N, C, P)
        audio = at_least_float32(self._sound(features))  # (N, C)
        if audio.shape[1] != visual.shape[1]:
            raise ValueError(
                f'AVFSLoss: sound of width {audio.shape[1]} and a map of '
                f'{visual.shape[1]} channels cannot be compared. Fix: '
                'audio_channels and visual_channels add a projection.'
            )
        if self.detach_audio:
            audio = audio.detach()
        if self.kind == 'kl':
            frames = self._divergence(audio, visual)
        else:
            frames = self._square_distance(audio, visual)
        value = self._average(frames, features)
        return {self.loss_name: self.loss_weight * value}

    def _sound(self, features: AVFeatures) -> Tensor:
        """One vector per frame, (N, D)."""
        if self.audio_proj is not None:
            return self.audio_proj(features.frame_audio)
        if not features.aligned_audio:
            raise ValueError(
                'AVFSLoss: this model aligns no sound with its maps. Fix: '
                'give audio_channels and visual_channels, so that the loss '
                'projects the sound itself.'
            )
        return features.aligned_audio[0]

    def _divergence(self, audio: Tensor, visual: Tensor) -> Tensor:
        """KL(P(a) || P(v)) of each frame, (N, D) and (N, D, P) -> (N,).

        The sound is the same at each position, so the sum over positions
        needs only the map's mean and its log-partition: no distribution of
        the map's size is made.
        """
        log_sound = audio.log_softmax(dim=1)
        sound = log_sound.exp()
        if self.axis == 'channel':
            log_partition = visual.logsumexp(dim=1).mean(dim=1)
        else:
            positions = visual.shape[2]
            log_partition = visual.flatten(1).logsumexp(dim=1)
            log_partition = log_partition - math.log(positions)
        surprise = log_sound - visual.mean(dim=2)
        return (sound * surprise).sum(dim=1) + log_partition

    def _square_distance(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Squared distance of the distributions, (N,)."""
        sound = audio.softmax(dim=1)[..., None]
        if self.axis == 'channel':
            difference = sound - visual.softmax(dim=1)
            return difference.square().sum(dim=1).mean(dim=1)
        prob = visual.flatten(1).softmax(dim=1).view_as(visual)
        difference = sound / visual.shape[2] - prob
        return difference.square().sum(dim=(1, 2))

    def _average(self, frames: Tensor, features: AVFeatures) -> Tensor:
        """Average (N,) over the real frames of each clip, then over clips."""
        valid = features.valid
        if valid is None:
            valid = torch.ones_like(frames, dtype=torch.bool)
        frames, valid = (
            x.unflatten(0, (-1, features.num_frames)) for x in (frames, valid)
        )
        if self.kind == 'frame_l2':
            frames = _root(frames)
        # (B,)
        clips = (frames * valid).sum(dim=1) / valid.sum(dim=1).clamp(min=1)
        if self.kind == 'l2':
            clips = _root(clips)
        return mean_over_ranks(clips.sum(), clips.new_tensor(len(clips)))


def _root(squares: Tensor) -> Tensor:
    """Square root with a finite gradient at zero."""
    return squares.clamp(min=1e-12).sqrt()
