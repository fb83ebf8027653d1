"""Temporal pixel-wise audio-visual interaction on the maps of one scale."""

from typing import Optional, Tuple

import torch
from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

MODES = ('audio-visual', 'visual-visual', 'both')


class TPAVIBlock(nn.Module):
    r"""TPAVI of one scale, in linear memory.

    Eq. 1 of https://arxiv.org/abs/2301.13190, for the pixels of a window of T
    frames, with ``M = T*H*W`` of them:

    .. math::
        Z = V + \rho(\alpha\, g(V)), \quad
        \alpha = \theta(V)\,\phi(\hat A)^\top / M

    There is no softmax, and :math:`\hat A` is one vector a second, repeated
    over the frame. So the M x M matrix has T distinct columns, and summing
    equal columns first gives, for pixel p, exactly

    .. math::
        (\alpha\, g(V))_p = \frac{1}{T} \sum_t
        \langle \theta(v_p), \phi(a_t) \rangle \; \overline{g(V_t)}

    with the mean of g over frame t: a pixel attends to T seconds. Both linear
    maps around it, theta and rho, are applied to the T keys and T values
    instead of to M pixels, and g to T means. With pixels as keys
    (visual-visual) the product is taken from the right,
    :math:`\theta\,(\phi^\top g) / M`, which needs a D x D matrix.

    Args:
        channels (int): C of the maps.
        audio_channels (int): Width of the sound.
        embed_dims (int): Width of theta, phi and g.
        mode (str): One of 'audio-visual', 'visual-visual' and 'both' (their
            mean).
        align_bias (bool): Bias of the layer that brings sound to C channels.
        norm_cfg (dict, optional): Norm after rho; with it comes a LayerNorm
            over the channels of Z. None is Eq. 1 to the letter.
        zero_init (bool): Start that norm at zero, so that the block starts as
            the LayerNorm of V.
    """

    def __init__(
        self,
        channels: int,
        audio_channels: int,
        embed_dims: int,
        mode: str,
        align_bias: bool,
        norm_cfg: Optional[dict],
        zero_init: bool,
    ) -> None:
        super().__init__()
        self.mode = mode
        if self.hears:
            self.align = nn.Linear(audio_channels, channels, bias=align_bias)
        self.theta = nn.Conv2d(channels, embed_dims, 1)
        self.phi = nn.Conv2d(channels, embed_dims, 1)
        self.g = nn.Conv2d(channels, embed_dims, 1)
        self.rho = nn.Conv2d(embed_dims, channels, 1)
        self.rho_norm: Optional[nn.Module] = None
        self.norm: Optional[nn.Module] = None
        if norm_cfg is not None:
            self.rho_norm = build_norm_layer(norm_cfg, channels)[1]
            self.norm = nn.LayerNorm(channels)
            if zero_init:
                nn.init.zeros_(self.rho_norm.weight)
                nn.init.zeros_(self.rho_norm.bias)

    @property
    def hears(self) -> bool:
        """bool: Whether sound takes part."""
        return self.mode != 'visual-visual'

    def forward(
        self, x: Tensor, audio: Optional[Tensor], weights: Tensor
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """Let every pixel interact with the seconds of its window.

        Args:
            x (Tensor): Maps of G windows of T frames, (G*T, C, H, W).
            audio (Tensor, optional): (G*T, audio_channels).
            weights (Tensor): (G, T), share of each frame in the mean over its
                window; rows sum to 1.

        Returns:
            tuple: Z (G*T, C, H, W), and the sound at C channels (G*T, C) or
            None.
        """
        outputs, aligned = [], None
        if self.hears:
            aligned = self.align(audio)
            update = self._attend_to_sound(x, aligned, weights)
            outputs.append(self._combine(x, update))
        if self.mode != 'audio-visual':
            update = self._attend_to_pixels(x, weights)
            outputs.append(self._combine(x, update))
        if self.mode == 'both':
            return (outputs[0] + outputs[1]) / 2, aligned
        return outputs[0], aligned

    def similarity(
        self, x: Tensor, audio: Optional[Tensor], weights: Tensor
    ) -> Tensor:
        """Give alpha of Eq. 1, one column a second.

        Args:
            x, audio, weights: As for :meth:`forward`.

        Returns:
            Tensor: (G, T, T, H, W): of the pixels of frame i (second axis)
            to second j (third axis); to the mean pixel of frame j if the
            block does not hear. Any sign: there is no softmax.
        """
        if self.hears:
            keys = self.align(audio)
        else:
            keys = x.mean(dim=(2, 3))
        scores = self._scores(x, keys, weights.shape)
        return scores.unflatten(-1, x.shape[-2:]) / (
            weights.shape[1] * x.shape[-2:].numel()
        )

    def _scores(self, x: Tensor, keys: Tensor, windows: torch.Size) -> Tensor:
        """<theta(v), phi(key_t)> of every pixel: (G, T, T, H*W)."""
        phi = self.phi(keys[:, :, None, None]).flatten(1).view(*windows, -1)
        pixels = x.flatten(2).unflatten(0, windows)
        # theta(v) . phi_t = v . (theta.weight^T phi_t) + theta.bias . phi_t
        queries = phi @ self.theta.weight.flatten(1)
        offsets = phi @ self.theta.bias
        return queries[:, None] @ pixels + offsets[:, None, :, None]

    def _attend_to_sound(
        self, x: Tensor, aligned: Tensor, weights: Tensor
    ) -> Tensor:
        scores = self._scores(x, aligned, weights.shape)
        means = x.mean(dim=(2, 3), keepdim=True)
        values = self.g(means).flatten(1) @ self.rho.weight.flatten(1).t()
        values = values.view(*weights.shape, -1) * weights[:, :, None]
        # every frame of a window reads the same T values, (N, C, T)
        values = values.transpose(1, 2).repeat_interleave(weights.shape[1], 0)
        bias = self.rho.bias[:, None]  # added once, not once a second
        return torch.baddbmm(bias, values, scores.flatten(0, 1)).view_as(x)

    def _attend_to_pixels(self, x: Tensor, weights: Tensor) -> Tensor:
        windows, num_pixels = weights.shape, x.shape[-2:].numel()
        # The share of a pixel is split between both factors: as one factor it
        # would fall below what half precision resolves.
        share = (weights / num_pixels).sqrt()[:, :, None, None]
        phi = self.phi(x).flatten(2).unflatten(0, windows) * share
        g = self.g(x).flatten(2).unflatten(0, windows) * share
        context = (phi @ g.transpose(2, 3)).sum(dim=1, keepdim=True)
        theta = self.theta(x).flatten(2).unflatten(0, windows)
        update = context.transpose(2, 3) @ theta
        return self.rho(update.flatten(0, 1).unflatten(-1, x.shape[-2:]))

    def _combine(self, x: Tensor, update: Tensor) -> Tensor:
        """Norm, residual, norm; only the residual in the literal form."""
        if self.rho_norm is None:
            return x + update
        z = self.rho_norm(update) + x
        return self.norm(z.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
