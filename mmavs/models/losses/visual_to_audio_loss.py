"""Bidirectional generation: the sound must follow from what is masked."""

from typing import Dict, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.models.precision import at_least_float32
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, LabeledFrames

from .mean_over_ranks import mean_over_ranks

MASKS = ('ground_truth', 'predicted')
UNLABELLED = 255


@MODELS.register_module()
class VisualToAudioLoss(nn.Module):
    r"""Rebuild each second's audio embedding from the masked features.

    The visual-to-audio projection and the consistency loss of "Improving
    Audio-Visual Segmentation with Bidirectional Generation",
    https://arxiv.org/abs/2308.08288, Section "Visual to Audio Projection",
    Figure 4 and Eq. 4. With z the coarsest map, m the mask pooled to its
    size, E the mask encoder and D the mask decoder,

    .. math::
        L = \frac{\eta}{L} \sum_n \Big\| \frac{a_n}{\|a_n\|} -
            \frac{\tilde a_n}{\|\tilde a_n\|} \Big\|_2,
        \quad \tilde a = D(E(m \odot z))

    The paper leaves "Distance" and both modules open; as released, the
    distance is Euclidean (0 to 2), E is a 1 x 1, a 3 x 3 and a 1 x 1
    convolution without bias or activation, and D one linear map over the
    positions, shared by all channels. An auxiliary loss for any method::

        auxiliary_losses=[dict(type='VisualToAudioLoss', features='neck')]

    The embedding is ``features.audio``, as the encoder gave it (tokens are
    averaged). It is the target and gets no gradient: a trainable encoder
    would be free to agree by saying nothing.

    Args:
        in_channels (int): Channels of the map.
        audio_channels (int): D of the audio encoder.
        feature_size (int or tuple[int, int]): Height and width of the map,
            which the mask decoder's weights are tied to. Defaults to 7, the
            map of stride 32 of a frame of 224.
        mask (str): 'ground_truth': the masks of labelled frames, as released
            for MS3; other frames do not count, and without any the loss is 0.
            'predicted': the logits of all real frames, as released for S4,
            where only the first frame has a mask; the loss then trains the
            decoder too.
        sigmoid (bool): Turn predicted logits into probabilities before they
            are pooled, which is what the paper's text says. Defaults to
            False: the released code pools raw logits.
        stage (int): Index of the map. Defaults to -1, the coarsest.
        hidden_channels (int, optional): Width inside E. Defaults to half of
            ``in_channels``, as released.
        loss_weight (float): eta of Eq. 4; Table 1 tries 0.1, 0.5, 1.0, 1.5.
            With 0 the loss is off: nothing is built or computed ("w/o BG" in
            Table 5).
        loss_name (str): Defaults to 'loss_visual_to_audio'.

    Raises:
        ValueError: Unknown ``mask``.
    """

    def __init__(
        self,
        in_channels: int = 128,
        audio_channels: int = 128,
        feature_size: Union[int, Sequence[int]] = 7,
        mask: str = 'ground_truth',
        sigmoid: bool = False,
        stage: int = -1,
        hidden_channels: Optional[int] = None,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_visual_to_audio',
    ) -> None:
        super().__init__()
        if mask not in MASKS:
            raise ValueError(f'mask must be one of {MASKS}, got {mask!r}')
        if isinstance(feature_size, int):
            feature_size = (feature_size, feature_size)
        self.in_channels = in_channels
        self.audio_channels = audio_channels
        self.feature_size = tuple(feature_size)
        self.mask = mask
        self.sigmoid = sigmoid
        self.stage = stage
        self.loss_weight = loss_weight
        self.loss_name = loss_name
        if loss_weight:
            self._build_layers(hidden_channels or in_channels // 2)

    def _build_layers(self, hidden_channels: int) -> None:
        self.mask_encoder = nn.Sequential(
            nn.Conv2d(self.in_channels, hidden_channels, 1, bias=False),
            nn.Conv2d(
                hidden_channels, hidden_channels, 3, padding=1, bias=False
            ),
            nn.Conv2d(hidden_channels, self.audio_channels, 1, bias=False),
        )
        height, width = self.feature_size
        self.mask_decoder = nn.Linear(height * width, 1)

    @property
    def mixes_frames(self) -> bool:
        """bool: Whether frames without label count."""
        return bool(self.loss_weight) and self.mask == 'predicted'

    def forward(
        self,
        features: AVFeatures,
        logits: Optional[Tensor],
        labels: LabeledFrames,
    ) -> Dict[str, Tensor]:
        """Compute the loss.

        Args:
            features (AVFeatures): visual maps (N, C, h, w), audio (N, D) or
                (N, L, D).
            logits (Tensor, optional): (N, K, H, W), raw; needed for
                ``mask='predicted'`` only.
            labels (LabeledFrames): Needed for ``mask='ground_truth'`` only.
                Any label but 0 and 255 is foreground.

        Returns:
            dict[str, Tensor]: One scalar in [0, 2 * loss_weight]; 0, attached
            to the graph, if no frame counts or the loss is off. A frame with
            an empty mask counts: its embedding is rebuilt from nothing,
            by the decoder's bias alone.

        Raises:
            ValueError: Map, sound, logits or masks do not fit.
        """
        if not self.loss_weight:
            return {self.loss_name: features.visual[self.stage].sum() * 0}
        x, audio = self._map_and_sound(features)  # (N, C, h, w), (N, A)
        if self.mask == 'predicted':
            frames, masks = _predicted(logits, features, self.sigmoid)
        else:
            frames, masks = _ground_truth(labels, x)
        if len(masks):
            _check_masks(masks, x)
        generated = self.generate(x[frames], masks)  # (F, A), of F frames
        distance = F.pairwise_distance(
            F.normalize(at_least_float32(audio[frames].detach()), dim=1),
            F.normalize(at_least_float32(generated), dim=1),
        )
        mean = mean_over_ranks(
            distance.sum(), distance.new_tensor(len(distance))
        )
        return {self.loss_name: self.loss_weight * mean}

    def generate(self, x: Tensor, masks: Tensor) -> Tensor:
        """Rebuild the audio embedding of masked maps.

        Args:
            x (Tensor): (L, C, h, w).
            masks (Tensor): (L, 1, H, W), averaged down to (h, w).

        Returns:
            Tensor: (L, D), of any length.
        """
        masks = F.adaptive_avg_pool2d(masks.to(x.dtype), x.shape[-2:])
        encoded = self.mask_encoder(x * masks)
        return self.mask_decoder(encoded.flatten(2)).squeeze(2)

    def _map_and_sound(self, features: AVFeatures) -> Tuple[Tensor, Tensor]:
        """Take (N, C, h, w) and (N, D), checked against the layers."""
        x, audio = features.visual[self.stage], features.frame_audio
        size = (self.in_channels, *self.feature_size)
        if tuple(x.shape[1:]) != size:
            raise ValueError(
                f'VisualToAudioLoss was built for a map of in_channels='
                f'{size[0]} and feature_size={size[1:]}, but map '
                f'{self.stage} is {tuple(x.shape[1:])}. Fix: set both to '
                'it; frames of 224 px give 7 x 7 at stride 32.'
            )
        if audio is None:
            raise ValueError(
                'VisualToAudioLoss rebuilds sound, but the model has no '
                'audio_encoder'
            )
        if tuple(audio.shape) != (x.shape[0], self.audio_channels):
            raise ValueError(
                f'VisualToAudioLoss was built for audio_channels='
                f'{self.audio_channels} and {x.shape[0]} frames came, but '
                f'the sound is {tuple(audio.shape)}'
            )
        return x, audio


def _predicted(
    logits: Optional[Tensor], features: AVFeatures, sigmoid: bool
) -> Tuple[Tensor, Tensor]:
    """Real frames' indices (L,), and their logits as masks (L, 1, H, W)."""
    if logits is None:
        raise ValueError(
            "VisualToAudioLoss(mask='predicted') needs logits, which mmseg's "
            "own heads do not hand on. Fix: mask='ground_truth', or a head "
            'of mmavs.'
        )
    if logits.shape[1] > 1:  # log-odds of "not background"
        background, others = logits.split([1, logits.shape[1] - 1], dim=1)
        logits = others.logsumexp(dim=1, keepdim=True) - background
    frames = torch.arange(logits.shape[0], device=logits.device)
    if features.valid is not None:
        frames = frames[features.valid]
    masks = logits[frames]
    return frames, masks.sigmoid() if sigmoid else masks


def _ground_truth(labels: LabeledFrames, x: Tensor) -> Tuple[Tensor, Tensor]:
    """Labelled frames' indices (L,), and their masks (L, 1, H, W)."""
    sounding = (labels.masks != 0) & labels.valid
    return labels.indices, sounding[:, None].to(x.dtype)


def _check_masks(masks: Tensor, x: Tensor) -> None:
    """Refuse masks that cannot be of the same frames as the maps.

    Raises:
        ValueError: They are smaller than the map, or of another shape (one
            cell of rounding in the backbone is allowed).
    """
    height, width = masks.shape[-2:]
    rows, columns = x.shape[-2:]
    in_shape = height * (columns - 1) < width * (rows + 1) and width * (
        rows - 1
    ) < height * (columns + 1)
    if height < rows or width < columns or not in_shape:
        raise ValueError(
            f'VisualToAudioLoss: a mask of {height} x {width} does not fit '
            f'a map of {rows} x {columns}. Fix: masks must have the size '
            'of the frames that the backbone sees.'
        )
