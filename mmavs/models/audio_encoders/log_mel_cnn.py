"""A small audio encoder that trains from scratch in minutes."""

from typing import Optional, Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.registry import MODELS

NUM_MEL_BINS = 64  # of a log-mel example, as VGGish's


@MODELS.register_module()
class LogMelCNN(BaseModule):
    """Four strided convolutions over a log-mel example.

    Of this project. Time is pooled (mean and maximum), frequency is kept:
    *which* bands sound tells sources apart, *when* within the second hardly
    matters.

    Args:
        channels (Sequence[int]): Width of each stride-2 convolution.
        out_channels (int): D. Defaults to 128, as VGGish.

    Attributes:
        out_channels (int): D.
    """

    def __init__(
        self,
        *,
        channels: Sequence[int] = (16, 32, 48, 64),
        out_channels: int = 128,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.out_channels = out_channels
        layers, in_channels, height = [], 1, NUM_MEL_BINS
        for width in channels:
            layers += [
                nn.Conv2d(in_channels, width, 3, 2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            in_channels, height = width, -(-height // 2)
        self.layers = nn.Sequential(*layers)
        self.projection = nn.Sequential(
            nn.Linear(2 * in_channels * height, out_channels),
            nn.LayerNorm(out_channels),
        )

    def forward(self, audio: Tensor) -> Tensor:
        """Encode log-mel examples.

        Args:
            audio (Tensor): (N, 1, 96, 64) log-mel (time, frequency), about
                -4.6 (silence) to 4.

        Returns:
            Tensor: (N, D), layer-normalised.
        """
        # (x + 2) / 2 brings typical log-mels to about zero mean, unit range.
        maps = self.layers((audio + 2) / 2)
        pooled = torch.cat([maps.mean(dim=2), maps.amax(dim=2)], dim=1)
        return self.projection(pooled.flatten(1))
