"""AuralSAM2 (https://github.com/yyliu01/AuralSAM2), sound and video.

A released file holds the fuser, VGGish included; SAM 2.0's weights come from
Meta's file. Files of whole models hold both.
"""

import re
from typing import Dict

from torch import Tensor

from . import sam2, vggish
from .avsbench import rename

_VIDEO, _FUSER = 'v_model.', 'aural_fuser.'
# names of earlier files, counted from 1 -> those of the released code, from 0
_LEGACY = {
    'train_f_patch_embed': 'patch_embeds',
    'train_f_block': 'f_blocks',
    'train_a_block': 'a_blocks',
    'train_f_a_block': 'fusion_modules',
    'train_smooth': 'smooth_convs',
}
# (released key, ours); None drops a tensor that is built and never used
_RULES = [
    (r'(.+\.)?(training_layers|finetuning_layers)\..+', None),
    (r'fusion_modules\.\d+\.(g|align_channel_back)\..+', None),
    (r'a_blocks\.\d+\.\d+\.(mlp\.dwconv|attn\.sr|attn\.norm)\..+', None),
    (
        r'(f_blocks\..+\.mlp\.dwconv)\.dwconv\.(.+)',
        r'neck.1.\1.\2',
    ),
    (
        r'((patch_embeds|f_blocks|a_blocks|fusion_modules|smooth_convs)\..+)',
        r'neck.1.\1',
    ),
    (
        r'train_proj_v1\.proj\.(.+)',
        r'auxiliary_losses.0.visual_proj.\1',
    ),
    (
        r'train_proj_a1\.proj\.(.+)',
        r'auxiliary_losses.0.audio_proj.\1',
    ),
]


def convert(state_dict: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Name the weights as in ``configs/auralsam2``.

    Args:
        state_dict (dict): Of the fuser, or of a whole model.

    Returns:
        dict: ``audio_encoder.encoder.*``, ``neck.1.*`` and the projections of
        the contrastive loss; of a whole model SAM 2's part as well.

    Raises:
        ValueError: Keys that no AuralSAM2 checkpoint has.
    """
    converted, video, audio, unknown = {}, {}, {}, []
    for key, value in state_dict.items():
        key = key.removeprefix('module.')
        if key.startswith(_VIDEO):
            video[key.removeprefix(_VIDEO)] = value
            continue
        key = key.removeprefix(_FUSER).removeprefix('audio_prompter.')
        key = modern(key)
        if key.startswith('vgg.'):
            audio[key.removeprefix('vgg.')] = value
            continue
        name = rename(key, _RULES)
        if name is False:
            unknown.append(key)
        elif name:
            converted[name] = as_linear(name, value)
    if unknown:
        raise ValueError(
            f'these keys are not of an AuralSAM2 checkpoint: {unknown[:5]} '
            f'({len(unknown)} in all)'
        )
    if audio:
        for key, value in vggish.convert_encoder(audio).items():
            converted[f'audio_encoder.encoder.{key}'] = value
    converted.update(sam2.convert(video))
    return converted


def modern(key: str) -> str:
    """Names of earlier files -> those of the released code."""
    match = re.fullmatch(r'(train_\w+?)(\d)\.(.+)', key)
    if match and match[1] in _LEGACY:
        return f'{_LEGACY[match[1]]}.{int(match[2]) - 1}.{match[3]}'
    return key


def as_linear(name: str, value: Tensor) -> Tensor:
    """1 x 1 convolutions of the fusion are linear layers here."""
    if '.fusion_modules.' in name and value.ndim > 2:
        return value.flatten(2)[..., 0]
    if '.audio_proj.' in name and value.ndim == 3:
        return value[..., 0]
    return value
