"""BEATs (https://github.com/microsoft/unilm/tree/master/beats).

Files ``BEATs_iter3*.pt``: ``cfg`` (the configuration), ``model`` (weights)
and, if fine-tuned, ``label_dict``.
"""

import re
from typing import Dict

from torch import Tensor

_KEY = re.compile(
    r'(post_extract_proj|layer_norm|encoder\.layer_norm|predictor)'
    r'\.(weight|bias)'
    r'|patch_embedding\.(weight|bias)'
    r'|encoder\.pos_conv\.0\.(bias|weight_g|weight_v)'
    r'|encoder\.layers\.\d+\.('
    r'self_attn\.(grep_a|relative_attention_bias\.weight)'
    r'|self_attn\.([kvq]_proj|out_proj|grep_linear)\.(weight|bias)'
    r'|(self_attn_layer_norm|final_layer_norm|fc1|fc2)\.(weight|bias))'
)
_SHARED = 'self_attn.relative_attention_bias.weight'

# our argument: the release's name; its default, where files may leave it out
_ARGUMENTS = {
    'embed_dims': ('encoder_embed_dim', 768),
    'num_layers': ('encoder_layers', 12),
    'num_heads': ('encoder_attention_heads', 12),
    'ffn_channels': ('encoder_ffn_embed_dim', 3072),
    'patch_size': ('input_patch_size', -1),
    'patch_channels': ('embed_dim', 512),
    'patch_bias': ('conv_bias', False),
    'conv_position_kernel': ('conv_pos', 128),
    'conv_position_groups': ('conv_pos_groups', 16),
    'max_distance': ('max_distance', 1280),
    'deep_norm': ('deep_norm', False),
    'pre_norm': ('layer_norm_first', False),
}


def arguments(cfg: dict) -> dict:
    """Translate a release's configuration.

    Args:
        cfg (dict): The file's ``cfg`` entry.

    Returns:
        dict: ``num_categories`` of ``BEATs`` and what its ``architecture``
        holds; ``num_categories`` is None for a file that is not fine-tuned.

    Raises:
        ValueError: An activation other than GELU.
    """
    if cfg.get('activation_fn', 'gelu') != 'gelu':
        raise ValueError(
            f'the file uses activation {cfg["activation_fn"]!r}; only GELU, '
            'which every released file uses, is supported'
        )
    found = {
        name: cfg.get(theirs, default)
        for name, (theirs, default) in _ARGUMENTS.items()
    }
    relative = cfg.get('relative_position_embedding', False)
    found['num_buckets'] = cfg.get('num_buckets', 320) if relative else None
    found['gated'] = relative and cfg.get('gru_rel_pos', False)
    tuned = cfg.get('finetuned_model', False)
    found['num_categories'] = (
        cfg.get('predictor_class', 527) if tuned else None
    )
    return found


def convert_encoder(checkpoint: dict) -> Dict[str, Tensor]:
    """Name the weights as ``BEATs`` does.

    Args:
        checkpoint (dict): A whole released file, or its ``model`` entry.

    Returns:
        dict: The released keys, which are ours already. The position bias
        that all layers share is given to each of them.

    Raises:
        ValueError: Keys that no BEATs has.
    """
    weights = dict(checkpoint.get('model', checkpoint))
    unknown = [key for key in weights if not _KEY.fullmatch(key)]
    if unknown:
        raise ValueError(
            f'these keys are not of a released BEATs: {unknown[:5]} '
            f'({len(unknown)} in all)'
        )
    first = weights.get(f'encoder.layers.0.{_SHARED}')
    if first is not None:
        layers = {key.split('.')[2] for key in weights if '.layers.' in key}
        for layer in layers:
            weights.setdefault(f'encoder.layers.{layer}.{_SHARED}', first)
    return weights


def convert(checkpoint: dict) -> Dict[str, Tensor]:
    """As :func:`convert_encoder`, with ``audio_encoder.`` before each key."""
    weights = convert_encoder(checkpoint)
    return {f'audio_encoder.{key}': value for key, value in weights.items()}
