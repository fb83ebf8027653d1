"""From a hundred queries to a few instances, among which the sound chooses."""

from typing import NamedTuple, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.models.precision import at_least_float32
from mmavs.registry import MODELS
from mmavs.structures import mean_token

# pixels of a frame per pixel of its finest map
STRIDE = 4
# logit of "nowhere", where a frame shows no instance at all
NOWHERE = -13.8


class Instances(NamedTuple):
    """Potential sounding objects of N frames, padded to M each.

    At most one per category and frame, those that exist first, by rising
    category.

    Attributes:
        labels (Tensor): (N, M) int64 in 0..K-1.
        scores (Tensor): (N, M) visual score, the probability of the label.
        mask_logits (Tensor): (N, M, h, w), raw.
        valid (Tensor): (N, M) bool, False for padding.
    """

    labels: Tensor
    scores: Tensor
    mask_logits: Tensor
    valid: Tensor


def filter_instances(
    class_logits: Tensor, mask_logits: Tensor, score_thr: float = 0.0
) -> Instances:
    """Apply the category filter and the score filter.

    Paper: Audio-Visual Segmentation by Exploring Cross-Modal Mutual
    Semantics, https://arxiv.org/abs/2307.16620, section 3.3. The category
    filter drops queries whose most probable class is "no object"; the score
    filter keeps, of each category, the query with the highest probability. A
    query whose mask has no pixel (of probability above 0.5) is left out.

    Args:
        class_logits (Tensor): (N, Q, K + 1), raw; the last is "no object".
        mask_logits (Tensor): (N, Q, h, w), raw.
        score_thr (float): Drop instances of a lower probability. The paper
            names no such threshold: 0.

    Returns:
        Instances: M is the largest number in any frame, at least 1; in a
        compiled or exported graph, whose shapes are fixed, K.
    """
    # (N, Q) each
    scores, labels = at_least_float32(class_logits).softmax(-1).max(-1)
    num_categories = class_logits.shape[-1] - 1
    categories = torch.arange(num_categories, device=labels.device)
    # (N, K, Q): a query competes in its own category alone
    seen = (mask_logits > 0).flatten(2).any(-1) & (scores >= score_thr)
    rivals = torch.where(
        (labels[:, None] == categories[:, None]) & seen[:, None],
        scores[:, None],
        scores.new_tensor(-1.0),
    )
    best, queries = rivals.max(-1)  # (N, K)
    found = best > 0
    # what exists comes first, by category: no two ranks are equal
    ranks = found * num_categories - categories
    order = ranks.topk(max(1, _most_found(found))).indices  # (N, M)
    queries = queries.gather(1, order)
    # (N, M, h, w)
    index = queries[..., None, None].expand(-1, -1, *mask_logits.shape[-2:])
    return Instances(
        labels=order,
        scores=best.gather(1, order).clamp(min=0),
        mask_logits=mask_logits.gather(1, index),
        valid=found.gather(1, order),
    )


def _most_found(found: Tensor) -> int:
    """Count the instances of the fullest of N frames, (N, K) bool.

    Where values have no say in shapes (a meta tensor, a compiled graph), all
    K categories.
    """
    if found.is_meta or torch.compiler.is_compiling():
        return found.shape[1]
    return int(found.sum(1).max())


def top_scored(instances: Instances) -> Tensor:
    """Mark the highest-scored instance of each frame.

    Args:
        instances (Instances): Of N frames.

    Returns:
        Tensor: (N, M) float32, 1 for the chosen one, 0 elsewhere; all 0 in a
        frame without instance.
    """
    chosen = torch.zeros_like(instances.scores)
    best = instances.scores.argmax(dim=1, keepdim=True)
    return chosen.scatter(1, best, 1.0) * instances.valid


def top_mask(instances: Instances) -> Tensor:
    """Give the mask of the highest-scored instance ("w/o AVSC", Table 4).

    Args:
        instances (Instances): Of N frames.

    Returns:
        Tensor: (N, 1, h, w) raw logits; -13.8 all over a frame without
        instance.
    """
    best = instances.scores.argmax(dim=1)
    frames = torch.arange(best.shape[0], device=best.device)
    masks = instances.mask_logits[frames, best][:, None]
    found = instances.valid.any(dim=1).view(-1, 1, 1, 1)
    return masks.where(found, masks.new_tensor(NOWHERE))


def cut_masks(mask_logits: Tensor, stride: int = STRIDE) -> Tensor:
    """Enlarge masks, then decide: edges are cut where they were predicted.

    Args:
        mask_logits (Tensor): (N, M, h, w), raw.
        stride (int): Factor of enlargement.

    Returns:
        Tensor: (N, M, stride h, stride w) bool, probabilities above 0.5.
    """
    large = F.interpolate(mask_logits, scale_factor=stride, mode='bilinear')
    return large > 0


# how the sound names categories, and the probability above which one sounds
THRESHOLDS = {'softmax': 0.25, 'sigmoid': 0.5}
OVERLAPS = ('max', 'clamp')


@MODELS.register_module()
class AVSC(BaseModule):
    r"""Category probabilities of a second of sound, given to the instances.

    Paper: Audio-Visual Segmentation by Exploring Cross-Modal Mutual
    Semantics, https://arxiv.org/abs/2307.16620, sections 3.2 and 3.3:

    .. math:: S_{asl} = \sum_j p_{c_j} m_j \qquad (1)

    with p the category probabilities of the sound (an MLP on the frozen audio
    encoder's mean token) and m the binary masks of the instances. Supervised
    by a binary cross-entropy of S_asl alone (Eq. 6), so that no category
    label of the sound is needed.

    Two readings of the text:

    - ``audio_activation``: the paper's simplex is a softmax. Eq. 6 reaches a
      category only where a frame shows an instance of it, so with a sigmoid
      for each category, and pictures in which all that is seen sounds, no
      category is ever told to be silent, and all of them sound whatever is
      heard. A softmax takes from one what it gives another. It leaves two
      equally loud categories at most 0.5 each, and Figure 5 shows both: an
      instance sounds above ``threshold``, a quarter.
    - ``overlap``: a sum of overlapping masks can exceed 1, where no
      cross-entropy is defined. 'max' takes the most probable instance at
      each pixel; 'clamp' cuts the sum at 1, where its gradient vanishes.
      Both agree with Eq. 1 wherever masks do not overlap.

    Args:
        num_categories (int): K.
        audio_channels (int): D of the audio encoder; 768 for BEATs, 128 for
            VGGish.
        hidden_channels (Sequence[int]): Widths of the MLP's hidden layers;
            the paper says "some MLP layers".
        audio_activation (str): 'softmax' or 'sigmoid'.
        overlap (str): 'max' or 'clamp'.

    Attributes:
        threshold (float): Probability above which an instance sounds: 0.25
            with a softmax, 0.5 with a sigmoid.

    Raises:
        ValueError: An unknown option.
    """

    def __init__(
        self,
        num_categories: int,
        audio_channels: int = 768,
        hidden_channels: Sequence[int] = (512, 256),
        audio_activation: str = 'softmax',
        overlap: str = 'max',
    ) -> None:
        super().__init__()
        _check_option('audio_activation', audio_activation, tuple(THRESHOLDS))
        _check_option('overlap', overlap, OVERLAPS)
        self.audio_channels = audio_channels
        self.audio_activation = audio_activation
        self.threshold = THRESHOLDS[audio_activation]
        self.overlap = overlap
        widths = [audio_channels, *hidden_channels]
        layers = []
        for before, after in zip(widths, widths[1:]):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.mlp = nn.Sequential(
            *layers, nn.Linear(widths[-1], num_categories)
        )

    def forward(self, audio: Tensor) -> Tensor:
        """Name what is heard.

        Args:
            audio (Tensor): (N, D), or tokens (N, L, D) whose mean is taken.

        Returns:
            Tensor: (N, K) in [0, 1], float32 or wider.

        Raises:
            ValueError: The audio has another width than ``audio_channels``.
        """
        if audio.shape[-1] != self.audio_channels:
            raise ValueError(
                f'AVSC was built for audio of {self.audio_channels} channels '
                f'and got {audio.shape[-1]}. Fix: set '
                'decode_head.avsc.audio_channels to what the audio encoder '
                'gives (768 BEATs, 128 VGGish).'
            )
        heard = at_least_float32(self.mlp(mean_token(audio)))
        if self.audio_activation == 'softmax':
            return heard.softmax(-1)
        return heard.sigmoid()

    def listen(
        self, audio: Optional[Tensor], instances: Instances, masks: Tensor
    ) -> Tuple[Tensor, Tensor]:
        """Let the sound choose among the instances of each frame.

        Args:
            audio (Tensor): (N, D), or tokens (N, L, D).
            instances (Instances): Of the same N frames, M each.
            masks (Tensor): (N, M, H, W) bool.

        Returns:
            tuple[Tensor, Tensor]: Log-odds of S_asl (N, 1, H, W), and the
            sounding probability of each instance (N, M), 0 for padding.

        Raises:
            ValueError: There is no audio, or of another width.
        """
        if audio is None:
            raise ValueError(
                'AVSC listens, but the model has no audio encoder. Fix: set '
                'model.audio_encoder, or decode_head.avsc=None for the '
                'highest-scored object.'
            )
        heard = self(audio)  # (N, K)
        # (N, M)
        sounding = heard.gather(1, instances.labels) * instances.valid
        logits = log_odds(self.compose(sounding, masks))  # (N, H, W)
        # a batch in which nothing was found must still reach the parameters
        return logits[:, None] + heard.sum() * 0, sounding

    def compose(self, sounding: Tensor, masks: Tensor) -> Tensor:
        """Paint the audio semantics-aware localization map (Eq. 1).

        Args:
            sounding (Tensor): (N, M) in [0, 1], of each instance.
            masks (Tensor): (N, M, H, W) bool.

        Returns:
            Tensor: S_asl, (N, H, W) in [0, 1].
        """
        painted = sounding[..., None, None] * masks
        if self.overlap == 'max':
            return painted.amax(dim=1)
        return painted.sum(dim=1).clamp(max=1)


def _check_option(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f'{name} must be one of {allowed}, got {value!r}')


def log_odds(probability: Tensor, eps: float = 1e-6) -> Tensor:
    """Turn probabilities into the logits every binary head gives.

    Args:
        probability (Tensor): In [0, 1].
        eps (float): Kept away from 0 and 1 by this, so logits stay within
            13.8.

    Returns:
        Tensor: ``log(p / (1 - p))``, float32 or wider.
    """
    return torch.logit(at_least_float32(probability), eps=eps)
