"""TPAVI with the matrix over all pairs of pixels, after Eq. 1."""

import torch
from torch import Tensor

from mmavs.models.necks.tpavi import TPAVIBlock


class NaiveTPAVIBlock(TPAVIBlock):
    """The parameters of :class:`TPAVIBlock`, the arithmetic of the paper.

    "Audio-Visual Segmentation with Semantics",
    https://arxiv.org/abs/2301.13190, Section 4: sound is duplicated over the
    H*W pixels of its frame, and alpha is an M x M matrix with M = T*H*W.
    Frames of equal weight only.
    """

    def _attend_to_sound(
        self, x: Tensor, aligned: Tensor, weights: Tensor
    ) -> Tensor:
        repeated = aligned[:, :, None, None].expand(-1, -1, *x.shape[-2:])
        return self._attend(x, repeated, weights.shape)

    def _attend_to_pixels(self, x: Tensor, weights: Tensor) -> Tensor:
        return self._attend(x, x, weights.shape)

    def _attend(self, x: Tensor, keys: Tensor, windows: torch.Size) -> Tensor:
        theta = self._pixels(self.theta(x), windows)
        phi = self._pixels(self.phi(keys), windows)
        g = self._pixels(self.g(x), windows)
        alpha = theta @ phi.transpose(1, 2)
        alpha = alpha / alpha.shape[-1]
        update = (alpha @ g).unflatten(1, (windows[1], -1))
        update = update.transpose(2, 3).flatten(0, 1)
        return self.rho(update.unflatten(-1, x.shape[-2:]))

    @staticmethod
    def _pixels(x: Tensor, windows: torch.Size) -> Tensor:
        """(G*T, D, H, W) -> (G, M, D)."""
        clips = x.unflatten(0, windows).transpose(1, 2)
        return clips.flatten(2).transpose(1, 2)
