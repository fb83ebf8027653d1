"""AuralSAM2's fuser: residuals for SAM 2's decoder, of sight and sound."""

from typing import List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.models.layers.check_audio import check_audio
from mmavs.models.layers.checkpointing import run_checkpointed
from mmavs.models.layers.clip_groups import clip_groups
from mmavs.models.layers.positions import map_positions
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures

from .channel_align import check_channels


@MODELS.register_module()
class AuralFuser(BaseModule):
    """Let maps of three strides and the sounds of a clip change each other.

    Paper: AuralSAM2: Enabling SAM2 Hear Through Pyramid Audio-Visual Feature
    Prompting, https://arxiv.org/abs/2506.01015; the defaults and everything
    said below are its released code's.

    Each map is brought to the grid of stride 16, takes on what left the level
    before, and passes transformer blocks of its own; the sounds pass blocks
    in which the seconds of a clip attend to each other; then both are fused.

    Args:
        in_channels (Sequence[int]): Channels of strides 4, 8, 16, all D.
        audio_channels (int): Width of the sound, D (VGGish on two channels).
        num_heads (int): Attention heads.
        visual_depths (Sequence[int]): Blocks per level for pixels.
        audio_depth (int): Blocks per level for sounds.
        dropout (float): In attention and feed-forward parts.
        scrambled (bool): The released fusion takes the D/2 channels of pixels
            as rows of D/2 neighbouring pixels of one channel, and gives each
            frame a slice of channels of all frames. True keeps that, which
            released weights need; False fuses pixel by pixel.
        with_cp (bool): Compute each block again in the backward pass instead
            of keeping its intermediate results.
    """

    def __init__(
        self,
        *,
        in_channels: Sequence[int] = (256, 256, 256),
        audio_channels: int = 256,
        num_heads: int = 4,
        visual_depths: Sequence[int] = (3, 6, 12),
        audio_depth: int = 3,
        dropout: float = 0.1,
        scrambled: bool = True,
        with_cp: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = tuple(in_channels)
        self.with_cp = with_cp
        width = self.in_channels[0]
        if {*self.in_channels, audio_channels} != {width}:
            raise ValueError(
                'AuralFuser adds sounds to pixels, so all widths must be '
                f'alike; in_channels={self.in_channels}, '
                f'audio_channels={audio_channels}'
            )
        self.patch_embeds = nn.ModuleList(
            nn.Conv2d(width, width, stride, stride) for stride in (4, 2, 1)
        )
        self.smooth_convs = nn.ModuleList(
            nn.Conv2d(width, width, 1) for _ in range(2)
        )
        self.f_blocks = nn.ModuleList(
            nn.ModuleList(
                Block(width, num_heads, dropout, spatial=True)
                for _ in range(depth)
            )
            for depth in visual_depths
        )
        self.a_blocks = nn.ModuleList(
            nn.ModuleList(
                Block(width, num_heads, dropout, spatial=False)
                for _ in range(audio_depth)
            )
            for _ in visual_depths
        )
        self.fusion_modules = nn.ModuleList(
            SoundPixelFusion(width, scrambled) for _ in visual_depths
        )

    def forward(self, features: AVFeatures) -> AVFeatures:
        """Make residuals; the maps stay as they are.

        Args:
            features (AVFeatures): visual maps (N, D, H_i, W_i) of strides 4,
                8, 16; audio (N, D).

        Returns:
            AVFeatures: visual: the three maps, then three residuals
            (N, D, h, w) of stride 16, made of stride 4 first; audio
            (N, 3, D), the residuals of the sounds.

        Raises:
            ValueError: No sound, or other widths than it was built for.
        """
        check_channels(self, features)
        check_audio(features, self.in_channels[0])
        seen = [torch.zeros_like(features.visual[2]) for _ in range(3)]
        heard = features.audio.new_zeros(
            features.audio.shape[0], 3, seen[0].shape[1]
        )
        for rows in clip_groups(features):  # (B', T') of equal length
            maps = [level[rows.flatten()] for level in features.visual]
            visual, audio = self.fuse(maps, features.audio[rows])
            for level, residual in zip(seen, visual):
                level[rows.flatten()] = residual
            heard[rows.flatten()] = audio
        return features._replace(visual=(*features.visual, *seen), audio=heard)

    def fuse(
        self, maps: Sequence[Tensor], audio: Tensor
    ) -> Tuple[List[Tensor], Tensor]:
        """Fuse B clips of T frames each.

        Args:
            maps (Sequence[Tensor]): (B * T, D, H_i, W_i) of strides 4, 8, 16.
            audio (Tensor): (B, T, D).

        Returns:
            tuple: three (B * T, D, h, w) and (B * T, 3, D).
        """
        size = maps[2].shape[-2:]
        place = map_positions(maps[2])  # (1, P, D)
        order = alternating(audio)  # what a sine code of place 0 gives
        visual, heard, x = [], [], None
        for level, embed in enumerate(self.patch_embeds):
            below = x
            x = embed(maps[level])
            if below is not None:
                x = self.smooth_convs[level - 1](x + below)
            x = x.flatten(2).transpose(1, 2) + place  # (B * T, P, D)
            audio = audio + order
            for block in self.f_blocks[level]:
                x = run_checkpointed(self.with_cp, block, x, size)
            for block in self.a_blocks[level]:
                audio = run_checkpointed(self.with_cp, block, audio)
            x, audio = self.fusion_modules[level](x + place, audio + order)
            x = x.transpose(1, 2).unflatten(-1, size)
            visual.append(x)
            heard.append(audio.flatten(0, 1))
        return visual, torch.stack(heard, dim=1)


def alternating(like: Tensor) -> Tensor:
    """0, 1, 0, 1, ... of the last axis: sine and cosine of place 0."""
    return torch.arange(like.shape[-1], device=like.device) % 2


class Block(nn.Module):
    """Pre-norm transformer block, as in PVT v2 (arXiv 2106.13797).

    Args:
        width (int): D.
        num_heads (int): Attention heads.
        dropout (float): In attention and feed-forward part.
        spatial (bool): Tokens are the pixels of a map: keys are taken at a
            quarter of its size, and the feed-forward part looks at
            neighbours.
    """

    def __init__(
        self, width: int, num_heads: int, dropout: float, spatial: bool
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = BlockAttention(width, num_heads, dropout, spatial)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = BlockMLP(width, 4 * width, dropout, spatial)

    def forward(
        self, x: Tensor, size: Optional[Tuple[int, int]] = None
    ) -> Tensor:
        """Tokens (B, L, D), those of a map of ``size`` (h, w) -> same."""
        x = x + self.attn(self.norm1(x), size)
        return x + self.mlp(self.norm2(x), size)


class BlockAttention(nn.Module):
    """Self-attention, to keys at a quarter of the size if spatial."""

    def __init__(
        self, width: int, num_heads: int, dropout: float, spatial: bool
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        if spatial:
            self.sr = nn.Conv2d(width, width, 4, stride=4)
            self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, size: Optional[Tuple[int, int]]) -> Tensor:
        """(B, L, D) -> (B, L, D)."""
        memory = x
        if size is not None:
            memory = self.sr(x.transpose(1, 2).unflatten(-1, size))
            memory = self.norm(memory.flatten(2).transpose(1, 2))
        query = self._heads(self.q(x))
        key, value = map(self._heads, self.kv(memory).chunk(2, dim=-1))
        rate = self.dropout.p if self.training else 0.0
        attended = F.scaled_dot_product_attention(
            query, key, value, dropout_p=rate
        )
        return self.dropout(self.proj(attended.transpose(1, 2).flatten(2)))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


class BlockMLP(nn.Module):
    """Linear, depthwise 3 x 3 if spatial, GELU, linear."""

    def __init__(
        self, width: int, hidden: int, dropout: float, spatial: bool
    ) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)
        self.dropout = nn.Dropout(dropout)
        if spatial:
            self.dwconv = nn.Conv2d(
                hidden, hidden, 3, padding=1, groups=hidden
            )

    def forward(self, x: Tensor, size: Optional[Tuple[int, int]]) -> Tensor:
        """(B, L, D) -> (B, L, D)."""
        x = self.fc1(x)
        if size is not None:
            x = self.dwconv(x.transpose(1, 2).unflatten(-1, size))
            x = x.flatten(2).transpose(1, 2)
        return self.dropout(self.fc2(self.dropout(F.gelu(x))))


class SoundPixelFusion(nn.Module):
    """Pixels attend to the sounds of their clip, and sounds to its pixels.

    Dot products without softmax, divided by T * P, through D / 2 channels; a
    batch norm that starts at zero, the input added, a layer norm.

    Args:
        width (int): D, even.
        scrambled (bool): See :class:`AuralFuser`.
    """

    def __init__(self, width: int, scrambled: bool) -> None:
        super().__init__()
        self.scrambled = scrambled
        half = width // 2
        self.align_channel = nn.Linear(width, width)
        self.q_frame, self.k_frame, self.v_frame = (
            nn.Linear(width, half) for _ in range(3)
        )
        self.q_audio, self.k_audio, self.v_audio = (
            nn.Linear(width, half) for _ in range(3)
        )
        self.W_z = nn.Sequential(nn.Linear(half, width), nn.BatchNorm1d(width))
        self.W_z2 = nn.Sequential(
            nn.Linear(half, width), nn.BatchNorm1d(width)
        )
        self.norm_layer = nn.LayerNorm(width)
        self.norm_layer2 = nn.LayerNorm(width)
        for branch in (self.W_z, self.W_z2):
            nn.init.zeros_(branch[1].weight)
            nn.init.zeros_(branch[1].bias)

    def forward(self, pixels: Tensor, audio: Tensor) -> Tuple[Tensor, Tensor]:
        """Fuse B clips.

        Args:
            pixels (Tensor): (B * T, P, D).
            audio (Tensor): (B, T, D).

        Returns:
            tuple[Tensor, Tensor]: As given.
        """
        audio = self.align_channel(audio)
        num_frames = audio.shape[1]
        query, key, value = (
            self._rows(proj(pixels), num_frames)  # (B, T * P, D / 2)
            for proj in (self.q_frame, self.k_frame, self.v_frame)
        )
        count = query.shape[1]
        told = self.k_audio(audio).mT @ self.v_audio(audio)  # (B, D/2, D/2)
        heard = self._unrow(query @ told / count, num_frames)
        told = key.mT @ value
        seen = self.q_audio(audio) @ told / count  # (B, T, D / 2)
        if self.scrambled:
            seen = seen.mT.reshape(seen.shape)
        pixels = self.norm_layer(pixels + normed(self.W_z, heard))
        audio = self.norm_layer2(audio + normed(self.W_z2, seen))
        return pixels, audio

    def _rows(self, x: Tensor, num_frames: int) -> Tensor:
        """(B * T, P, C) -> (B, T * P, C), released with channels first."""
        clips = (-1, num_frames)
        if self.scrambled:
            x = x.mT.unflatten(0, clips).flatten(1)
            return x.unflatten(1, (-1, self.v_frame.out_features))
        return x.unflatten(0, clips).flatten(1, 2)

    def _unrow(self, x: Tensor, num_frames: int) -> Tensor:
        """(B, T * P, C) -> (B * T, P, C), what the released view gives."""
        if self.scrambled:
            clip = (num_frames, x.shape[-1], -1)
            return x.mT.flatten(1).unflatten(1, clip).flatten(0, 1).mT
        return x.unflatten(1, (num_frames, -1)).flatten(0, 1)


def normed(branch: nn.Sequential, x: Tensor) -> Tensor:
    """Linear layer, then batch norm over all but the last axis."""
    linear, norm = branch
    x = linear(x)
    return norm(x.flatten(0, 1)).view_as(x)
