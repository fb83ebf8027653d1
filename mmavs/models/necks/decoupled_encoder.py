"""CATR's encoder: sound and pixels mixed in each frame, then over the clip."""

from typing import List, NamedTuple, Optional, Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.models.layers.attention import BatchFirstAttention
from mmavs.models.layers.avsegformer import AudioProjection
from mmavs.models.layers.checkpointing import run_checkpointed
from mmavs.models.layers.instance_decoder import EncoderLayer
from mmavs.models.layers.positions import map_positions
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures

from .channel_align import check_channels


@MODELS.register_module()
class DecoupledAVEncoder(BaseModule):
    """Encode sound and pixels twice: space within frames, time over the clip.

    Paper: CATR: Combinatorial-Dependence Audio-Queried Transformer for
    Audio-Visual Video Segmentation, https://arxiv.org/abs/2309.09709, the
    decoupled audio-visual encoder with blockwise gates. Its released code
    covers S4 with PVT-v2; numbers named "released" are that code's.

    The *spatial* encoder lets the pixels of a frame and all T sounds of its
    clip attend to each other. The *temporal* encoder starts from the same
    tokens; each layer does so too, and then lets the pixels of all frames
    listen to the T sounds, and the sounds look at all pixels. The three
    layers' maps are summed by gates.

    Args:
        in_channels (Sequence[int]): Channels of each map, stride 8 first.
        audio_channels (int): D_a of the audio encoder.
        embed_dims (int): D, a multiple of 4. Released: 256.
        num_layers (int): Layers of the spatial encoder. Released: 3.
        num_heads (int): Released: 8.
        ffn_channels (int): Hidden width of the feed-forward parts. Not public
            (settings file); 2048 is that of the code it descends from.
        dropout (float): Not public; 0.1 is that of the code it descends from.
        with_cp (bool): Compute each layer again in the backward pass instead
            of keeping its intermediate results.
        as_released (bool): Keep two slips of the released code. The second
            gate is made of the first one's weights (a sigmoid twice), and all
            sounds of a clip are those that the first frame's copy has become.
            False gives the second gate its own weights, and takes each second
            of sound from the copy that its own frame has changed, so that
            frame t is tied to second t.
    """

    def __init__(
        self,
        *,
        in_channels: Sequence[int],
        audio_channels: int = 128,
        embed_dims: int = 256,
        num_layers: int = 3,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
        with_cp: bool = False,
        as_released: bool = True,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.with_cp = with_cp
        self.in_channels = tuple(in_channels)
        self.video_proj = nn.Conv2d(self.in_channels[0], embed_dims, 1)
        self.audio_proj = AudioProjection(audio_channels, embed_dims)
        self.audio_norm = nn.Sequential(
            nn.LayerNorm(embed_dims, eps=1e-12), nn.Dropout(dropout)
        )
        self.spatial_layers = nn.ModuleList(
            EncoderLayer(embed_dims, num_heads, ffn_channels, dropout)
            for _ in range(num_layers)
        )
        self.temporal_layers = nn.ModuleList(
            TemporalLayer(
                embed_dims,
                num_heads,
                ffn_channels,
                dropout,
                as_released,
                last=index == NUM_GATES - 1,
            )
            for index in range(NUM_GATES)
        )
        self.gates = GatedSum(embed_dims, as_released)
        for part in (self.spatial_layers, self.temporal_layers, self.gates):
            for parameter in part.parameters():
                if parameter.dim() > 1:
                    nn.init.xavier_uniform_(parameter)

    def forward(self, features: AVFeatures) -> AVFeatures:
        """Mix what is seen and what is heard.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i), audio
                (N, D_a) or (N, L, D_a), of which the mean is taken.

        Returns:
            AVFeatures: visual: the gated map (N, D, h, w) of the temporal
            encoder, that of the spatial one (N, D, h, w), then the coarser
            maps as they came. audio (N, T, D): the sounds of its clip as each
            frame's spatial encoder has changed them.

        Raises:
            ValueError: The maps have other channels than ``in_channels``.
        """
        check_channels(self, features)
        tokens = self.tokenize(features)
        seen, heard = self.encode_space(tokens)
        video = self.gates(*self.encode_time(tokens))
        return features._replace(
            visual=(video, seen, *features.visual[1:]), audio=heard
        )

    def tokenize(self, features: AVFeatures) -> 'ClipTokens':
        """Make tokens of the finest map and the sounds of B clips."""
        num_frames = features.num_frames
        video = self.video_proj(features.visual[0])  # (N, D, h, w)
        # (N, D)
        audio = self.audio_norm(self.audio_proj(features).mean(dim=1))
        valid = features.valid
        return ClipTokens(
            video=video.flatten(2).transpose(1, 2),
            audio=audio.unflatten(0, (-1, num_frames)),
            position=map_positions(video),
            size=tuple(video.shape[-2:]),
            valid=None if valid is None else valid.view(-1, num_frames),
        )

    def encode_space(self, tokens: 'ClipTokens') -> List[Tensor]:
        """Spatial encoder -> map (N, D, h, w) and sounds (N, T, D)."""
        mixed = tokens.joined()
        position, hidden = tokens.joined_position(), tokens.hidden_sounds()
        for layer in self.spatial_layers:
            mixed = run_checkpointed(
                self.with_cp, layer, mixed, position, hidden
            )
        video, audio = tokens.parted(mixed)
        return [tokens.as_map(video), audio]

    def encode_time(self, tokens: 'ClipTokens') -> List[Tensor]:
        """Temporal encoder -> the map (N, D, h, w) of each layer."""
        gates = []
        for layer in self.temporal_layers:
            tokens = run_checkpointed(self.with_cp, layer, tokens)
            gates.append(tokens.as_map(tokens.video))
        return gates


NUM_GATES = 3  # outer, middle, inner: the gates' sum is written for three


class ClipTokens(NamedTuple):
    """Pixels of N = B*T frames and the T sounds of each of their B clips.

    Attributes:
        video (Tensor): (N, P, D), P = h * w pixels.
        audio (Tensor): (B, T, D).
        position (Tensor): (1, P, D), sines of the pixels' places.
        size (tuple[int, int]): h, w.
        valid (Tensor, optional): (B, T) bool, False for padded frames.
    """

    video: Tensor
    audio: Tensor
    position: Tensor
    size: tuple
    valid: Optional[Tensor]

    def joined(self) -> Tensor:
        """Pixels, then all sounds of the clip: (N, P + T, D)."""
        num_frames = self.audio.shape[1]
        sounds = self.audio[:, None].expand(-1, num_frames, -1, -1)
        return torch.cat([self.video, sounds.flatten(0, 1)], dim=1)

    def joined_position(self) -> Tensor:
        """Places of :meth:`joined`, (1, P + T, D); sounds have none."""
        num_sounds, width = self.audio.shape[1:]
        nowhere = self.position.new_zeros(1, num_sounds, width)
        return torch.cat([self.position, nowhere], dim=1)

    def hidden_sounds(self) -> Optional[Tensor]:
        """Tokens of :meth:`joined` nobody may attend to, (N, P + T) bool."""
        return hidden_sounds(self.valid, self.video.shape[1])

    def parted(self, mixed: Tensor) -> List[Tensor]:
        """Undo :meth:`joined`: (N, P, D) and (N, T, D)."""
        return mixed.split([self.video.shape[1], self.audio.shape[1]], dim=1)

    def as_map(self, video: Tensor) -> Tensor:
        """(N, P, D) -> (N, D, h, w)."""
        return video.transpose(1, 2).unflatten(-1, self.size)


def hidden_sounds(valid: Optional[Tensor], pixels: int) -> Optional[Tensor]:
    """Which of P pixels and T sounds nobody may attend to.

    Args:
        valid (Tensor, optional): (B, T) bool, False for padded frames.
        pixels (int): P.

    Returns:
        Tensor or None: (B * T, P + T) bool, True for padded sounds.
    """
    if valid is None:
        return None
    sounds = ~valid.repeat_interleave(valid.shape[1], dim=0)
    seen = sounds.new_zeros(sounds.shape[0], pixels)
    return torch.cat([seen, sounds], dim=1)


class TemporalLayer(nn.Module):
    """Mix within frames, then let the clip's pixels and sounds meet.

    Args:
        embed_dims (int): D.
        num_heads (int): Attention heads.
        ffn_channels (int): Hidden width of the feed-forward part.
        dropout (float): Of the layer within frames.
        as_released (bool): Whose copy of a sound goes on, see
            :class:`DecoupledAVEncoder`.
        last (bool): The sounds of the last layer are not used; they stay as
            they are.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        ffn_channels: int,
        dropout: float,
        as_released: bool,
        last: bool,
    ) -> None:
        super().__init__()
        self.as_released = as_released
        self.within = EncoderLayer(
            embed_dims, num_heads, ffn_channels, dropout
        )
        self.listen = SquaredAttention(embed_dims, num_heads)
        self.look = None if last else SquaredAttention(embed_dims, num_heads)

    def forward(self, tokens: ClipTokens) -> ClipTokens:
        """Change video (N, P, D) and audio (B, T, D)."""
        num_frames = tokens.audio.shape[1]
        mixed = self.within(  # (N, P + T, D)
            tokens.joined(), tokens.joined_position(), tokens.hidden_sounds()
        )
        video, copies = tokens.parted(mixed)  # (N, P, D), (N, T, D)
        audio = self.pick(copies.unflatten(0, (-1, num_frames)))  # (B, T, D)
        video = video.unflatten(0, (-1, num_frames)).flatten(1, 2)  # a clip's
        hidden = None if tokens.valid is None else ~tokens.valid
        video = self.listen(video, audio, hidden=hidden)  # (B, T * P, D)
        if self.look is not None:
            places = tokens.position.repeat(1, num_frames, 1)
            if hidden is not None:  # (B, T * P)
                pixels = tokens.position.shape[1]
                hidden = hidden.repeat_interleave(pixels, dim=1)
            audio = self.look(audio, video, places, hidden)
        video = video.unflatten(1, (num_frames, -1)).flatten(0, 1)  # (N, P, D)
        return tokens._replace(video=video, audio=audio)

    def pick(self, copies: Tensor) -> Tensor:
        """Of each frame's copies (B, T, T, D), those that go on (B, T, D)."""
        if self.as_released:
            return copies[:, 0]
        return copies.diagonal(dim1=1, dim2=2).transpose(1, 2)


class SquaredAttention(nn.Module):
    """The query times the square of what it attends to: x = q * y * y.

    As released: no residual, norm or dropout, and not bounded.
    """

    def __init__(self, embed_dims: int, num_heads: int) -> None:
        super().__init__()
        self.attn = BatchFirstAttention(embed_dims, num_heads)

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        memory_pos: Optional[Tensor] = None,
        hidden: Optional[Tensor] = None,
    ) -> Tensor:
        """Query (B, Q, D), memory (B, L, D), hidden (B, L) -> (B, Q, D)."""
        keys = memory if memory_pos is None else memory + memory_pos
        attended, _ = self.attn(
            query, keys, memory, key_padding_mask=hidden, need_weights=False
        )
        return query * attended * attended


class GatedSum(nn.Module):
    """Sum the three layers' maps E, M, K by weights made of them.

    s = mean over pixels of sigmoid(conv(cat(E, M))), two numbers per frame;
    x = block(s_0 M), result = block(x + g K). As released g is the mean of
    sigmoid(s_0) and sigmoid(s_1); else the mean of the two numbers that the
    same convolution gives for cat(M, K).
    """

    def __init__(self, embed_dims: int, as_released: bool) -> None:
        super().__init__()
        self.as_released = as_released
        self.weigh = nn.Conv2d(2 * embed_dims, 2, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(embed_dims, embed_dims, 3, padding=1),
                nn.BatchNorm2d(embed_dims),
                nn.PReLU(),
            )
            for _ in range(2)
        )

    def forward(self, outer: Tensor, middle: Tensor, inner: Tensor) -> Tensor:
        """Three maps (N, D, h, w) -> (N, D, h, w)."""
        weights = self.weights(outer, middle)  # (N, 2, 1, 1)
        x = self.blocks[0](weights[:, :1] * middle)
        if self.as_released:
            second = weights.sigmoid()
        else:
            second = self.weights(middle, inner)
        return self.blocks[1](x + second.mean(1, keepdim=True) * inner)

    def weights(self, first: Tensor, second: Tensor) -> Tensor:
        """Two maps (N, D, h, w) -> (N, 2, 1, 1) in (0, 1)."""
        scores = self.weigh(torch.cat([first, second], dim=1))
        return scores.sigmoid().mean((2, 3), keepdim=True)
