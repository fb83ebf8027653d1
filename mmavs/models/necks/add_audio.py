"""Sound added to every pixel."""

from typing import Sequence, Tuple

from torch import Tensor, nn

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures

from .audio_fusion import AudioFusionNeck


@MODELS.register_module()
class AddAudio(AudioFusionNeck):
    """Add the projected sound of its second to each frame's maps.

    The row "with A (+) V" of Table 5 in "Audio-Visual Segmentation with
    Semantics", https://arxiv.org/abs/2301.13190. The paper says "directly
    adding"; the linear layer of each scale, which makes the widths equal, is
    the one TPAVI has.

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
        """Linear layer D -> C."""
        return nn.Linear(self.audio_channels, channels, bias=self.align_bias)

    def fuse(
        self,
        block: nn.Module,
        x: Tensor,
        audio: Tensor,
        features: AVFeatures,
    ) -> Tuple[Tensor, Tensor]:
        """``x + W a`` at every pixel; see the base class for shapes."""
        aligned = block(audio)
        return x + aligned[:, :, None, None], aligned
