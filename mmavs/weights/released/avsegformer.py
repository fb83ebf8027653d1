"""AVSegFormer (https://github.com/vvvb-github/AVSegFormer).

Checkpoints of S4, MS3 and AVSS, with PVT v2 or ResNet-50; VGGish included.
"""

from typing import Dict

from torch import Tensor

from . import pvt, vggish
from .avsbench import rename

_ENCODER = r'head\.transformer\.encoder\.layers\.(\d+)'
_DECODER = r'head\.transformer\.decoder\.layers\.(\d+)'
# (released key, ours); None drops a tensor that is built and never used
_RULES = [
    (r'audio_proj\.(.+)', r'decode_head.audio_proj.linear.\1'),
    (r'head\.level_embed', r'decode_head.encoder.level_embed'),
    (r'head\.in_proj\.(.+)', r'decode_head.encoder.in_proj.\1'),
    (_ENCODER + r'\.linear1\.(.+)', r'decode_head.encoder.layers.\1.ffn.0.\2'),
    (_ENCODER + r'\.linear2\.(.+)', r'decode_head.encoder.layers.\1.ffn.3.\2'),
    (_ENCODER + r'\.(.+)', r'decode_head.encoder.layers.\1.\2'),
    (_DECODER + r'\.linear1\.(.+)', r'decode_head.decoder.layers.\1.ffn.0.\2'),
    (_DECODER + r'\.linear2\.(.+)', r'decode_head.decoder.layers.\1.ffn.3.\2'),
    (_DECODER + r'\.(.+)', r'decode_head.decoder.layers.\1.\2'),
    (r'head\.learnable_query\.(.+)', r'decode_head.queries.learnable.\1'),
    (
        r'head\.query_generator\.layers\.(\d+)\.ffn\.2\.(.+)',
        r'decode_head.queries.generator.layers.\1.ffn.3.\2',
    ),
    (r'head\.query_generator\.(.+)', r'decode_head.queries.generator.\1'),
    (r'head\.fusion_block\.(.+)', r'decode_head.mask_feature.mixer.\1'),
    (
        r'head\.(lateral_conv|out_conv)\.(.+)',
        r'decode_head.mask_feature.\1.\2',
    ),
    (r'head\.mlp\.layers\.(\d)\.(.+)', r'decode_head.composer.mlp.\1.\2'),
    (r'head\.fc\.0\.(.+)', r'decode_head.composer.conv1.\1'),
    (r'head\.fc\.2\.(.+)', r'decode_head.composer.conv2.\1'),
    (r'head\.fc\.4\.(.+)', r'decode_head.composer.conv_seg.\1'),
    (r'head\.(fpn|attn_fc)\..+', None),
    (r'backbone\.layer[34]_2\..+', None),
    (r'backbone\.(layer[34])_1\.(.+)', r'backbone.\1.\2'),
    (r'backbone\.((?:conv1|bn1|layer[12])\..+)', r'backbone.\1'),
]
_PVT = ('patch_embed', 'block', 'norm')


def convert(state_dict: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Name the weights as in ``configs/avsegformer``.

    Args:
        state_dict (dict): Released keys, with or without ``module.``.

    Returns:
        dict: ``backbone.*``, ``audio_encoder.*`` and ``decode_head.*``.
        Without ``head.fpn`` and ``head.attn_fc`` (2.10 M parameters) and the
        second branch of ResNet-50, which the released code never uses.

    Raises:
        ValueError: Keys that no AVSegFormer checkpoint has.
    """
    converted, backbone, audio, unknown = {}, {}, {}, []
    for key, value in state_dict.items():
        key = key.removeprefix('module.')
        if key.startswith(tuple(f'backbone.{part}' for part in _PVT)):
            backbone[key.removeprefix('backbone.')] = value
            continue
        if key.startswith('vggish.'):
            audio[key.removeprefix('vggish.')] = value
            continue
        name = rename(key, _RULES)
        if name is False:
            unknown.append(key)
        elif name:
            if '.mlp.' in name and value.ndim == 4:
                value = value[..., 0, 0]  # 1 x 1 convolutions are linear
            converted[name] = value
    if unknown:
        raise ValueError(
            f'these keys are not of an AVSegFormer checkpoint: {unknown[:5]} '
            f'({len(unknown)} in all)'
        )
    converted.update(pvt.convert(backbone))
    converted.update(vggish.convert(audio))
    return converted
