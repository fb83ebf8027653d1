"""Audio-visual semantic correlation: the sound chooses among instances."""

from typing import Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.registry import MODELS
from mmavs.utils.precision import at_least_float32

from .instance_filter import Instances

ACTIVATIONS = ('sigmoid', 'softmax')
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

    Two readings of the text decide whether two sources can sound at once:

    - ``audio_activation``: the paper's simplex is a softmax, which leaves two
      equally loud categories at most 0.5 each, so neither passes a threshold
      of 0.5. Figure 5 shows both; a sigmoid for each category can.
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
        audio_activation (str): 'sigmoid' or 'softmax'.
        overlap (str): 'max' or 'clamp'.

    Raises:
        ValueError: An unknown option.
    """

    def __init__(
        self,
        num_categories: int,
        audio_channels: int = 768,
        hidden_channels: Sequence[int] = (512, 256),
        audio_activation: str = 'sigmoid',
        overlap: str = 'max',
    ) -> None:
        super().__init__()
        _check_option('audio_activation', audio_activation, ACTIVATIONS)
        _check_option('overlap', overlap, OVERLAPS)
        self.audio_channels = audio_channels
        self.audio_activation = audio_activation
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
                f'and got {audio.shape[-1]}. Mend: set '
                'decode_head.avsc.audio_channels to what the audio encoder '
                'gives (768 BEATs, 128 VGGish).'
            )
        if audio.ndim == 3:
            audio = audio.mean(dim=1)
        heard = at_least_float32(self.mlp(audio))
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
                'AVSC listens, but the model has no audio encoder. Mend: set '
                'model.audio_encoder, or decode_head.avsc=None for the '
                'highest-scored object.'
            )
        heard = self(audio)
        sounding = heard.gather(1, instances.labels) * instances.valid
        logits = log_odds(self.compose(sounding, masks))
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
