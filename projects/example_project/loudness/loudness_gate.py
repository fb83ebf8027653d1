"""A fusion neck that lives outside mmavs."""

from typing import Optional, Sequence

from mmengine.model import BaseModule
from torch import nn

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures


@MODELS.register_module()
class LoudnessGate(BaseModule):
    """Scale each channel of each map by a gate that the sound opens.

    An example, of no paper: ``x * sigmoid(W a)``, one linear layer per scale.

    Args:
        in_channels (Sequence[int]): Channels of each visual map.
        audio_channels (int): D of the audio encoder. Defaults to 128.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        audio_channels: int = 128,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.gates = nn.ModuleList(
            nn.Linear(audio_channels, channels) for channels in in_channels
        )

    def forward(self, features: AVFeatures) -> AVFeatures:
        """Gate every scale.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i), audio
                (N, D).

        Returns:
            AVFeatures: The same shapes.
        """
        visual = tuple(
            x * gate(features.audio).sigmoid()[:, :, None, None]
            for x, gate in zip(features.visual, self.gates)
        )
        return features._replace(visual=visual)
