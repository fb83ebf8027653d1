"""CATR (https://github.com/aspirinone/CATR.github.io).

Checkpoints of S4 with PVT v2; they hold no VGGish.
"""

from typing import Dict

from torch import Tensor

from . import pvt
from .avsbench import rename

_SPACE = r'transformer\.spatial_encoder\.layers\.(\d+)\.'
_TIME = r'transformer\.temporal_encoder\.layers\.(\d+)\.'
_QUERIES = r'transformer\.decoder\.layers\.(\d+)\.'
_MIX, _HEAD = 'neck.1.', 'decode_head.'
_MASKS = r'spatial_decoder\.'


def _encoder_layer(released: str, ours: str) -> list:
    """Rules of a post-norm layer with self-attention alone."""
    return [
        (released + r'self_attn\.(.+)', ours + r'self_attn.attn.\2'),
        (released + r'linear1\.(.+)', ours + r'ffn.layers.0.0.\2'),
        (released + r'linear2\.(.+)', ours + r'ffn.layers.1.\2'),
        (released + r'norm1\.(.+)', ours + r'norms.0.\2'),
        (released + r'norm2\.(.+)', ours + r'norms.1.\2'),
    ]


# (released key, ours); None drops a tensor that is built and never used
_RULES = [
    (r'(conv1|path[1-4]|fusion_module)\..+', None),
    (r'.+atten\.vid_embed_proj\..+', None),
    (r'transformer\.temporal_encoder\.(av|va)_atten\..+', None),
    # runs, but nothing uses what it gives
    (r'transformer\.temporal_encoder\.layers\.2\.va_atten\..+', None),
    (r'conv2\.conv2d_list\.(.+)', r'neck.0.scales.0.branches.\1'),
    (r'conv3\.conv2d_list\.(.+)', r'neck.0.scales.1.branches.\1'),
    (r'conv4\.conv2d_list\.(.+)', r'neck.0.scales.2.branches.\1'),
    (r'vid_embed_proj\.(.+)', _MIX + r'video_proj.\1'),
    (
        r'transformer\.audio_proj\.fc\.(.+)',
        _MIX + r'audio_proj.linear.\1',
    ),
    (
        r'transformer\.audio_proj\.layer_norm\.(.+)',
        _MIX + r'audio_norm.0.\1',
    ),
    *_encoder_layer(_SPACE, _MIX + r'spatial_layers.\1.'),
    *_encoder_layer(_TIME, _MIX + r'temporal_layers.\1.within.'),
    (
        _TIME + r'av_atten\.multihead_attn\.(.+)',
        _MIX + r'temporal_layers.\1.listen.attn.\2',
    ),
    (
        _TIME + r'va_atten\.multihead_attn\.(.+)',
        _MIX + r'temporal_layers.\1.look.attn.\2',
    ),
    (
        r'transformer\.temporal_encoder\.attention_feature\.0\.(.+)',
        _MIX + r'gates.weigh.\1',
    ),
    (
        r'transformer\.temporal_encoder\.output1\.(.+)',
        _MIX + r'gates.blocks.0.\1',
    ),
    (
        r'transformer\.temporal_encoder\.output2\.(.+)',
        _MIX + r'gates.blocks.1.\1',
    ),
    (r'obj_queries\.(.+)', _HEAD + r'query_embed.\1'),
    *_encoder_layer(_QUERIES, _HEAD + r'decoder.layers.\1.'),
    (
        _QUERIES + r'multihead_attn\.(.+)',
        _HEAD + r'decoder.layers.\1.cross_attn.attn.\2',
    ),
    (_QUERIES + r'norm3\.(.+)', _HEAD + r'decoder.layers.\1.norms.2.\2'),
    (r'transformer\.decoder\.norm\.(.+)', _HEAD + r'decoder.post_norm.\1'),
    (_MASKS + r'lay1\.(.+)', _HEAD + r'mask_decoder.inner.0.0.\1'),
    (_MASKS + r'gn1\.(.+)', _HEAD + r'mask_decoder.inner.0.1.\1'),
    (_MASKS + r'lay2\.(.+)', _HEAD + r'mask_decoder.inner.1.0.\1'),
    (_MASKS + r'gn2\.(.+)', _HEAD + r'mask_decoder.inner.1.1.\1'),
    (_MASKS + r'lay3\.(.+)', _HEAD + r'mask_decoder.to_middle.0.\1'),
    (_MASKS + r'gn3\.(.+)', _HEAD + r'mask_decoder.to_middle.1.\1'),
    (_MASKS + r'lay4\.(.+)', _HEAD + r'mask_decoder.outer.0.0.\1'),
    (_MASKS + r'gn4\.(.+)', _HEAD + r'mask_decoder.outer.0.1.\1'),
    (_MASKS + r'out_lay\.(.+)', _HEAD + r'mask_decoder.outer.1.\1'),
    (_MASKS + r'adapter1\.(.+)', _HEAD + r'mask_decoder.coarse.\1'),
    (_MASKS + r'adapter2\.(.+)', _HEAD + r'mask_decoder.middle.\1'),
    (r'is_referred_head\.(.+)', _HEAD + r'cls_embed.\1'),
    (
        r'instance_kernels_head\.layers\.0\.(.+)',
        _HEAD + r'mask_embed.0.\1',
    ),
    (
        r'instance_kernels_head\.layers\.1\.(.+)',
        _HEAD + r'mask_embed.2.\1',
    ),
]
_BACKBONE = 'encoder_backbone.'


def convert(state_dict: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Name the weights as in ``configs/catr``.

    Args:
        state_dict (dict): Released keys, with or without ``module.``.

    Returns:
        dict: ``backbone.*``, ``neck.*`` and ``decode_head.*``; without the
        11.93 M values that the released code never uses.

    Raises:
        ValueError: Keys that no CATR checkpoint has.
    """
    converted, backbone, unknown = {}, {}, []
    for key, value in state_dict.items():
        key = key.removeprefix('module.')
        if key.startswith(_BACKBONE):
            backbone[key.removeprefix(_BACKBONE)] = value
            continue
        name = rename(key, _RULES)
        if name is False:
            unknown.append(key)
        elif name:
            converted[name] = value
    if unknown:
        raise ValueError(
            f'these keys are not of a CATR checkpoint: {unknown[:5]} '
            f'({len(unknown)} in all)'
        )
    backbone = pvt.convert(backbone)  # inside of EnlargedBackbone
    converted.update({f'backbone.{k}': v for k, v in backbone.items()})
    return converted
