"""Motion correlation with the whole volume, after Eq. 2 of AVS-BG."""

import torch
from torch import Tensor, nn

from mmavs.models.necks.motion_correlation import MotionCorrelation


class NaiveMotionCorrelation(MotionCorrelation):
    """The parameters of :class:`MotionCorrelation`, the volume whole.

    Clips of two frames or more, without padding.
    """

    def _gate(
        self, gate: nn.Module, x: Tensor, has_next: Tensor, has_any: Tensor
    ) -> Tensor:
        response = naive_neighbour_response(x, has_next.shape[1])
        return gate(response[:, None]).sigmoid().squeeze(1)


def naive_neighbour_response(x: Tensor, num_frames: int) -> Tensor:
    """Mean rectified correlation of each frame with its neighbour.

    The neighbour is the next frame, and for the last frame the one before
    ("Improving Audio-Visual Segmentation with Bidirectional Generation",
    https://arxiv.org/abs/2308.08288, Eq. 2 and Figure 3).

    Args:
        x (Tensor): (N, C, H, W), N = B*T with T >= 2.
        num_frames (int): T.

    Returns:
        Tensor: (N, H, W), non-negative.
    """
    clips = x.unflatten(0, (-1, num_frames)).flatten(3)
    neighbour = torch.cat([clips[:, 1:], clips[:, -2:-1]], dim=1)
    volume = torch.matmul(clips.transpose(-1, -2), neighbour)
    return volume.clamp(min=0).mean(dim=-1).view(x.shape[0], *x.shape[-2:])
