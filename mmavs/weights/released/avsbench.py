"""The AVSBench baseline (https://github.com/OpenNLPLab/AVSBench).

Checkpoints of S4, MS3 and AVSS, with PVT v2 or ResNet-50. They hold no
VGGish: its weights come from a file of their own.
"""

import re
from typing import Dict, Optional, Union

from torch import Tensor

from . import pvt

# (released key, ours); None drops a tensor that is built and never used
_RULES = [
    (r'conv(\d)\.conv2d_list\.(\d)\.(.+)', r'neck.0.scales.{}.branches.\2.\3'),
    (r'tpavi_b(\d)\.align_channel\.(.+)', r'neck.1.blocks.{}.align.\2'),
    (r'tpavi_b(\d)\.norm_layer\.(.+)', r'neck.1.blocks.{}.norm.\2'),
    (r'tpavi_b(\d)\.W_z\.0\.(.+)', r'neck.1.blocks.{}.rho.\2'),
    (r'tpavi_b(\d)\.W_z\.1\.(.+)', r'neck.1.blocks.{}.rho_norm.\2'),
    (r'tpavi_b(\d)\.(theta|phi|g)\.(.+)', r'neck.1.blocks.{}.\2.\3'),
    (r'path4\.resConfUnit1\..+', None),
    (
        r'path(\d)\.resConfUnit1\.conv([12])\.(.+)',
        r'decode_head.lateral_units.{}.conv\2.conv.\3',
    ),
    (
        r'path(\d)\.resConfUnit2\.conv([12])\.(.+)',
        r'decode_head.merge_units.{}.conv\2.conv.\3',
    ),
    (r'output_conv\.0\.(.+)', r'decode_head.conv1.\1'),
    (r'output_conv\.2\.(.+)', r'decode_head.conv2.\1'),
    (r'output_conv\.4\.(.+)', r'decode_head.conv_seg.\1'),
    (r'resnet\.layer[34]_2\..+', None),
    (r'resnet\.(layer[34])_1\.(.+)', r'backbone.\1.\2'),
    (r'resnet\.((?:conv1|bn1|layer[12])\..+)', r'backbone.\1'),
]
_PVT = 'encoder_backbone.'


def convert(state_dict: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Name the weights as in ``configs/tpavi``.

    Args:
        state_dict (dict): Released keys, with or without ``module.``.

    Returns:
        dict: ``backbone.*``, ``neck.0.*`` (DilatedSumNeck), ``neck.1.*``
        (TPAVI, absent in a checkpoint without it) and ``decode_head.*``.
        Without ``path4.resConfUnit1``, and without the second branch of
        ResNet-50, both of which the released code never uses.

    Raises:
        ValueError: Keys that no AVSBench checkpoint has.
    """
    converted, backbone, unknown = {}, {}, []
    for key, value in state_dict.items():
        key = key.removeprefix('module.')
        if key.startswith(_PVT):
            backbone[key[len(_PVT) :]] = value
            continue
        name = rename(key, _RULES)
        if name is False:
            unknown.append(key)
        elif name:
            # 1 x 1 x 1 convolutions over (T, H, W) are 1 x 1 over (H, W)
            converted[name] = value.squeeze(-1) if value.ndim == 5 else value
    if unknown:
        raise ValueError(
            f'these keys are not of an AVSBench checkpoint: {unknown[:5]} '
            f'({len(unknown)} in all)'
        )
    if backbone:
        converted.update(pvt.convert(backbone))
    return converted


def rename(key: str, rules: list) -> Union[str, Optional[bool]]:
    """Apply the first rule that fits the whole key.

    Args:
        key (str): A released key.
        rules (list[tuple]): (pattern, template or None). ``{}`` in a template
            stands for the pattern's first group, counted from 0 instead of 1.

    Returns:
        str: The new key; None for a tensor to drop, False if no rule fits.
    """
    for pattern, template in rules:
        match = re.fullmatch(pattern, key)
        if match is None:
            continue
        if template is None:
            return None
        if '{}' in template:
            template = template.replace('{}', str(int(match[1]) - 1))
        return match.expand(template)
    return False
