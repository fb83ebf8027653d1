"""SAM 2.0 (https://github.com/facebookresearch/sam2) without prompts."""

import re
from typing import Dict, Optional

from torch import Tensor

from .avsbench import rename

# width and depth of the trunk -> its size
SIZES = {(96, 12): 't', (96, 16): 's', (112, 24): 'b', (144, 48): 'l'}

# (released key, ours); None drops what a head without prompts does not use
_RULES = [
    (
        r'image_encoder\.trunk\.(.+)\.mlp\.layers\.0\.(.+)',
        r'backbone.trunk.model.\1.mlp.fc1.\2',
    ),
    (
        r'image_encoder\.trunk\.(.+)\.mlp\.layers\.1\.(.+)',
        r'backbone.trunk.model.\1.mlp.fc2.\2',
    ),
    (r'image_encoder\.trunk\.(.+)', r'backbone.trunk.model.\1'),
    (r'image_encoder\.neck\.(.+)', r'neck.0.\1'),
    (r'sam_mask_decoder\.output_hypernetworks_mlps\.0\..+', None),
    (r'(no_mem_pos_enc|mask_downsample\..+)', None),
    (
        r'sam_prompt_encoder\.(point_embeddings|not_a_point_embed|'
        r'mask_downscaling)\..+',
        None,
    ),
    (
        r'(sam_mask_decoder|sam_prompt_encoder|memory_attention|'
        r'memory_encoder|obj_ptr_proj)\.(.+)',
        r'decode_head.\1.\2',
    ),
    (
        r'(maskmem_tpos_enc|no_mem_embed|no_obj_ptr)',
        r'decode_head.\1',
    ),
]
_HYPERNETWORK = re.compile(r'(.+output_hypernetworks_mlps\.)(\d)(\..+)')


def size_of(weights: Dict[str, Tensor], prefix: str) -> Optional[str]:
    """Tell the size of SAM 2 by its trunk.

    Args:
        weights (dict): By our names.
        prefix (str): Of a :class:`SAM2Hiera` among them, with the dot.

    Returns:
        str, optional: 't', 's', 'b' or 'l'; None where there is no trunk.
    """
    trunk = f'{prefix}trunk.model.'
    embed = weights.get(f'{trunk}patch_embed.proj.weight')
    if embed is None:
        return None
    blocks = re.compile(re.escape(trunk) + r'blocks\.(\d+)\.')
    depth = {m[1] for key in weights if (m := blocks.match(key))}
    return SIZES.get((len(embed), len(depth)))


def convert(state_dict: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Name the weights as in ``configs/auralsam2``.

    Args:
        state_dict (dict): Of ``sam2_hiera_*.pt``.

    Returns:
        dict: ``backbone.*``, ``neck.0.*``, ``decode_head.*``.

    Raises:
        ValueError: Keys that no SAM 2.0 has; SAM 2.1 is named.
    """
    converted, unknown = {}, []
    for key, value in state_dict.items():
        name = rename(key, _RULES)
        if name is False:
            unknown.append(key)
        elif name:
            match = _HYPERNETWORK.fullmatch(name)
            if match:  # the first one is dropped
                name = f'{match[1]}{int(match[2]) - 1}{match[3]}'
            converted[name] = value
    if unknown:
        newer = any(key.startswith('obj_ptr_tpos_proj') for key in unknown)
        raise ValueError(
            'these weights are of SAM 2.1, AuralSAM2 stands on SAM 2.0. Fix: '
            'take sam2_hiera_*.pt instead of sam2.1_hiera_*.pt'
            if newer
            else f'these keys are not of SAM 2.0: {unknown[:5]} '
            f'({len(unknown)} in all)'
        )
    return converted
