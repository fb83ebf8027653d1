"""AVSegFormer's arithmetic with every intermediate tensor whole.

"AVSegFormer: Audio-Visual Segmentation with Transformer",
https://arxiv.org/abs/2307.01146, step by step as its released code computes
it: samples of deformable attention written out, attention matrices formed,
all pixels projected to keys and values, a map of one channel a query.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.models.layers.attention import BatchFirstAttention
from mmavs.models.layers.avsegformer import CrossModalMixer, MaskComposer
from mmavs.models.layers.deformable_attention import (
    MultiScaleDeformableAttention,
)


class NaiveDeformableAttention(MultiScaleDeformableAttention):
    """Samples every point of every scale, then weighs them."""

    def sample(self, value: Tensor, shapes, points: Tensor, weights: Tensor):
        """See :func:`~mmavs.models.layers.deformable_attention.sum_samples`.

        Returns:
            Tensor: (N, Q, D).
        """
        from mmcv.ops.multi_scale_deform_attn import (
            multi_scale_deformable_attn_pytorch,
        )

        output = multi_scale_deformable_attn_pytorch(
            value.to(points.dtype), torch.tensor(shapes), points, weights
        )
        return output.to(value.dtype)


class NaiveMultiheadAttention(nn.MultiheadAttention):
    """Forms the attention matrix of every head."""

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        need_weights: bool = True,
    ):
        """(N, Q, D), (N, S, D), (N, S, D) -> (N, Q, D) and (N, Q, S)."""
        return super().forward(query, key, value, need_weights=True)


class NaiveCrossModalMixer(CrossModalMixer):
    """Projects all pixels to keys and values."""

    def forward(self, x: Tensor, audio: Tensor) -> Tensor:
        """(N, D, H, W) and (N, L, D) -> (N, D, H, W)."""
        pixels = x.flatten(2).transpose(1, 2)
        key, value = self.kv_proj(pixels).chunk(2, dim=-1)
        query = self.q_proj(audio.mean(dim=1, keepdim=True))
        query, key, value = (
            t.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for t in (query, key, value)
        )
        scores = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
        pooled = (scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(1)
        return x * self.proj(pooled).sigmoid()[..., None, None]


class NaiveMaskComposer(MaskComposer):
    """Makes the map of one channel a query, for all frames at once."""

    def forward(self, feature: Tensor, queries: Tensor) -> tuple:
        """(N, D, H, W) and (N, Q, D) -> (N, K, 4 H, 4 W), (N, D, H, W)."""
        x = torch.einsum('nqd,ndhw->nqhw', queries, feature)
        for i, linear in enumerate(self.mlp):
            x = F.conv2d(x, linear.weight[..., None, None], linear.bias)
            x = F.relu(x) if i < len(self.mlp) - 1 else x
        fused = feature + x
        x = F.interpolate(self.conv1(fused), scale_factor=4, mode='bilinear')
        return self.conv_seg(F.relu(self.conv2(x))), fused


AVSEGFORMER_FORMS = {
    MultiScaleDeformableAttention: NaiveDeformableAttention,
    BatchFirstAttention: NaiveMultiheadAttention,
    CrossModalMixer: NaiveCrossModalMixer,
    MaskComposer: NaiveMaskComposer,
}
