"""Temporal pixel-wise audio-visual interaction at several scales."""

from typing import Optional, Sequence, Tuple

from torch import Tensor, nn

from mmavs.models.layers.tpavi_block import MODES, TPAVIBlock
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
    (:class:`~mmavs.models.layers.tpavi_block.TPAVIBlock`).

    Within a window the sound of all seconds is summed with equal right: on a
    still picture the order of the sounds cannot matter. ``window=1`` lets
    each frame hear its own second only, and so follows sound that changes.

    Padded frames are zero when they enter, take no part in the mean of a
    window that holds real frames, and are zero when they leave.

    Args:
        in_channels (Sequence[int]): Channels of each visual map.
        audio_channels (int): D of the audio encoder. Defaults to 128.
        stages (Sequence[int], optional): Scales that are fused (Table 7);
            all by default, none with an empty one (Table 5).
        window (int, optional): Frames that interact. Defaults to 5, as
            released, also for clips of 10 frames. None is the whole clip, 1
            is each frame alone. A shorter clip is one window.
        mode (str): 'audio-visual', 'visual-visual' (pixels attend to pixels,
            sound takes no part) or 'both', averaged. Defaults to
            'audio-visual'.
        embed_dims (int, optional): Width of theta, phi and g. Defaults to
            half of each scale's channels, as released.
        align_bias (bool): Bias of the layer that brings sound to a scale's
            channels. Defaults to True; False in the released AVSS model.
        norm_cfg (dict, optional): Norm after rho. The released code has a
            BatchNorm there and a LayerNorm over the channels after the sum,
            neither of which is in the paper; None leaves both out and gives
            Eq. 1 to the letter. Defaults to ``dict(type='BN')``.
        zero_init (bool): Start the norm after rho at zero, as released.
            Defaults to True.

    Raises:
        ValueError: Unknown mode, a stage that does not exist, a window below
            1.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        audio_channels: int = 128,
        stages: Optional[Sequence[int]] = None,
        window: Optional[int] = 5,
        mode: str = 'audio-visual',
        embed_dims: Optional[int] = None,
        align_bias: bool = True,
        norm_cfg: Optional[dict] = dict(type='BN'),  # noqa: B006
        zero_init: bool = True,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(in_channels, audio_channels, stages, init_cfg)
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

        Args:
            features (AVFeatures): What :meth:`forward` is given.

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
                f'windows of {window}. Mend: window=None interacts over the '
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
