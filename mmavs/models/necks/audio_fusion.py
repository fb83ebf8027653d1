"""What the necks that put sound into visual maps share."""

from abc import ABCMeta, abstractmethod
from typing import List, Optional, Sequence, Tuple

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.structures import AVFeatures

from .channel_align import check_channels


class AudioFusionNeck(BaseModule, metaclass=ABCMeta):
    """One fusion block per scale, on any subset of the scales.

    A subclass says how to build one block (:meth:`build_block`) and how to
    call it (:meth:`fuse`); checks, the walk over the scales and the record of
    the projected sound are here.

    Args:
        in_channels (Sequence[int]): Channels of each visual map, finest
            first; they leave the neck unchanged.
        audio_channels (int): D of the audio encoder.
        stages (Sequence[int], optional): Indices of the scales that are
            fused, e.g. ``(2, 3)``; an empty one fuses nothing. Defaults to
            all scales.

    Raises:
        ValueError: A stage that does not exist.
    """

    needs_audio = True

    def __init__(
        self,
        in_channels: Sequence[int],
        audio_channels: int = 128,
        *,
        stages: Optional[Sequence[int]] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = tuple(in_channels)
        self.audio_channels = audio_channels
        scales = range(len(self.in_channels))
        self.stages = tuple(scales if stages is None else sorted(stages))
        if not set(self.stages) <= set(scales):
            raise ValueError(
                f'{type(self).__name__}: stages={tuple(stages)} must lie in '
                f'0..{len(scales) - 1}, one index for each of in_channels'
            )

    def build_blocks(self) -> None:
        """Build one block per fused scale; called last in ``__init__``."""
        self.blocks = nn.ModuleDict(
            {
                str(i): self.build_block(self.in_channels[i])
                for i in self.stages
            }
        )

    @abstractmethod
    def build_block(self, channels: int) -> nn.Module:
        """Build the fusion of a scale with ``channels`` channels."""

    @abstractmethod
    def fuse(
        self,
        block: nn.Module,
        x: Tensor,
        audio: Optional[Tensor],
        features: AVFeatures,
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """Fuse one scale.

        Args:
            block (nn.Module): What :meth:`build_block` built for it.
            x (Tensor): (N, C, H, W).
            audio (Tensor, optional): (N, D), zero for padded frames; None if
                the neck does not need sound.
            features (AVFeatures): All that entered the neck.

        Returns:
            tuple: Fused map (N, C, H, W) and the sound as the fusion saw it,
            (N, C), or None.
        """

    def forward(self, features: AVFeatures) -> AVFeatures:
        """Fuse the chosen scales.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i), audio
                (N, D), or tokens (N, L, D), which are averaged.

        Returns:
            AVFeatures: Same shapes; ``aligned_audio`` has one entry per scale,
            None where nothing was fused.

        Raises:
            ValueError: Channels, scales, frames or seconds do not fit.
        """
        if not self.stages:
            return features
        self._check_visual(features)
        # (N, D)
        audio = self._frame_audio(features) if self.needs_audio else None
        visual: List[Tensor] = list(features.visual)
        aligned: List[Optional[Tensor]] = [None] * len(visual)
        for i in self.stages:
            visual[i], aligned[i] = self.fuse(  # (N, C_i, H_i, W_i), (N, C_i)
                self.blocks[str(i)], visual[i], audio, features
            )
        if all(vector is None for vector in aligned):
            aligned = []
        return features._replace(
            visual=tuple(visual), aligned_audio=tuple(aligned)
        )

    def _check_visual(self, features: AVFeatures) -> None:
        check_channels(self, features)
        num_maps = features.visual[0].shape[0]
        if num_maps % features.num_frames:
            raise ValueError(
                f'{type(self).__name__}: {num_maps} maps are not a '
                f'multiple of T = {features.num_frames} frames per clip'
            )

    def _frame_audio(self, features: AVFeatures) -> Tensor:
        """One vector (N, D) per frame, zero for padded frames."""
        name, audio = type(self).__name__, features.frame_audio
        if audio is None:
            raise ValueError(
                f'{name} fuses sound, but the model has no audio_encoder'
            )
        num_maps = features.visual[0].shape[0]
        if audio.shape[0] != num_maps:
            raise ValueError(
                f'{name}: {num_maps} frames came with {audio.shape[0]} '
                'seconds of sound; they must pair one to one'
            )
        if audio.shape[1] != self.audio_channels:
            raise ValueError(
                f'{name} was built for audio_channels='
                f'{self.audio_channels}, but the audio encoder gives '
                f'{audio.shape[1]}'
            )
        return features.mask_padding(audio)
