"""Sound that scales and shifts the channels of every pixel."""

from typing import Sequence, Tuple

from torch import Tensor, nn

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures

from .audio_fusion import AudioFusionNeck


@MODELS.register_module()
class AudioFiLM(AudioFusionNeck):
    """Modulate maps by sound: ``x * (1 + gamma(a)) + beta(a)``.

    FiLM of "FiLM: Visual Reasoning with a General Conditioning Layer",
    https://arxiv.org/abs/1709.07871, Eq. 1 and 2, with one linear layer
    per scale; each frame hears its own second only.

    Args:
        in_channels (Sequence[int]): Channels of each visual map.
        audio_channels (int): D of the audio encoder.
        align_bias (bool): Bias of the linear layers; as TPAVI's, so that
            ``type`` alone changes the fusion of a config.
        **kwargs: See :class:`AudioFusionNeck`.
    """

    mixes_frames = False

    def __init__(
        self,
        in_channels: Sequence[int],
        audio_channels: int = 128,
        *,
        align_bias: bool = True,
        **kwargs,
    ) -> None:
        super().__init__(in_channels, audio_channels, **kwargs)
        self.align_bias = align_bias
        self.build_blocks()

    def build_block(self, channels: int) -> nn.Module:
        """Linear layer D -> 2C: gamma and beta."""
        return nn.Linear(
            self.audio_channels, 2 * channels, bias=self.align_bias
        )

    def fuse(
        self,
        block: nn.Module,
        x: Tensor,
        audio: Tensor,
        features: AVFeatures,
    ) -> Tuple[Tensor, Tensor]:
        """Scale and shift; beta counts as the aligned sound."""
        gamma, beta = block(audio).chunk(2, dim=1)
        gamma, shift = gamma[:, :, None, None], beta[:, :, None, None]
        return x * (1 + gamma) + shift, beta
