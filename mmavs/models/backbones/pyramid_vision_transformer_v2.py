"""PVT v2, the transformer backbone of the AVSBench systems."""

from typing import (
    Dict,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from mmengine.logging import print_log
from mmengine.runner.checkpoint import CheckpointLoader
from mmseg.models.backbones import MixVisionTransformer
from mmseg.models.backbones.mit import MixFFN
from mmseg.models.utils import nchw_to_nlc, nlc_to_nchw
from torch import Tensor, nn
from torch.nn import functional as F

from mmavs.models.layers.activations import SparingGELU
from mmavs.models.layers.checkpointing import run_checkpointed
from mmavs.registry import MODELS
from mmavs.weights.released import pvt


class _Variant(NamedTuple):
    embed_dims: int
    num_layers: Tuple[int, int, int, int]
    mlp_ratios: Tuple[int, int, int, int]


# Table 1 of https://arxiv.org/abs/2106.13797
VARIANTS: Dict[str, _Variant] = {
    'b0': _Variant(32, (2, 2, 2, 2), (8, 8, 4, 4)),
    'b1': _Variant(64, (2, 2, 2, 2), (8, 8, 4, 4)),
    'b2': _Variant(64, (3, 4, 6, 3), (8, 8, 4, 4)),
    'b3': _Variant(64, (3, 4, 18, 3), (8, 8, 4, 4)),
    'b4': _Variant(64, (3, 8, 27, 3), (8, 8, 4, 4)),
    'b5': _Variant(64, (3, 6, 40, 3), (4, 4, 4, 4)),
}


class FusedAttention(nn.MultiheadAttention):
    """Attention that writes down neither its matrix nor its tokens anew.

    Tokens come sequence first, as a view of what is batch first in memory;
    they are taken as they lie.
    """

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor
    ) -> Tuple[Tensor, None]:
        """(L, N, C), (S, N, C) twice -> (L, N, C) and None."""
        query, memory = query.transpose(0, 1), key.transpose(0, 1)
        widths = [self.embed_dim, 2 * self.embed_dim]
        to_query, to_memory = self.in_proj_weight.split(widths)
        query_bias, memory_bias = self.in_proj_bias.split(widths)
        query = F.linear(query, to_query, query_bias)
        key, value = F.linear(memory, to_memory, memory_bias).chunk(2, dim=-1)
        heads = (self.num_heads, -1)
        # (N, M, L or S, C / M)
        query, key, value = (
            x.unflatten(-1, heads).transpose(1, 2) for x in (query, key, value)
        )
        attended = F.scaled_dot_product_attention(query, key, value)
        attended = attended.transpose(1, 2).flatten(2)
        return self.out_proj(attended).transpose(0, 1), None


class PyramidFFN(MixFFN):
    """MixFFN that can forget its widest maps until the backward pass.

    Kept are those of the first linear layer. The depthwise convolution and
    the GELU behind it, a twentieth of a block's time and half of its memory,
    are computed again; nothing else is.
    """

    with_cp = False

    def forward(
        self,
        x: Tensor,
        hw_shape: Tuple[int, int],
        identity: Optional[Tensor] = None,
    ) -> Tensor:
        """(N, L, C) of a map (h, w) -> (N, L, C), added to the identity."""
        hidden = nlc_to_nchw(_by_token(self.layers[0], x), hw_shape)
        out = run_checkpointed(self.with_cp, self.narrow, hidden)
        return (x if identity is None else identity) + self.dropout_layer(out)

    def narrow(self, hidden: Tensor) -> Tensor:
        """All but the first layer, (N, 4 C, h, w) -> (N, L, C)."""
        _, *layers, last, dropout = self.layers
        for layer in layers:
            hidden = layer(hidden)
        return dropout(_by_token(last, nchw_to_nlc(hidden)))


def _by_token(conv: nn.Conv2d, tokens: Tensor) -> Tensor:
    """A 1 x 1 convolution as what it is; a tenth faster on a CPU."""
    return F.linear(tokens, conv.weight.flatten(1), conv.bias)


@MODELS.register_module()
class PyramidVisionTransformerV2(MixVisionTransformer):
    """PVT v2 b0 to b5, with the maps of all four stages.

    "PVT v2: Improved Baselines with Pyramid Vision Transformer",
    https://arxiv.org/abs/2106.13797. Against mmseg's MixVisionTransformer,
    which has the same blocks: the feed-forward ratio goes by stage, the norms
    of the patch embeddings and of the reduced keys have an epsilon of 1e-5
    (all others 1e-6), and attention is fused.

    The released files (``pvt_v2_b5.pth``) load as they are, with
    ``init_cfg=dict(type='Pretrained', checkpoint=...)``.

    Args:
        variant (str): 'b0' to 'b5'. Channels are (32, 64, 160, 256) for b0 and
            (64, 128, 320, 512) for the others.
        in_channels (int): Defaults to 3.
        out_indices (Sequence[int]): Stages whose maps are returned, at
            strides 4, 8, 16, 32. Defaults to all four.
        drop_path_rate (float): Stochastic depth of the last block, growing
            linearly from 0. Defaults to 0.1, as in the released AVSBench
            code.
        with_cp (bool or str): Recompute each block in the backward pass
            instead of keeping what is in it; 'ffn' recomputes the cheap half
            of what it holds alone, see :class:`PyramidFFN`.
        init_cfg (dict, optional): None draws random weights.

    Raises:
        ValueError: Unknown variant or ``with_cp``.
    """

    def __init__(
        self,
        variant: str = 'b5',
        *,
        in_channels: int = 3,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        drop_path_rate: float = 0.1,
        with_cp: Union[bool, str] = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        if variant not in VARIANTS:
            raise ValueError(
                f'variant must be one of {list(VARIANTS)}, got {variant!r}'
            )
        if with_cp not in (True, False, 'ffn'):
            raise ValueError(
                f"with_cp must be True, False or 'ffn', got {with_cp!r}"
            )
        self.variant = variant
        shape = VARIANTS[variant]
        super().__init__(
            in_channels=in_channels,
            embed_dims=shape.embed_dims,
            num_layers=shape.num_layers,
            num_heads=(1, 2, 5, 8),
            out_indices=out_indices,
            mlp_ratio=4,
            drop_path_rate=drop_path_rate,
            init_cfg=init_cfg,
        )
        self.with_cp = with_cp is True
        for (embed, blocks, _), ratio in zip(self.layers, shape.mlp_ratios):
            embed.norm.eps = 1e-5
            for block in blocks:
                _refit(block, ratio)
                block.ffn.with_cp = with_cp == 'ffn'

    def forward(self, x: Tensor) -> List[Tensor]:
        """Encode frames.

        Args:
            x (Tensor): (N, 3, H, W), normalised.

        Returns:
            list[Tensor]: (N, C_i, H_i, W_i) for each of ``out_indices``, at
            strides 4, 8, 16, 32.
        """
        maps = []
        for i, (embed, blocks, norm) in enumerate(self.layers):
            x, size = embed(x)
            for block in blocks:
                # mmseg's own with_cp takes the re-entrant form, which
                # PyTorch advises against and DDP restricts.
                x = run_checkpointed(self.with_cp, block, x, size)
            x = nlc_to_nchw(norm(x), size)
            if i in self.out_indices:
                maps.append(x)
        return maps

    def init_weights(self) -> None:
        """Load ``init_cfg``'s checkpoint, released or our own, or draw.

        Raises:
            RuntimeError: The file is of another network.
        """
        if not self.init_cfg or self.init_cfg['type'] != 'Pretrained':
            super().init_weights()
            return
        path = self.init_cfg['checkpoint']
        weights = CheckpointLoader.load_checkpoint(path, map_location='cpu')
        weights = weights.get('state_dict', weights)
        prefix = self.init_cfg.get('prefix')
        if prefix:
            prefix = prefix.rstrip('.') + '.'
            weights = {
                key[len(prefix) :]: value
                for key, value in weights.items()
                if key.startswith(prefix)
            }
        if pvt.is_released(weights):
            weights = pvt.convert_backbone(weights)
        try:
            self.load_state_dict(weights)
        except RuntimeError as error:
            raise RuntimeError(
                f'{path} does not hold a PVT v2 {self.variant}: {error} '
                "Fix: set the backbone's variant to the file's."
            ) from None
        print_log(f'PVT v2 {self.variant}: weights of {path}', 'current')


def _refit(block: nn.Module, mlp_ratio: int) -> None:
    """Give a MixVisionTransformer block what PVT v2 has."""
    attention, dims = block.attn, block.attn.embed_dims
    if attention.sr_ratio > 1:
        attention.norm.eps = 1e-5
    attention.attn = FusedAttention(dims, attention.num_heads)
    # As released; joint initialisation would see one 3C x C matrix.
    nn.init.trunc_normal_(attention.attn.in_proj_weight, std=0.02)
    drop_path = block.ffn.dropout_layer
    block.ffn = PyramidFFN(
        dims, mlp_ratio * dims, act_cfg=dict(type=SparingGELU)
    )
    block.ffn.dropout_layer = drop_path
