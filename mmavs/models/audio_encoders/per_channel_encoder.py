"""An audio encoder that hears each channel by itself."""

from typing import Optional

from mmengine.model import BaseModule
from torch import Tensor

from mmavs.registry import MODELS


@MODELS.register_module()
class PerChannelEncoder(BaseModule):
    """Encode every channel alike, and put the embeddings side by side.

    AuralSAM2 (https://arxiv.org/abs/2506.01015) hears left and right with one
    VGGish.

    Args:
        encoder (dict): Any audio encoder that gives (N, D).
        num_channels (int): C.

    Attributes:
        out_channels (int): C * D.
    """

    def __init__(
        self,
        *,
        encoder: dict,
        num_channels: int = 2,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.encoder = MODELS.build(encoder)
        self.num_channels = num_channels
        self.out_channels = num_channels * self.encoder.out_channels

    def forward(self, audio: Tensor) -> Tensor:
        """Encode sound.

        Args:
            audio (Tensor): (N, C, ...), what the encoder takes with C = 1.

        Returns:
            Tensor: (N, C * D), the first channel first.

        Raises:
            ValueError: Another number of channels.
        """
        if audio.shape[1] != self.num_channels:
            raise ValueError(
                f'PerChannelEncoder hears {self.num_channels} channels, but '
                f'the sound has {audio.shape[1]}. Fix: '
                f"dict(type='LoadAudio', channels={self.num_channels}) in "
                'the pipeline.'
            )
        embedded = self.encoder(audio.flatten(0, 1)[:, None])
        return embedded.unflatten(0, audio.shape[:2]).flatten(1)
