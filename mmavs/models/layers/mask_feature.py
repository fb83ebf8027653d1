"""The map of stride 4 from which masks are made."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.utils.precision import at_least_float32


class MaskFeature(nn.Module):
    """Finest map plus the upsampled next one, then gated by sound.

    "AVSegFormer", https://arxiv.org/abs/2307.01146, Section 3.5.

    Args:
        embed_dims (int): D.
        mixer (bool): Gate channels by sound.
        num_heads (int): Heads of the mixer.
    """

    def __init__(
        self, embed_dims: int = 256, mixer: bool = True, num_heads: int = 8
    ) -> None:
        super().__init__()
        self.lateral_conv = nn.Sequential(
            nn.Conv2d(embed_dims, embed_dims, 1),
            nn.GroupNorm(32, embed_dims),
        )
        self.out_conv = nn.Sequential(
            nn.Conv2d(embed_dims, embed_dims, 3, padding=1),
            nn.GroupNorm(32, embed_dims),
            nn.ReLU(inplace=True),
        )
        self.mixer = None
        if mixer:
            self.mixer = CrossModalMixer(embed_dims, num_heads)

    def forward(self, fine: Tensor, coarse: Tensor, audio: Tensor) -> Tensor:
        """Merge.

        Args:
            fine (Tensor): (N, D, H, W) projected map of stride 4.
            coarse (Tensor): (N, D, H / 2, W / 2) tokens of stride 8.
            audio (Tensor): (N, L, D) sound.

        Returns:
            Tensor: (N, D, H, W), not negative (it leaves a ReLU).
        """
        up = F.interpolate(coarse, fine.shape[-2:], mode='bilinear')
        merged = self.out_conv(self.lateral_conv(fine) + up)
        return merged if self.mixer is None else self.mixer(merged, audio)


class CrossModalMixer(nn.Module):
    """Scale each channel by what the sound attends to in the map.

    "AVSegFormer", https://arxiv.org/abs/2307.01146, Section 3.5: the sound is
    the one query, all pixels are keys and values; the sigmoid of what it
    gathers multiplies the channels.

    With a single query, projecting all pixels to keys and values is waste:
    q . (W_k x_p) = (W_k^T q) . x_p and sum_p a_p W_v x_p = W_v sum_p a_p x_p,
    so the weights are moved to the sound's side, exactly.

    Args:
        embed_dims (int): D.
        num_heads (int): Attention heads M.

    Raises:
        ValueError: ``embed_dims`` is no multiple of ``num_heads``.
    """

    def __init__(self, embed_dims: int = 256, num_heads: int = 8) -> None:
        super().__init__()
        if embed_dims % num_heads:
            raise ValueError(
                f'embed_dims={embed_dims} cannot be shared by '
                f'num_heads={num_heads}; it must be a multiple'
            )
        self.num_heads = num_heads
        self.q_proj = nn.Linear(embed_dims, embed_dims, bias=False)
        self.kv_proj = nn.Linear(embed_dims, embed_dims * 2, bias=False)
        self.proj = nn.Linear(embed_dims, embed_dims)

    def forward(self, x: Tensor, audio: Tensor) -> Tensor:
        """Gate.

        Args:
            x (Tensor): (N, D, H, W).
            audio (Tensor): (N, L, D); tokens are averaged first.

        Returns:
            Tensor: (N, D, H, W), each channel times a number in (0, 1).
        """
        key_weight, value_weight = self.kv_proj.weight.unflatten(
            0, (2, self.num_heads, -1)
        )
        query = self.q_proj(audio.mean(dim=1)).unflatten(
            -1, (self.num_heads, -1)
        )
        query = query * query.shape[-1] ** -0.5
        query = torch.einsum('nmd,mdc->nmc', query, key_weight)
        pixels = x.flatten(2)
        # Sums over thousands of pixels: the softmax stays in float32.
        attention = at_least_float32(query @ pixels).softmax(-1)
        attention = attention.to(pixels.dtype)
        gathered = attention @ pixels.transpose(1, 2)
        pooled = torch.einsum('nmc,mdc->nmd', gathered, value_weight)
        gate = self.proj(pooled.flatten(1)).sigmoid()
        return x * gate[..., None, None]
