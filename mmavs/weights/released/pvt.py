"""PVT v2 as its authors publish it (https://github.com/whai362/PVT, v2)."""

import re
from typing import Dict, Optional

from torch import Tensor, cat

# released name inside block{i}.{j} -> name inside layers.{i-1}.1.{j}
_BLOCK = {
    'norm1': 'norm1',
    'norm2': 'norm2',
    'attn.proj': 'attn.attn.out_proj',
    'attn.sr': 'attn.sr',
    'attn.norm': 'attn.norm',
    'mlp.fc1': 'ffn.layers.0',
    'mlp.dwconv.dwconv': 'ffn.layers.1',
    'mlp.fc2': 'ffn.layers.4',
}
_STEM = {'proj': 'projection', 'norm': 'norm'}
_KEY = re.compile(
    r'(?:patch_embed(?P<embed>[1-4])\.(?P<stem>proj|norm)'
    r'|block(?P<stage>[1-4])\.(?P<index>\d+)\.(?P<part>[\w.]+)'
    r'|norm(?P<norm>[1-4]))\.(?P<kind>weight|bias)'
)


def is_released(state_dict: Dict[str, Tensor]) -> bool:
    """Whether the keys are those of the released PVT v2."""
    return 'patch_embed1.proj.weight' in state_dict


def convert_backbone(state_dict: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Name the weights as ``PyramidVisionTransformerV2`` does.

    Args:
        state_dict (dict): Released keys; ``head.*``, the ImageNet classifier,
            is dropped.

    Returns:
        dict: ``layers.*``. The query and the key-value projection are joined,
        and the linear layers of the feed-forward parts become 1 x 1
        convolutions.

    Raises:
        ValueError: Keys that no PVT v2 has, or a projection without its pair.
    """
    converted, unknown = {}, []
    for key, value in state_dict.items():
        match = _KEY.fullmatch(key)
        name = match and _rename(match)
        if key.startswith('head.') or name == '':
            continue
        if not name:
            unknown.append(key)
        elif name.endswith('in_proj_'):
            pair = (value, state_dict.get(key.replace('.q.', '.kv.')))
            converted[name + match['kind']] = _join(key, *pair)
        else:
            if '.ffn.' in name and value.ndim == 2:
                value = value[:, :, None, None]
            converted[name] = value
    if unknown:
        raise ValueError(
            f'these keys are not of a released PVT v2: {unknown[:5]} '
            f'({len(unknown)} in all)'
        )
    return converted


def convert(state_dict: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """As :func:`convert_backbone`, with ``backbone.`` before each key."""
    weights = convert_backbone(state_dict)
    return {f'backbone.{key}': value for key, value in weights.items()}


def _join(key: str, query: Tensor, key_value: Optional[Tensor]) -> Tensor:
    """Join the projections of attention along their outputs."""
    if key_value is None or query.ndim == 0:
        raise ValueError(f'{key} comes without its key-value projection')
    if query.shape[1:] != key_value.shape[1:]:
        raise ValueError(
            f'{key} {tuple(query.shape)} does not go with its key-value '
            f'projection {tuple(key_value.shape)}'
        )
    return cat([query, key_value])


def _rename(match: re.Match) -> str:
    """New name; '' for what is joined elsewhere, None if unknown."""
    kind = match['kind']
    if match['embed']:
        stage = int(match['embed']) - 1
        return f'layers.{stage}.0.{_STEM[match["stem"]]}.{kind}'
    if match['norm']:
        return f'layers.{int(match["norm"]) - 1}.2.{kind}'
    block = f'layers.{int(match["stage"]) - 1}.1.{match["index"]}'
    if match['part'] == 'attn.q':
        return f'{block}.attn.attn.in_proj_'
    if match['part'] == 'attn.kv':
        return ''
    part = _BLOCK.get(match['part'])
    return part and f'{block}.{part}.{kind}'
