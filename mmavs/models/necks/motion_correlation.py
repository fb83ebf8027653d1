"""Motion from how each frame correlates with its neighbour."""

from typing import Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.models.layers.rectified_correlation import (
    mean_rectified_correlation,
)
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures


@MODELS.register_module()
class MotionCorrelation(BaseModule):
    """Gate every map by its correlation with the neighbouring frame.

    The visual correlation attention module of "Improving Audio-Visual
    Segmentation with Bidirectional Generation",
    https://arxiv.org/abs/2308.08288, Section "Visual Correlation Attention
    Module", Eq. 2 and Figure 3. At each scale, with t' = t + 1 (t - 1 for the
    last frame), ::

        response_t(p) = mean_q max(0, z_t(p) . z_t'(q))
        out_t(p) = z_t(p) * (1 + sigmoid(w * response_t(p) + b))

    The paper leaves open how the four-dimensional correlation of Eq. 2
    becomes a map again; the mean over q and the gate are what the released
    code does, which also rectifies the products, without normalising them.

    The (HW)^2 products of a pair of frames never exist together
    (:func:`~mmavs.models.layers.rectified_correlation.mean_rectified_correlation`),
    so memory grows with HW; the result is exact. Any T works; a clip of one
    frame has no neighbour and passes unchanged. Padded frames are nobody's
    neighbour and pass unchanged too.

    Args:
        num_scales (int): Number of maps. Defaults to 4.
        stages (Sequence[int], optional): Indices of the scales that are
            gated; all by default, none (and no parameters) with an empty one:
            the row "w/o motion" of Table 4.
        block_elements (int, optional): How many products exist at a time.
            Chosen by the device if None; it changes memory and speed only.

    Raises:
        ValueError: A stage that does not exist.
    """

    def __init__(
        self,
        num_scales: int = 4,
        stages: Optional[Sequence[int]] = None,
        block_elements: Optional[int] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        scales = range(num_scales)
        self.num_scales = num_scales
        self.stages = tuple(scales if stages is None else sorted(stages))
        if not set(self.stages) <= set(scales):
            raise ValueError(
                f'MotionCorrelation: stages={tuple(stages)} must lie in '
                f'0..{num_scales - 1}'
            )
        self.block_elements = block_elements
        self.gates = nn.ModuleDict(
            {str(i): nn.Conv2d(1, 1, 1) for i in self.stages}
        )

    def forward(self, features: AVFeatures) -> AVFeatures:
        """Gate the chosen scales.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i).

        Returns:
            AVFeatures: Same shapes, each value up to twice as large.

        Raises:
            ValueError: Scales or frames do not fit.
        """
        gates = self.attention_maps(features)
        visual = list(features.visual)
        for i, gate in zip(self.stages, gates):
            x = visual[i]
            visual[i] = x + x * gate[:, None].to(x.dtype)
        return features._replace(visual=tuple(visual))

    def attention_maps(self, features: AVFeatures) -> Tuple[Tensor, ...]:
        """Show where each frame correlates with its neighbour (Figure 6).

        Args:
            features (AVFeatures): What :meth:`forward` is given.

        Returns:
            tuple[Tensor, ...]: One gate (N, H_i, W_i) a gated scale, in
            (0, 1); 0 where a frame has no neighbour.
        """
        self._check(features)
        nearest = _neighbours(features)
        return tuple(
            self._gate(self.gates[str(i)], features.visual[i], *nearest)
            for i in self.stages
        )

    def _gate(
        self, gate: nn.Module, x: Tensor, has_next: Tensor, has_any: Tensor
    ) -> Tensor:
        """Gate of one scale: (N, C, H, W) and (B, T) masks -> (N, H, W)."""
        num_clips, num_frames = has_next.shape
        clips = x.unflatten(0, (num_clips, num_frames)).flatten(3)
        # One volume serves both frames of a pair: its row means belong to the
        # earlier one, its column means to the later one.
        to_next, to_previous = mean_rectified_correlation(
            clips[:, :-1].flatten(0, 1),
            clips[:, 1:].flatten(0, 1),
            self.block_elements,
        )
        nothing = to_next.new_zeros(num_clips, 1, clips.shape[-1])
        pairs = (num_clips, num_frames - 1)
        to_next = torch.cat([to_next.unflatten(0, pairs), nothing], 1)
        to_previous = torch.cat([nothing, to_previous.unflatten(0, pairs)], 1)
        response = torch.where(has_next[..., None], to_next, to_previous)
        response = response.view(x.shape[0], 1, *x.shape[-2:])
        attention = gate(response).sigmoid().squeeze(1)
        return attention * has_any.view(-1, 1, 1)

    def _check(self, features: AVFeatures) -> None:
        maps = features.visual
        if len(maps) != self.num_scales:
            raise ValueError(
                f'MotionCorrelation was built for {self.num_scales} maps, '
                f'but gets {len(maps)}. Mend: set num_scales.'
            )
        if maps[0].shape[0] % features.num_frames:
            raise ValueError(
                f'MotionCorrelation: {maps[0].shape[0]} maps are not a '
                f'multiple of T = {features.num_frames} frames per clip'
            )


def _neighbours(features: AVFeatures) -> Tuple[Tensor, Tensor]:
    """Tell which frames have a real frame after them, or on either side.

    Returns:
        tuple[Tensor, Tensor]: (B, T) bool each.
    """
    x = features.visual[0]
    real = features.valid
    if real is None:
        real = torch.ones(x.shape[0], dtype=torch.bool, device=x.device)
    real = real.view(-1, features.num_frames)
    has_next = torch.zeros_like(real)
    has_next[:, :-1] = real[:, 1:]
    has_previous = torch.zeros_like(real)
    has_previous[:, 1:] = real[:, :-1]
    return has_next & real, (has_next | has_previous) & real
