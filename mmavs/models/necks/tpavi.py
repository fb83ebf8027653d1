"""Temporal pixel-wise audio-visual interaction at several scales."""

from typing import Optional, Sequence, Tuple

import torch
from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures

from .audio_fusion import AudioFusionNeck


@MODELS.register_module()
class TPAVI(AudioFusionNeck):
    """Let every pixel interact with all seconds of its window.

    "Audio-Visual Segmentation", https://arxiv.org/abs/2207.05042, Section
    4, and "Audio-Visual Segmentation with Semantics",
    https://arxiv.org/abs/2301.13190, Section 4, Eq. 1. Memory and time are
    linear in the number of pixels, and the result is that of the equation
    (:class:`TPAVIBlock`).

    Within a window the sound of all seconds is summed with equal right: on a
    still picture the order of the sounds cannot matter. ``window=1`` lets
    each frame hear its own second only, and so follows sound that changes.

    Padded frames are zero when they enter, take no part in the mean of a
    window that holds real frames, and are zero when they leave.

    Args:
        in_channels (Sequence[int]): Channels of each visual map.
        audio_channels (int): D of the audio encoder.
        window (int, optional): Frames that interact. Defaults to 5, as
            released, also for clips of 10 frames. None is the whole clip, 1
            is each frame alone. A shorter clip is one window.
        mode (str): 'audio-visual', 'visual-visual' (pixels attend to pixels,
            sound takes no part) or 'both', averaged.
        embed_dims (int, optional): Width of theta, phi and g. Defaults to
            half of each scale's channels, as released.
        align_bias (bool): Bias of the layer that brings sound to a scale's
            channels. Defaults to True; False in the released AVSS model.
        norm_cfg (dict, optional): Norm after rho. The released code has a
            BatchNorm there and a LayerNorm over the channels after the sum,
            neither of which is in the paper; None leaves both out and gives
            Eq. 1 to the letter.
        zero_init (bool): Start the norm after rho at zero, as released.
        **kwargs: See :class:`AudioFusionNeck`; ``stages`` is Table 7, an
            empty one Table 5.

    Raises:
        ValueError: Unknown mode, a stage that does not exist, a window below
            1.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        audio_channels: int = 128,
        *,
        window: Optional[int] = 5,
        mode: str = 'audio-visual',
        embed_dims: Optional[int] = None,
        align_bias: bool = True,
        norm_cfg: Optional[dict] = dict(type='BN'),  # noqa: B006
        zero_init: bool = True,
        **kwargs,
    ) -> None:
        super().__init__(in_channels, audio_channels, **kwargs)
        if mode not in MODES:
            raise ValueError(f'mode must be one of {MODES}, got {mode!r}')
        if window is not None and window < 1:
            raise ValueError(f'window must be 1 or more, got {window}')
        self.window = window
        self.mode = mode
        self.embed_dims = embed_dims
        self.align_bias = align_bias
        self.norm_cfg = norm_cfg
        self.zero_init = zero_init
        self.needs_audio = mode != 'visual-visual'
        self.build_blocks()

    @property
    def mixes_frames(self) -> bool:
        """bool: Whether frames of a window see each other."""
        return bool(self.stages) and self.window != 1

    def build_block(self, channels: int) -> nn.Module:
        """Build the interaction of one scale."""
        return TPAVIBlock(
            channels,
            self.audio_channels,
            self.embed_dims or channels // 2,
            self.mode,
            self.align_bias,
            self.norm_cfg,
            self.zero_init,
        )

    def fuse(
        self,
        block: nn.Module,
        x: Tensor,
        audio: Optional[Tensor],
        features: AVFeatures,
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """Apply Eq. 1 window by window; see the base class for shapes."""
        weights = self._frame_weights(features)
        fused, aligned = block(features.mask_padding(x), audio, weights)
        return features.mask_padding(fused), aligned

    def attention_maps(self, features: AVFeatures) -> Tuple[Tensor, ...]:
        """Show how each pixel responds to the sound of its second.

        Returns:
            tuple[Tensor, ...]: alpha of Eq. 1 (Figure 12), one (N, H_i, W_i)
            a fused scale, any sign. Of the T columns of alpha each frame
            shows its own second's; without sound ('visual-visual'), its
            response to the mean pixel of the frame.
        """
        maps = []
        audio = self._frame_audio(features) if self.needs_audio else None
        weights = self._frame_weights(features)
        for i in self.stages:
            x = features.mask_padding(features.visual[i])
            alpha = self.blocks[str(i)].similarity(x, audio, weights)
            own = alpha.diagonal(dim1=1, dim2=2)  # (G, H, W, window)
            maps.append(own.permute(0, 3, 1, 2).flatten(0, 1))
        return tuple(maps)

    def _frame_weights(self, features: AVFeatures) -> Tensor:
        """Share of each frame in its window: (G, window), rows sum to 1.

        Raises:
            ValueError: T is above the window and no multiple of it.
        """
        num_frames = features.num_frames
        window = min(self.window or num_frames, num_frames)
        if num_frames % window:
            raise ValueError(
                f'TPAVI: a clip of {num_frames} frames cannot be cut into '
                f'windows of {window}. Fix: window=None interacts over the '
                'whole clip, window=1 within each frame; or pad the clips '
                'with data_preprocessor.num_frames.'
            )
        x = features.visual[0]
        if features.valid is None:
            return x.new_full((x.shape[0] // window, window), 1 / window)
        real = features.valid.view(-1, window).to(x.dtype)
        # A window of padding only counts as full, so that its (discarded)
        # result enters BatchNorm's statistics as in the released code.
        real = real.where(real.any(dim=1, keepdim=True), real.new_ones(()))
        return real / real.sum(dim=1, keepdim=True)


MODES = ('audio-visual', 'visual-visual', 'both')


class TPAVIBlock(nn.Module):
    r"""TPAVI of one scale, in linear memory.

    Eq. 1 of https://arxiv.org/abs/2301.13190, for the pixels of a window of T
    frames, with ``M = T*H*W`` of them:

    .. math::
        Z = V + \rho(\alpha\, g(V)), \quad
        \alpha = \theta(V)\,\phi(\hat A)^\top / M

    There is no softmax, and :math:`\hat A` is one vector per second, repeated
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
        # (G, T, D)
        phi = self.phi(keys[:, :, None, None]).flatten(1).view(*windows, -1)
        pixels = x.flatten(2).unflatten(0, windows)  # (G, T, C, P)
        # theta(v) . phi_t = v . (theta.weight^T phi_t) + theta.bias . phi_t
        queries = phi @ self.theta.weight.flatten(1)  # (G, T, C)
        offsets = phi @ self.theta.bias
        return queries[:, None] @ pixels + offsets[:, None, :, None]

    def _attend_to_sound(
        self, x: Tensor, aligned: Tensor, weights: Tensor
    ) -> Tensor:
        scores = self._scores(x, aligned, weights.shape)  # (G, T, T, P)
        means = x.mean(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
        values = self.g(means).flatten(1) @ self.rho.weight.flatten(1).t()
        values = values.view(*weights.shape, -1) * weights[:, :, None]
        # every frame of a window reads the same T values, (N, C, T)
        values = values.transpose(1, 2).repeat_interleave(weights.shape[1], 0)
        bias = self.rho.bias[:, None]  # added once, not once per second
        return torch.baddbmm(bias, values, scores.flatten(0, 1)).view_as(x)

    def _attend_to_pixels(self, x: Tensor, weights: Tensor) -> Tensor:
        windows, num_pixels = weights.shape, x.shape[-2:].numel()
        # The share of a pixel is split between both factors: as one factor it
        # would fall below what half precision resolves.
        share = (weights / num_pixels).sqrt()[:, :, None, None]
        # (G, T, D, P)
        phi = self.phi(x).flatten(2).unflatten(0, windows) * share
        g = self.g(x).flatten(2).unflatten(0, windows) * share
        # (G, 1, D, D)
        context = (phi @ g.transpose(2, 3)).sum(dim=1, keepdim=True)
        theta = self.theta(x).flatten(2).unflatten(0, windows)
        update = context.transpose(2, 3) @ theta  # (G, T, D, P)
        return self.rho(update.flatten(0, 1).unflatten(-1, x.shape[-2:]))

    def _combine(self, x: Tensor, update: Tensor) -> Tensor:
        """Norm, residual, norm; only the residual in the literal form."""
        if self.rho_norm is None:
            return x + update
        z = self.rho_norm(update) + x
        return self.norm(z.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
