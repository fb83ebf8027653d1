"""SAM 2's video decoder as a head, prompted by sound alone."""

from contextlib import contextmanager
from typing import Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from mmavs.models.layers.checkpointing import run_checkpointed
from mmavs.models.layers.clip_groups import clip_groups
from mmavs.models.layers.positions import map_positions
from mmavs.models.layers.sam2_layers import MLP
from mmavs.models.layers.sam2_mask_decoder import (
    DecodedMasks,
    MaskDecoder,
    PromptEncoder,
    Residuals,
)
from mmavs.models.layers.sam2_memory import (
    MemoryAttention,
    MemoryEncoder,
    pointer_tokens,
)
from mmavs.models.layers.video_memory import (
    NUM_MEMORIES,
    FrameMemory,
    SeenMemories,
    VideoMemory,
)
from mmavs.registry import MODELS
from mmavs.structures import (
    AVFeatures,
    AVHeadOutput,
    AVSDataSample,
    LabeledFrames,
)
from mmavs.weights.conversion import start_part

from .avs_decode_head import AVSDecodeHead
from .write_maps import HowToWrite, resize_logits

MASK_CHOICES = ('first', 'iou', 'iou-occlusion')


class Tracked(NamedTuple):
    """Decoded frames of B clips, in order of time.

    Attributes:
        masks (Tensor): (B, T, 3, 4 h, 4 w), raw.
        iou (Tensor): (B, T, 3).
        object_score (Tensor): (B, T, 1), raw.
    """

    masks: Tensor
    iou: Tensor
    object_score: Tensor


@MODELS.register_module()
class SAM2MaskHead(AVSDecodeHead):
    """Decode frame after frame, each looking back at those before.

    Paper: AuralSAM2, https://arxiv.org/abs/2506.01015, on the decoder and the
    memory of SAM 2, https://arxiv.org/abs/2408.00714, under whose parameter
    names Meta's weights (2.0) load. There is no prompt: :class:`AuralFuser`'s
    residuals act inside the decoder. A clip is one video, unless it goes on
    (:meth:`within`); its conditioning frame is decoded first: the first one,
    in training the middle one.

    Args:
        embed_dims (int): D.
        memory_dims (int): M, width of the memories.
        num_heads, ffn_channels (int): Of the mask decoder's transformer.
        memory_layers (int): Layers of the memory attention.
        pointers_in_past_only (bool): A frame before the conditioning frame
            does not see its object pointer: SAM 2's b+ and l; False is t.
        mask_choice (str): Which of the three masks answers: 'first', 'iou'
            (of the highest predicted IoU; released checkpoints were chosen
            by it) or 'iou-occlusion' (and none where the object score is
            below 0).
        frozen (bool): No gradients for SAM 2's weights, as released.
        with_cp (bool): Decode each frame again in the backward pass instead
            of keeping its intermediate results.
        loss_mask (dict, optional): :class:`SAM2MaskLoss`, on the masks, IoUs
            and object scores.
        **kwargs: See :class:`AVSDecodeHead` (``init_cfg``: see
            :class:`SAM2Hiera`); ``loss_decode`` acts on the
            chosen mask.
    """

    remembers = True

    def __init__(
        self,
        *,
        embed_dims: int = 256,
        memory_dims: int = 64,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        memory_layers: int = 4,
        pointers_in_past_only: bool = True,
        mask_choice: str = 'iou',
        frozen: bool = True,
        with_cp: bool = False,
        loss_mask: Optional[dict] = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if mask_choice not in MASK_CHOICES:
            raise ValueError(
                f'mask_choice must be one of {MASK_CHOICES}, '
                f'got {mask_choice!r}'
            )
        self.pointers_in_past_only = pointers_in_past_only
        self.mask_choice = mask_choice
        self.memory_dims = memory_dims
        self.with_cp = with_cp
        self._video: Optional[VideoMemory] = None
        self.sam_prompt_encoder = PromptEncoder(embed_dims)
        self.sam_mask_decoder = MaskDecoder(
            embed_dims, num_heads, ffn_channels
        )
        self.memory_attention = MemoryAttention(
            embed_dims, memory_dims, memory_layers, ffn_channels
        )
        self.memory_encoder = MemoryEncoder(embed_dims, memory_dims)
        self.obj_ptr_proj = MLP(embed_dims, embed_dims, embed_dims, 3)
        self.maskmem_tpos_enc = nn.Parameter(
            torch.randn(NUM_MEMORIES, 1, 1, memory_dims) * 0.02
        )
        self.no_mem_embed = nn.Parameter(torch.randn(1, 1, embed_dims) * 0.02)
        self.no_obj_ptr = nn.Parameter(torch.randn(1, embed_dims) * 0.02)
        if frozen:
            self.requires_grad_(False)
        self.loss_mask = loss_mask and MODELS.build(loss_mask)

    def init_weights(self) -> None:
        """Start from ``init_cfg``'s file, or draw."""
        if not start_part(self, 'sam2', 'decode_head.'):
            super().init_weights()

    # ------------------------------------------------------------------ video

    def begin_video(self) -> VideoMemory:
        """Give the empty memory of a video that comes clip after clip."""
        return VideoMemory()

    @contextmanager
    def within(self, video: VideoMemory) -> Iterator[None]:
        """Decode the next clip as one of a video.

        Args:
            video (VideoMemory): Of :meth:`begin_video`; its ``start`` is the
                place of the clip's first frame. Takes the clip in, and stays
                as small.
        """
        self._video = video
        try:
            yield
            video.forget()
        finally:
            self._video = None

    # ---------------------------------------------------------------- forward

    def forward(self, features: AVFeatures) -> AVHeadOutput:
        """Decode the clips.

        Args:
            features (AVFeatures): visual maps (N, D, H_i, W_i) of strides 4,
                8, 16, then three residuals (N, D, h, w); audio (N, 3, D):
                what :class:`AuralFuser` gives.

        Returns:
            AVHeadOutput: logits (N, 1, H / 4, W / 4) of the chosen masks;
            extras ``masks`` (N, 3, H / 4, W / 4), ``iou`` (N, 3) and
            ``object_score`` (N, 1). Padded frames hold zeros.

        Raises:
            ValueError: Several clips at once of a video that goes on.
        """
        frames, (height, width) = (
            features.audio.shape[0],
            features.visual[0].shape[-2:],
        )
        if self._video is not None and frames != features.num_frames:
            raise ValueError(
                f'{frames // features.num_frames} clips came at once, of a '
                'video whose clips look back at those before. Fix: '
                'batch_size=1.'
            )
        masks = features.audio.new_zeros(frames, 3, height, width)
        iou, score = masks[:, :, 0, 0].clone(), masks[:, :1, 0, 0].clone()
        for rows in clip_groups(features):  # (B', T')
            tracked = self.track(
                [level[rows] for level in features.visual],
                features.audio[rows],
                self._video or self.begin_video(),
            )
            flat = rows.flatten()
            masks[flat] = tracked.masks.flatten(0, 1)
            iou[flat] = tracked.iou.flatten(0, 1)
            score[flat] = tracked.object_score.flatten(0, 1)
        extras = dict(masks=masks, iou=iou, object_score=score)
        return AVHeadOutput(self.choose(**extras), features, extras)

    def track(
        self, visual: Sequence[Tensor], audio: Tensor, video: VideoMemory
    ) -> Tracked:
        """Decode B clips of T frames.

        Args:
            visual (Sequence[Tensor]): (B, T, D, H_i, W_i), maps of strides
                4, 8, 16, then three residuals of stride 16.
            audio (Tensor): (B, T, 3, D).
            video (VideoMemory): What came before; takes the frames in.

        Returns:
            Tracked: All frames.
        """
        num_frames = audio.shape[1]
        if video.first is None:
            middle = num_frames // 2 if self.training else 0
            video.first = video.start + middle
        decoded: Dict[int, DecodedMasks] = {}
        order = range(video.start, video.start + num_frames)
        for place in sorted(order, key=lambda place: place != video.first):
            t = place - video.start
            decoded[t], video.frames[place] = run_checkpointed(
                self.with_cp,
                self.decode_frame,
                [level[:, t] for level in visual],
                audio[:, t],
                video.seen_from(place, self.pointers_in_past_only),
            )
        frames = [decoded[t] for t in range(num_frames)]
        return Tracked(
            torch.stack([frame.masks for frame in frames], dim=1),
            torch.stack([frame.iou for frame in frames], dim=1),
            torch.stack([frame.object_score for frame in frames], dim=1),
        )

    def decode_frame(
        self,
        visual: Sequence[Tensor],
        audio: Tensor,
        memories: Optional[SeenMemories],
    ) -> Tuple[DecodedMasks, FrameMemory]:
        """Decode one frame of B clips.

        Args:
            visual (Sequence[Tensor]): (B, D, H_i, W_i), maps of strides 4, 8,
                16, then three residuals of stride 16.
            audio (Tensor): (B, 3, D).
            memories (SeenMemories, optional): None for a conditioning frame.

        Returns:
            tuple: Its masks, and what it leaves for later frames.
        """
        four, eight, sixteen, *residuals = visual
        decoder = self.sam_mask_decoder
        masks = self.decode(
            self.look_back(sixteen, memories),
            [decoder.conv_s0(four), decoder.conv_s1(eight)],
            # stride 16 enters first
            Residuals(
                [r.flatten(2).mT for r in reversed(residuals)],
                audio.flip(1).unbind(1),
            ),
        )
        return masks, self.remember(sixteen, masks)

    def decode(
        self, pixels: Tensor, fine: Sequence[Tensor], residuals: Residuals
    ) -> DecodedMasks:
        """Decode one frame of B clips from pixels (B, D, h, w)."""
        no_mask = self.sam_prompt_encoder.no_mask_embed.weight
        positions = self.sam_prompt_encoder.pe_layer(*pixels.shape[-2:])
        return self.sam_mask_decoder(
            pixels + no_mask[..., None, None], positions, fine, residuals
        )

    def look_back(
        self, pixels: Tensor, memories: Optional[SeenMemories]
    ) -> Tensor:
        """Let the pixels (B, D, h, w) of a frame attend to memories."""
        if memories is None:
            return pixels + self.no_mem_embed[0, 0, :, None, None]
        # an empty (1, M, h, w)
        like = pixels.new_empty(1, self.memory_dims, *pixels.shape[-2:])
        place = map_positions(like)[0]  # (h * w, M)
        times = [place + self.maskmem_tpos_enc[s, 0] for s in memories.slots]
        pointers = pointer_tokens(
            memories.pointers or [pixels.new_zeros(pixels.shape[0], 0)],
            self.memory_dims,
        )
        position = torch.cat([*times, torch.zeros_like(pointers[0])])
        return self.memory_attention(
            pixels,
            torch.cat([*memories.features, pointers], dim=1),
            position[None],
            pointers.shape[1],
        )

    def remember(self, pixels: Tensor, decoded: DecodedMasks) -> FrameMemory:
        """Keep the mask of the highest IoU, and what it was made of.

        Args:
            pixels (Tensor): (B, D, h, w), stride 16, before any memory.
            decoded (DecodedMasks): Of that frame.
        """
        clips = torch.arange(pixels.shape[0], device=pixels.device)
        best = decoded.iou.argmax(dim=1)
        logits = decoded.masks[clips, best][:, None]
        size = [16 * side for side in pixels.shape[-2:]]
        logits = resize_logits(logits, size, align_corners=False)
        features = self.memory_encoder(pixels, logits)
        there = (decoded.object_score > 0).to(pixels)
        pointer = self.obj_ptr_proj(decoded.tokens[clips, best])
        pointer = there * pointer + (1 - there) * self.no_obj_ptr
        return FrameMemory(features.flatten(2).mT, pointer)

    def choose(
        self, masks: Tensor, iou: Tensor, object_score: Tensor
    ) -> Tensor:
        """Of three masks (N, 3, h, w), the one that answers (N, 1, h, w)."""
        if self.mask_choice == 'first':
            return masks[:, :1]
        best = iou.argmax(dim=1)
        chosen = masks[torch.arange(best.shape[0]), best][:, None]
        if self.mask_choice == 'iou-occlusion':
            chosen = chosen * (object_score >= 0)[..., None, None]
        return chosen

    def write_predictions(
        self,
        output: AVHeadOutput,
        data_samples: Sequence[AVSDataSample],
        how: HowToWrite,
    ) -> None:
        """Store masks, and which ones they are, for whoever scores them."""
        super().write_predictions(output, data_samples, how)
        for sample in data_samples:
            sample.set_metainfo(dict(mask_choice=self.mask_choice))

    # ------------------------------------------------------------------- loss

    def loss(
        self, output: AVHeadOutput, labels: LabeledFrames
    ) -> Dict[str, Tensor]:
        """Compute the losses of labelled frames."""
        losses = super().loss(output, labels) if self.loss_decode else {}
        if self.loss_mask is not None:
            masks, iou, score = (
                output.extras[name][labels.indices]
                for name in ('masks', 'iou', 'object_score')
            )
            masks = resize_logits(
                masks, labels.masks.shape[-2:], self.align_corners
            )
            losses.update(
                self.loss_mask(
                    masks,
                    iou,
                    score,
                    labels.masks,
                    len(labels.clips.unique()),
                    self.ignore_index,
                )
            )
        return losses
