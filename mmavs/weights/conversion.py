"""Files that other code bases released, as weights of mmavs."""

from importlib import import_module

from torch import Tensor, nn

from mmavs.compat import load_checkpoint
from mmavs.model_index import files_of
from mmavs.weights.checkpoint import fill_model, state_dict_of
from mmavs.weights.store import obtain

_AUDIO = 'audio_encoder.'
# method -> what a file of it holds in full: the beginning of the keys
METHODS = {
    'auralsam2': '',
    'avsbench': '',
    'avsbg': '',
    'avsegformer': '',
    'beats': _AUDIO,
    'catr': '',
    'maskformer': 'backbone.',  # its head knows other categories
    'pvt': 'backbone.',
    'sam2': 'backbone.',
    'vggish': _AUDIO,
}
_SCALES = range(4)
# method -> the beginnings of our keys, each of which a file of it gives
PARTS = {
    'avsbench': (
        'backbone.',
        *(f'neck.0.scales.{i}.' for i in _SCALES),
        *(f'decode_head.merge_units.{i}.' for i in _SCALES),
        'decode_head.conv_seg.',
    ),
    'avsbg': (
        'backbone.',
        *(f'neck.0.scales.{i}.' for i in _SCALES),
        *(f'neck.1.blocks.{i}.' for i in _SCALES),
        'neck.2.',
        *(f'decode_head.merge_units.{i}.' for i in _SCALES),
        'decode_head.conv_seg.',
    ),
    'avsegformer': (
        'backbone.',
        'audio_encoder.',
        'decode_head.audio_proj.',
        'decode_head.encoder.layers.',
        'decode_head.decoder.layers.',
        'decode_head.queries.',
        'decode_head.composer.conv_seg.',
    ),
    'beats': (
        *(f'{_AUDIO}{part}' for part in ('patch_embedding.', 'layer_norm.')),
        f'{_AUDIO}encoder.layers.',
    ),
    'maskformer': (
        'decode_head.pixel_decoder.',
        'decode_head.transformer_decoder.',
        'decode_head.mask_embed.',
    ),
    'pvt': tuple(f'backbone.layers.{i}.' for i in _SCALES),
    'vggish': tuple(
        f'{_AUDIO}{part}'
        for part in (
            *(f'features.{i}.' for i in (0, 3, 6, 8, 11, 13)),
            *(f'embeddings.{i}.' for i in (0, 2, 4)),
        )
    ),
    'catr': ('backbone.', 'neck.0.', 'neck.1.', 'decode_head.'),
    'auralsam2': (
        f'{_AUDIO}encoder.features.',
        *(
            f'neck.1.{part}.'
            for part in ('f_blocks', 'a_blocks', 'fusion_modules')
        ),
    ),
    'sam2': ('backbone.', 'neck.0.', 'decode_head.'),
}


def convert_file(method: str, path: str) -> tuple:
    """Read and convert a released file.

    Args:
        method (str): Of ``METHODS``.
        path (str): The file.

    Returns:
        tuple[dict, dict]: Released tensors, converted tensors.

    Raises:
        RuntimeError: It cannot be read safely.
        ValueError: It is of another code base, or lacks a part; names keys.
    """
    checkpoint = load_checkpoint(path)
    convert = import_module(f'mmavs.weights.released.{method}').convert
    if method in ('beats', 'sam2'):  # the weights lie under this name
        checkpoint = checkpoint.get('model', checkpoint)
    weights = state_dict_of(checkpoint)
    wrong = [k for k, v in weights.items() if not isinstance(v, Tensor)]
    if wrong:
        raise ValueError(
            f'{path} holds more than tensors, among them {wrong[:5]}. Fix: '
            f'give the file that the authors of {method} released.'
        )
    try:
        converted = convert(weights)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
    missing = [
        part
        for part in PARTS[method]
        if not any(key.startswith(part) for key in converted)
    ]
    if missing:
        raise ValueError(
            f'{path} holds {len(weights)} tensors ({list(weights)[:3]}), of '
            f'which come none of {missing}; a whole file of {method} gives '
            f'each of {list(PARTS[method])}. Fix: give the file that its '
            'authors released, complete.'
        )
    return weights, converted


def fill_released(model: nn.Module, weights: dict) -> None:
    """Load weights that others released; fetched at the first use.

    Raises:
        RuntimeError: They cannot be had, or are of another model.
        ValueError: They are of another code base.
    """
    tensors, paths = {}, []
    for file in files_of(weights):
        paths.append(str(obtain(file['Address'])))
        if file.get('Converter'):
            _, found = convert_file(file['Converter'], paths[-1])
        else:
            found = state_dict_of(load_checkpoint(paths[-1]))
        tensors.update(found)
    fill_model(model, tensors, ' and '.join(paths))


def start_part(module: nn.Module, method: str, part: str) -> bool:
    """Start a part of a model from the released file of its ``init_cfg``.

    Args:
        module (nn.Module): The part.
        method (str): Of ``METHODS``.
        part (str): Beginning of the part's keys in the whole model.

    Returns:
        bool: False, and nothing is done, where ``init_cfg`` names no file.

    Raises:
        FileNotFoundError: There is no such file.
        RuntimeError: It cannot be read safely, or a tensor does not fit.
        ValueError: It is of another code base or size, or lacks a part.
    """
    config = module.init_cfg
    if not config or config['type'] != 'Pretrained':
        return False
    _, converted = convert_file(method, config['checkpoint'])
    weights = {
        key.removeprefix(part): value
        for key, value in converted.items()
        if key.startswith(part)
    }
    fill_model(module, weights, config['checkpoint'])
    return True
