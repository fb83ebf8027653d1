"""Where picture and sound agree, as a gate."""

from typing import Sequence, Tuple

import torch
from torch import Tensor, nn

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures

from .audio_fusion import AudioFusionNeck

CORRELATIONS = ('product', 'sum')


class CorrelationGate(nn.Module):
    """Gate of one scale; see :class:`AVCorrelation`."""

    def __init__(
        self, channels: int, audio_channels: int, correlation: str
    ) -> None:
        super().__init__()
        self.correlation = correlation
        self.align = None
        if audio_channels != channels:
            self.align = nn.Linear(audio_channels, channels)
        hidden = channels // 4
        self.convs = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.Conv2d(hidden, hidden, 7, padding=3, bias=False),
            nn.Conv2d(hidden, 1, 1, bias=False),
        )

    def forward(
        self, x: Tensor, audio: Tensor
    ) -> Tuple[Tensor, Tensor, Tensor]:
        """Compare a map with its sound.

        Args:
            x (Tensor): (N, C, H, W).
            audio (Tensor): (N, D).

        Returns:
            tuple: the normalised map (N, C, H, W), the normalised sound
            (N, C), and the gate (N, 1, H, W), or (N, 1, 1, 1) with
            ``correlation='sum'``, in (0, 1).
        """
        if self.align is not None:
            audio = self.align(audio)
        x, audio = l2_normalise(x), l2_normalise(audio)
        agreement = x * audio[:, :, None, None]  # (N, C, H, W)
        if self.correlation == 'sum':
            agreement = agreement.sum(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
        return x, audio, self.convs(agreement).sigmoid()


@MODELS.register_module()
class AVCorrelation(AudioFusionNeck):
    r"""Gate every map by the channel-wise product with its sound.

    The audio-visual fused module of "Improving Audio-Visual Segmentation with
    Bidirectional Generation", https://arxiv.org/abs/2308.08288, Section
    "Audio-Visual Fused Module", Eq. 1 and Figure 2. Each frame hears its own
    second; with x and a of unit length over the channels,

    .. math::
        out(p) = x(p) \, (1 + \sigma(f(x \odot a)(p)))

    where f is a 1 x 1 convolution to a quarter of the channels, a 7 x 7 and a
    1 x 1 to one channel, without bias, norm or activation in between. The
    length of the visual features is lost on purpose: the released code builds
    its output on the normalised map.

    Args:
        in_channels (Sequence[int]): Channels of each visual map.
        audio_channels (int): D of the audio encoder. Where it differs from a
            scale's channels, a linear layer brings it there (in the released
            model both are 128, and no such layer is used).
        correlation (str): 'product', as released: the product at each
            position. 'sum' is Eq. 1 to the letter: the product is summed over
            h and w, so that each frame gets one number, and the gate cannot
            tell one position from another.
        **kwargs: See :class:`AudioFusionNeck`; ``stages=()`` builds nothing:
            the row "w/o audio" of Table 3.

    Raises:
        ValueError: Unknown ``correlation``; a stage that does not exist.
    """

    mixes_frames = False

    def __init__(
        self,
        in_channels: Sequence[int],
        audio_channels: int = 128,
        *,
        correlation: str = 'product',
        **kwargs,
    ) -> None:
        super().__init__(in_channels, audio_channels, **kwargs)
        if correlation not in CORRELATIONS:
            raise ValueError(
                f'correlation must be one of {CORRELATIONS}, '
                f'got {correlation!r}'
            )
        self.correlation = correlation
        self.build_blocks()

    def build_block(self, channels: int) -> nn.Module:
        """Build the gate of one scale."""
        return CorrelationGate(channels, self.audio_channels, self.correlation)

    def fuse(
        self,
        block: nn.Module,
        x: Tensor,
        audio: Tensor,
        features: AVFeatures,
    ) -> Tuple[Tensor, Tensor]:
        """Gate one scale; see the base class for shapes."""
        x, audio, gate = block(x, audio)
        return x + x * gate, audio

    def attention_maps(self, features: AVFeatures) -> Tuple[Tensor, ...]:
        """Show where each frame agrees with its sound.

        Returns:
            tuple[Tensor, ...]: One gate (N, H_i, W_i) a fused scale, in
            (0, 1).
        """
        if not self.stages:
            return ()
        self._check_visual(features)
        audio = self._frame_audio(features)
        maps = []
        for i in self.stages:
            x = features.visual[i]
            gate = self.blocks[str(i)](x, audio)[2].squeeze(1)
            maps.append(gate.expand(-1, *x.shape[-2:]))
        return tuple(maps)


def l2_normalise(x: Tensor, eps: float = 1e-6) -> Tensor:
    """Divide by the length over dimension 1, ``sqrt(sum x^2 + eps)``.

    The sum is float32: in float16 it overflows from length 256 on.

    Args:
        x (Tensor): (N, C, ...).
        eps (float): Inside the root, so that zero stays zero, with a finite
            gradient.

    Returns:
        Tensor: Like x, of length 1 or (near zero) less.
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    length = (wide.square().sum(dim=1, keepdim=True) + eps).sqrt()
    return (wide / length).to(x.dtype)
