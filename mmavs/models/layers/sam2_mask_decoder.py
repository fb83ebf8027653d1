"""SAM 2's mask decoder, with the sound's residuals of AuralSAM2."""

import math
from typing import List, NamedTuple, Sequence

import torch
from torch import Tensor, nn

from .sam2_layers import MLP, Attention, LayerNorm2d

NUM_MASKS = 3  # besides the first mask token, whose mask is never used
NUM_TOKENS = 2 + 1 + NUM_MASKS  # object score, IoU, masks


class DecodedMasks(NamedTuple):
    """What the decoder says of one frame of B clips.

    Attributes:
        masks (Tensor): (B, 3, 4 h, 4 w), raw.
        iou (Tensor): (B, 3) in (0, 1), the IoU each mask is thought to have.
        tokens (Tensor): (B, 3, D), what each mask was made of.
        object_score (Tensor): (B, 1), raw; above 0 if anything sounds.
    """

    masks: Tensor
    iou: Tensor
    tokens: Tensor
    object_score: Tensor


class Residuals(NamedTuple):
    """What AuralFuser adds inside the transformer, in order of use.

    Attributes:
        visual (list[Tensor]): Three (B, h * w, D), for the pixels.
        audio (list[Tensor]): Three (B, D), for the mask tokens.
    """

    visual: Sequence[Tensor]
    audio: Sequence[Tensor]


class TwoWayLayer(nn.Module):
    """Tokens look at each other and at the pixels; the pixels look back.

    Args:
        embed_dims (int): D.
        num_heads (int): Attention heads.
        ffn_channels (int): Hidden width of the feed-forward part.
        first (bool): The first layer's self-attention has no positions and
            no residual.
    """

    def __init__(
        self, embed_dims: int, num_heads: int, ffn_channels: int, first: bool
    ) -> None:
        super().__init__()
        half = embed_dims // 2
        self.first = first
        self.self_attn = Attention(embed_dims, num_heads)
        self.cross_attn_token_to_image = Attention(embed_dims, num_heads, half)
        self.cross_attn_image_to_token = Attention(embed_dims, num_heads, half)
        self.mlp = MLP(embed_dims, ffn_channels, embed_dims, 2)
        self.norm1, self.norm2, self.norm3, self.norm4 = (
            nn.LayerNorm(embed_dims) for _ in range(4)
        )

    def forward(
        self,
        tokens: Tensor,
        pixels: Tensor,
        token_pos: Tensor,
        pixel_pos: Tensor,
    ) -> List[Tensor]:
        """Tokens (B, Q, D), pixels (B, P, D), their positions -> both."""
        if self.first:
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            placed = tokens + token_pos
            tokens = tokens + self.self_attn(placed, placed, tokens)
        tokens = self.norm1(tokens)
        seen = self.cross_attn_token_to_image(
            tokens + token_pos, pixels + pixel_pos, pixels
        )
        tokens = self.norm2(tokens + seen)
        tokens = self.norm3(tokens + self.mlp(tokens))
        told = self.cross_attn_image_to_token(
            pixels + pixel_pos, tokens + token_pos, tokens
        )
        return [tokens, self.norm4(pixels + told)]


class TwoWayTransformer(nn.Module):
    """Two layers and a last look, with residuals before each.

    As AuralSAM2 releases it (https://arxiv.org/abs/2506.01015): the visual
    residual of a step is added to the pixels, the audio residual to the mask
    tokens alone. The first audio residual becomes part of the tokens'
    positions as well, since the released code adds it in place.

    Args:
        embed_dims (int): D.
        num_heads (int): Attention heads.
        ffn_channels (int): Hidden width of the feed-forward parts.
    """

    def __init__(
        self, embed_dims: int, num_heads: int, ffn_channels: int
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TwoWayLayer(embed_dims, num_heads, ffn_channels, first=not index)
            for index in range(2)
        )
        self.final_attn_token_to_image = Attention(
            embed_dims, num_heads, embed_dims // 2
        )
        self.norm_final_attn = nn.LayerNorm(embed_dims)

    def forward(
        self,
        tokens: Tensor,
        pixels: Tensor,
        pixel_pos: Tensor,
        residuals: Residuals,
    ) -> List[Tensor]:
        """Decode.

        Args:
            tokens (Tensor): (B, 6, D).
            pixels (Tensor): (B, P, D).
            pixel_pos (Tensor): (1, P, D).
            residuals (Residuals): Of the B frames.

        Returns:
            list[Tensor]: tokens (B, 6, D), pixels (B, P, D).
        """
        heard = [at_mask_tokens(audio) for audio in residuals.audio]
        token_pos = tokens + heard[0]
        for layer, seen, told in zip(self.layers, residuals.visual, heard):
            tokens, pixels = layer(
                tokens + told, pixels + seen, token_pos, pixel_pos
            )
        tokens, pixels = tokens + heard[2], pixels + residuals.visual[2]
        seen = self.final_attn_token_to_image(
            tokens + token_pos, pixels + pixel_pos, pixels
        )
        return [self.norm_final_attn(tokens + seen), pixels]


def at_mask_tokens(audio: Tensor) -> Tensor:
    """(B, D) -> (B, 6, D), zero at the tokens of object score and IoU."""
    heard = audio[:, None].expand(-1, NUM_TOKENS - 2, -1)
    return torch.cat([torch.zeros_like(heard[:, :2]), heard], dim=1)


class MaskDecoder(nn.Module):
    """From pixels to three masks, their IoUs and an object score.

    Args:
        embed_dims (int): D, a multiple of 8.
        num_heads (int): Attention heads.
        ffn_channels (int): Hidden width of the transformer's feed-forward.
    """

    def __init__(
        self, embed_dims: int, num_heads: int = 8, ffn_channels: int = 2048
    ) -> None:
        super().__init__()
        quarter, eighth = embed_dims // 4, embed_dims // 8
        self.transformer = TwoWayTransformer(
            embed_dims, num_heads, ffn_channels
        )
        self.obj_score_token = nn.Embedding(1, embed_dims)
        self.iou_token = nn.Embedding(1, embed_dims)
        self.mask_tokens = nn.Embedding(1 + NUM_MASKS, embed_dims)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(embed_dims, quarter, 2, stride=2),
            LayerNorm2d(quarter),
            nn.GELU(),
            nn.ConvTranspose2d(quarter, eighth, 2, stride=2),
            nn.GELU(),
        )
        self.conv_s0 = nn.Conv2d(embed_dims, eighth, 1)
        self.conv_s1 = nn.Conv2d(embed_dims, quarter, 1)
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLP(embed_dims, embed_dims, eighth, 3) for _ in range(NUM_MASKS)
        )
        self.iou_prediction_head = MLP(
            embed_dims, embed_dims, 1 + NUM_MASKS, 3
        )
        self.pred_obj_score_head = MLP(embed_dims, embed_dims, 1, 3)

    def forward(
        self,
        pixels: Tensor,
        pixel_pos: Tensor,
        fine: Sequence[Tensor],
        residuals: Residuals,
    ) -> DecodedMasks:
        """Decode one frame of B clips.

        Args:
            pixels (Tensor): (B, D, h, w), stride 16, with memory and the
                embedding of "no mask prompt".
            pixel_pos (Tensor): (1, D, h, w).
            fine (Sequence[Tensor]): (B, D / 8, 4 h, 4 w) of ``conv_s0`` and
                (B, D / 4, 2 h, 2 w) of ``conv_s1``.
            residuals (Residuals): Of the B frames.

        Returns:
            DecodedMasks: Of the B frames.
        """
        size = pixels.shape[-2:]
        embeddings = (self.obj_score_token, self.iou_token, self.mask_tokens)
        tokens = torch.cat([token.weight for token in embeddings])
        tokens, flat = self.transformer(
            tokens.expand(pixels.shape[0], -1, -1),
            pixels.flatten(2).transpose(1, 2),
            pixel_pos.flatten(2).transpose(1, 2),
            residuals,
        )
        up1, norm, act1, up2, act2 = self.output_upscaling
        x = flat.transpose(1, 2).unflatten(-1, size)  # (B, D, h, w)
        x = act1(norm(up1(x) + fine[1]))  # (B, D / 4, 2 h, 2 w)
        x = act2(up2(x) + fine[0])  # (B, D / 8, 4 h, 4 w)
        mask_tokens = tokens[:, 3:]
        kernels = torch.stack(
            [
                mlp(token)
                for mlp, token in zip(
                    self.output_hypernetworks_mlps, mask_tokens.unbind(1)
                )
            ],
            dim=1,
        )
        return DecodedMasks(
            masks=torch.einsum('bmc,bchw->bmhw', kernels, x),
            iou=self.iou_prediction_head(tokens[:, 1]).sigmoid()[:, 1:],
            tokens=mask_tokens,
            object_score=self.pred_obj_score_head(tokens[:, 0]),
        )


class PromptEncoder(nn.Module):
    """What is left of SAM 2's prompt encoder without prompts.

    Args:
        embed_dims (int): D.
    """

    def __init__(self, embed_dims: int) -> None:
        super().__init__()
        self.no_mask_embed = nn.Embedding(1, embed_dims)
        self.pe_layer = RandomPositions(embed_dims // 2)


class RandomPositions(nn.Module):
    """Sines and cosines of random projections of a pixel's place."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.register_buffer(
            'positional_encoding_gaussian_matrix', torch.randn(2, num_features)
        )

    def forward(self, height: int, width: int) -> Tensor:
        """Encode the centres of a grid: (1, 2 * num_features, h, w)."""
        matrix = self.positional_encoding_gaussian_matrix
        y, x = (
            2 * (torch.arange(size).to(matrix) + 0.5) / size - 1
            for size in (height, width)
        )
        y, x = torch.meshgrid(y, x, indexing='ij')
        angles = torch.stack([x, y], dim=-1) @ matrix * (2 * math.pi)
        encoded = torch.cat([angles.sin(), angles.cos()], dim=-1)
        return encoded.permute(2, 0, 1)[None]
