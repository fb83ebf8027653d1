"""Queries and a map make masks."""

from typing import Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .checkpointing import run_checkpointed


class MaskComposer(nn.Module):
    """``Linear(F + MLP(F . Q))``: one mask of all queries together.

    "AVSegFormer", https://arxiv.org/abs/2307.01146, Section 3.5, and Eq. 1 of
    "Bootstrapping Audio-Visual Segmentation by Strengthening Audio Cues",
    https://arxiv.org/abs/2402.02327. The products of each pixel with the Q
    queries are Q channels; an MLP over channels brings them back to D, they
    are added to the map, and a few convolutions give the classes. A query is
    no object: there is no matching and no score per query.

    The product and the MLP's first layer are both linear in the map, so they
    are one matrix a frame, (hidden, Q) @ (Q, D), and the Q-channel map is
    never made. Frames pass one at a time: a hidden map of 2048 channels takes
    134 MB for a frame of 512 x 512.

    Args:
        num_queries (int): Q.
        embed_dims (int): D.
        mlp_channels (int): Hidden width.
        out_channels (int): K.
        conv_channels (tuple[int, int]): Of the map at stride 4, and at the
            frame's own size.
        with_cp (bool): Compute the MLP again in the backward pass, so that
            its hidden maps are not kept.
    """

    def __init__(
        self,
        num_queries: int = 300,
        embed_dims: int = 256,
        mlp_channels: int = 2048,
        out_channels: int = 1,
        conv_channels: Tuple[int, int] = (128, 32),
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        self.mlp = nn.ModuleList(
            [
                nn.Linear(num_queries, mlp_channels),
                nn.Linear(mlp_channels, mlp_channels),
                nn.Linear(mlp_channels, embed_dims),
            ]
        )
        coarse, fine = conv_channels
        self.conv1 = nn.Conv2d(embed_dims, coarse, 3, padding=1)
        self.conv2 = nn.Conv2d(coarse, fine, 3, padding=1)
        self.conv_seg = nn.Conv2d(fine, out_channels, 1, bias=False)
        self.with_cp = with_cp

    def forward(self, feature: Tensor, queries: Tensor) -> tuple:
        """Compose masks, frame by frame.

        Args:
            feature (Tensor): F, (N, D, H, W).
            queries (Tensor): (N, Q, D).

        Returns:
            tuple[Tensor, Tensor]: Logits (N, K, 4 H, 4 W), raw, and the map
            they are read from, ``F + MLP(F . Q)``, (N, D, H, W).
        """
        frames = [
            run_checkpointed(self.with_cp, self._compose, *frame)
            for frame in zip(feature.split(1), queries)
        ]
        logits, fused = zip(*frames)
        return torch.cat(logits), torch.cat(fused)

    def _compose(self, feature: Tensor, queries: Tensor) -> tuple:
        """(1, D, H, W) and (Q, D) -> (1, K, 4 H, 4 W) and (1, D, H, W)."""
        first, second, last = self.mlp
        hidden = torch.addmm(
            first.bias[:, None],
            first.weight @ queries,
            feature.flatten(0, 1).flatten(1),
        ).relu_()
        hidden = torch.addmm(second.bias[:, None], second.weight, hidden)
        hidden = hidden.relu_()
        mixed = torch.addmm(last.bias[:, None], last.weight, hidden)
        fused = feature + mixed.view_as(feature)
        x = F.interpolate(
            self.conv1(fused),
            scale_factor=4,
            mode='bilinear',
            align_corners=False,
        )
        logits = self.conv_seg(F.relu(self.conv2(x), inplace=True))
        return logits, fused
