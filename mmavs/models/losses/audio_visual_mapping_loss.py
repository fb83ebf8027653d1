"""The masked visual features of a frame should match its sound."""

from typing import Dict, List, Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.dist import get_world_size
from torch import Tensor, nn

from mmavs.models.precision import at_least_float32
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, LabeledFrames
from mmavs.warn_once import WarnOnce

from .mean_over_ranks import mean_over_ranks

MODES = ('audio-visual', 'visual-visual')
DISTANCES = ('kl', 'euclidean')
REDUCTIONS = ('sum', 'mean')

_warn_no_sound = WarnOnce()


@MODELS.register_module()
class AudioVisualMappingLoss(nn.Module):
    r"""Audio-visual mapping, L_AVM.

    "Audio-Visual Segmentation with Semantics",
    https://arxiv.org/abs/2301.13190, Eq. 3, as released: the mean over scales
    of

    .. math:: \sum_n d\big(\mathrm{avg}_{hw}(M_n \odot Z_n),\; y_n\big)

    over labelled frames, where M is the prediction pooled to the scale, Z the
    scale's map, and y the frame's sound at the scale's width (L_AVM-AV), or
    the masked map of the frame whose sound is closest among those of the
    batch, on several ranks of the rank's own (L_AVM-VV). The average divides
    by the scale's area, not by the mask's.

    With one output channel M is the sigmoid of the pooled logits. With K
    classes it is the pooled share of pixels whose best class is not
    ``background_index``; no gradient reaches the logits then.

    As an auxiliary loss with ``features='head'`` Z are the maps the decoder
    saw, with ``'neck'`` those that left the fusion; AVSBench's released code
    has the former. It needs a neck that projects sound to each scale
    (``AVFeatures.aligned_audio``: TPAVI, AddAudio, AudioFiLM) and is 0, with
    one warning, where none does.

    Args:
        mode (str): 'audio-visual' or 'visual-visual' (Table 6). In the
            released AVSS code the latter compares with sound as well if the
            distance is 'kl'; here it never does.
        distance (str): 'kl', KL(softmax(y) || softmax(v)), or 'euclidean'.
        reduction (str): Over labelled frames: 'sum' (released MS3; grows with
            the batch) or 'mean' (released AVSS; 'euclidean' in both).
        stages (Sequence[int], optional): Scales that count. Defaults to all
            that have projected sound.
        pool (str): 'avg' or 'max', how predictions are brought to a scale.
        mask_thr (float, optional): Binarise M at this value, and divide by the
            mask's area instead of the scale's.
        normalize (bool): Bring both vectors to unit length first. Defaults
            to False, as in the released training commands.
        detach_audio (bool): Take the sound as a target that gets no gradient.
            As released the loss moves both, which a frozen sound encoder
            bears; a trainable one finds it easiest to say the same for every
            sound. A target that the loss does not move may grow, where
            ``normalize`` does not bound it: take ``reduction='mean'`` then,
            since a sum over many frames drowns the segmentation.
        background_index (int): Class that is not foreground. Until September
            2024 the released AVSS code took 70, the last class, so that M was
            nearly 1 everywhere; published AVSS numbers were made with that.
        loss_weight (float): lambda of Eq. 2. Defaults to 0.5 (Section 5.1).
        loss_name (str): Defaults to 'loss_avm'.

    Raises:
        ValueError: An unknown mode, distance, reduction or pool.
    """

    def __init__(
        self,
        mode: str = 'audio-visual',
        distance: str = 'kl',
        reduction: str = 'sum',
        stages: Optional[Sequence[int]] = None,
        pool: str = 'avg',
        mask_thr: Optional[float] = None,
        normalize: bool = False,
        detach_audio: bool = False,
        background_index: int = 0,
        loss_weight: float = 0.5,
        loss_name: str = 'loss_avm',
    ) -> None:
        super().__init__()
        for name, value, known in (
            ('mode', mode, MODES),
            ('distance', distance, DISTANCES),
            ('reduction', reduction, REDUCTIONS),
            ('pool', pool, ('avg', 'max')),
        ):
            if value not in known:
                raise ValueError(
                    f'{name} must be one of {known}, got {value!r}'
                )
        self.mode = mode
        self.distance = distance
        self.reduction = reduction
        self.stages = stages
        self.pool = pool
        self.mask_thr = mask_thr
        self.normalize = normalize
        self.detach_audio = detach_audio
        self.background_index = background_index
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    @property
    def mixes_frames(self) -> bool:
        """bool: Whether frames without label count."""
        return self.mode == 'visual-visual'

    def forward(
        self,
        features: AVFeatures,
        logits: Tensor,
        labels: LabeledFrames,
    ) -> Dict[str, Tensor]:
        """Compute the loss.

        Args:
            features (AVFeatures): maps (N, C_i, H_i, W_i) and aligned_audio,
                (N, C_i) each.
            logits (Tensor): (N, K, h, w), raw.
            labels (LabeledFrames): The frames that count.

        Returns:
            dict[str, Tensor]: ``{loss_name: scalar}``; 0, attached to the
            graph, without labelled frames or projected sound.

        Raises:
            ValueError: A scale in ``stages`` has no projected sound.
        """
        stages = self._stages(features)
        if not stages or not self.loss_weight:
            return {self.loss_name: logits.sum() * 0}
        terms = self._terms(features, logits, labels.indices, stages)
        total = torch.stack(terms).mean()
        if self.reduction == 'mean' or self.distance == 'euclidean':
            count = torch.tensor(len(labels.indices), device=total.device)
            loss = mean_over_ranks(total, count)
        else:  # DDP averages over ranks; one process would have summed
            loss = total * get_world_size()
        return {self.loss_name: self.loss_weight * loss}

    def _terms(
        self,
        features: AVFeatures,
        logits: Tensor,
        labeled: Tensor,
        stages: Sequence[int],
    ) -> List[Tensor]:
        """One sum over labelled frames per scale."""
        rows = labeled if self.mode == 'audio-visual' else slice(None)
        scores = self._foreground(logits[rows])
        is_soft = logits.shape[1] == 1
        terms = []
        for i in stages:
            visual = self._masked_mean(  # (L or N, C)
                features.visual[i][rows], scores, is_soft
            )
            # (N, C)
            audio = self._scale(at_least_float32(features.aligned_audio[i]))
            if self.detach_audio:
                audio = audio.detach()
            if self.mode == 'audio-visual':
                terms.append(self._distance(visual, audio[labeled]))
            else:
                closest = self._closest(audio, features.valid)[labeled]
                terms.append(self._distance(visual[labeled], visual[closest]))
        return terms

    def _stages(self, features: AVFeatures) -> Sequence[int]:
        aligned = features.aligned_audio
        fused = [i for i, sound in enumerate(aligned) if sound is not None]
        if not fused:
            _warn_no_sound(
                'AudioVisualMappingLoss: no neck of this model projects '
                'sound to the scales, so the loss is 0.'
            )
        elif self.stages is not None:
            if not set(self.stages) <= set(fused):
                raise ValueError(
                    f'AudioVisualMappingLoss: stages={tuple(self.stages)}, '
                    f'but sound is projected at {tuple(fused)} only. Fix: '
                    "set the same stages as the fusion neck's, or None."
                )
            return self.stages
        return fused

    def _foreground(self, logits: Tensor) -> Tensor:
        """(L, K, h, w) -> (L, 1, h, w): logits, or {0, 1} if K > 1."""
        if logits.shape[1] == 1:
            return at_least_float32(logits)
        best = logits.argmax(dim=1, keepdim=True)
        return at_least_float32((best != self.background_index).to(logits))

    def _masked_mean(
        self, visual: Tensor, scores: Tensor, is_soft: bool
    ) -> Tensor:
        """(L, C, H_i, W_i), (L, 1, h, w) -> (L, C)."""
        visual = at_least_float32(visual)
        pool = getattr(F, f'adaptive_{self.pool}_pool2d')
        mask = pool(scores, visual.shape[-2:])  # (L, 1, H_i, W_i)
        if is_soft:
            mask = mask.sigmoid()
        if self.mask_thr is None:
            return self._scale((visual * mask).mean(dim=(2, 3)))
        mask = (mask > self.mask_thr).to(visual)
        area = mask.sum(dim=(2, 3)) + 1e-6
        return self._scale((visual * mask).sum(dim=(2, 3)) / area)

    def _scale(self, vectors: Tensor) -> Tensor:
        return F.normalize(vectors, dim=1) if self.normalize else vectors

    def _closest(self, audio: Tensor, valid: Optional[Tensor]) -> Tensor:
        """(N, C) -> (N,) index of the real frame with the closest sound.

        A frame's distance to itself counts as 10, as released, so that one
        whose sound is farther than this from all others is its own partner.
        """
        distances = torch.cdist(audio.detach(), audio.detach())
        distances.fill_diagonal_(10)
        if valid is not None:
            distances.masked_fill_(~valid, float('inf'))
        return distances.argmin(dim=1)

    def _distance(self, visual: Tensor, partner: Tensor) -> Tensor:
        """(L, C), (L, C) -> scalar, summed over frames."""
        if self.distance == 'euclidean':
            return F.pairwise_distance(visual, partner).sum()
        return F.kl_div(
            visual.log_softmax(dim=1), partner.softmax(dim=1), reduction='sum'
        )
