"""AVS-BG (https://github.com/OpenNLPLab/AVS-bidirectional).

Checkpoints of S4 and MS3, with PVT v2 or ResNet-50 and either neck. They hold
no VGGish: its weights come from a file of their own.
"""

from typing import Dict

from torch import Tensor

from . import pvt
from .avsbench import rename

_NECK = r'neck\.conv_list\.(\d)'
_DECODER = r'decoder\.short_connect_with_decode_module'
_UNIT = r'ConvBNReLU([12])'
# (released key, ours); None drops a tensor that is built and never used
_RULES = [
    (
        _NECK + r'\.conv2d_list\.(\d)\.conv\.(.+)',
        r'neck.0.scales.\1.branches.\2.\3',
    ),
    # (conv, norm) pairs stand in one row here
    *(
        (
            rf'{_NECK}\.reduce\.{j}\.{part}\.(.+)',
            rf'neck.0.scales.\1.{2 * j + (part == "norm")}.\2',
        )
        for j in range(3)
        for part in ('conv', 'norm')
    ),
    (r'audio_neck\..+', None),
    # modules counted from 1, layers from 0
    *(
        (
            rf'fusion_modules\.(\d)\.conv{j + 1}\.conv\.(.+)',
            rf'neck.1.blocks.\1.convs.{j}.\2',
        )
        for j in range(3)
    ),
    (r'corr_atten\.(\d)\.(.+)', r'neck.2.gates.\1.\2'),
    # the decoder's steps begin at the coarsest scale, which has no skip
    (_DECODER + r'\.0\.resConfUnit1\..+', None),
    *(
        (
            rf'{_DECODER}\.{step}\.resConfUnit{unit}\.{_UNIT}\.{part}\.(.+)',
            rf'decode_head.{ours}.{3 - step}.conv\1.{name}.\2',
        )
        for step in range(4)
        for unit, ours in ((1, 'lateral_units'), (2, 'merge_units'))
        for part, name in (('conv', 'conv'), ('norm', 'bn'))
    ),
    (r'decoder\.head_up_2\.output_conv\.0\.(.+)', r'decode_head.conv1.\1'),
    (r'decoder\.head_up_2\.output_conv\.2\.(.+)', r'decode_head.conv2.\1'),
    (r'decoder\.head_up_2\.output_conv\.4\.(.+)', r'decode_head.conv_seg.\1'),
    (
        r'mask_encoder\.(\d)\.conv\.(.+)',
        r'auxiliary_losses.0.mask_encoder.\1.\2',
    ),
    # spelled so in the released code
    (
        r'maksed_visual_to_audio\.(.+)',
        r'auxiliary_losses.0.mask_decoder.\1',
    ),
    (r'encoder\.((?:conv1|bn1|layer[1-4])\..+)', r'backbone.\1'),
]
_PVT = ('encoder.patch_embed', 'encoder.block', 'encoder.norm')
_SWIN = 'encoder.patch_embed.'


def convert(state_dict: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Name the weights as in ``configs/avsbg``.

    Args:
        state_dict (dict): Released keys, with or without ``module.``.

    Returns:
        dict: ``backbone.*``, ``neck.0.*`` (ConvBNNeck, or DilatedSumNeck from
        a checkpoint with the code's "aspp"), ``neck.1.*`` (AVCorrelation),
        ``neck.2.*`` (MotionCorrelation), ``decode_head.*`` and
        ``auxiliary_losses.0.*`` (VisualToAudioLoss). Without ``audio_neck``
        and the skip unit of the coarsest scale (0.31 M parameters), which the
        released code never uses.

    Raises:
        ValueError: A checkpoint with Swin, whose maps leave mmseg's Swin
            normalised and the released one not, or keys that no AVS-BG
            checkpoint has.
    """
    converted, backbone, unknown = {}, {}, []
    for key, value in state_dict.items():
        key = key.removeprefix('module.')
        if key.startswith(_SWIN):
            raise ValueError(
                'this AVS-BG checkpoint has a Swin backbone, which has no '
                "norm after each stage; mmseg's SwinTransformer has, so the "
                'weights would not give the released outputs. Fix: convert '
                'a checkpoint with PVT v2 or ResNet-50.'
            )
        if key.startswith(_PVT):
            backbone[key.removeprefix('encoder.')] = value
            continue
        name = rename(key, _RULES)
        if name is False:
            unknown.append(key)
        elif name:
            converted[name] = value
    if unknown:
        raise ValueError(
            f'these keys are not of an AVS-BG checkpoint: {unknown[:5]} '
            f'({len(unknown)} in all)'
        )
    converted.update(pvt.convert(backbone))
    return converted
