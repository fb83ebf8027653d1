"""Parameters and multiply-accumulates of one clip, for any config.

Counted are matrix products, convolutions, attention and sampling, each
multiplication with its addition as one MAC. Norms, activations,
interpolation and element-wise products are not. Everything runs on the meta
device by default: shapes are followed, values are not computed, and fused
kernels, which a counter cannot look into, are not taken.
"""

from contextlib import contextmanager, nullcontext
from functools import cache
from math import prod
from typing import Callable, Dict, Iterator, NamedTuple, Optional, Tuple

import torch
from mmengine.config import Config
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmavs.engine.run_config import datasets, padded_frames
from mmavs.registry import MODELS, TRANSFORMS
from mmavs.testing.meta import OnMeta

SAMPLE_RATE = 16000  # Hz
DEFAULT_SIZE = 224  # px, of all published models but AVSegFormer's
DEFAULT_FRAMES = 5
aten = torch.ops.aten


class Complexity(NamedTuple):
    """What one clip costs.

    Attributes:
        parameters (dict[str, int]): By part of the model: ``backbone``,
            ``audio_encoder``, ``neck``, ``decode_head``,
            ``auxiliary_losses`` (in training only).
        macs (dict[str, int]): By part, of all frames of the clip.
        num_frames (int): T.
        size (tuple[int, int]): Height and width of a frame.
    """

    parameters: Dict[str, int]
    macs: Dict[str, int]
    num_frames: int
    size: Tuple[int, int]


def clip_complexity(
    config: Config,
    size: Optional[Tuple[int, int]] = None,
    num_frames: Optional[int] = None,
    device: str = 'meta',
) -> Complexity:
    """Count the model of a config on one clip, without its weights.

    Args:
        config (Config): Any config with an ``AVSegmentor``.
        size (tuple[int, int], optional): Height and width; what the test
            pipeline resizes to, or 224, by default.
        num_frames (int, optional): T; what the data preprocessor pads to, or
            5, by default.
        device (str): 'meta' computes no values; another device is for modules
            that the meta device does not know.

    Returns:
        Complexity: Of one clip, in inference.
    """
    size = size or frame_size(config)
    num_frames = num_frames or padded_frames(config) or DEFAULT_FRAMES
    inputs = dict(imgs=torch.zeros(1, num_frames, 3, *size, device=device))
    if config.model.get('audio_encoder'):
        sound = audio_shape(config, num_frames)
        inputs['audio'] = torch.zeros(1, *sound, device=device)
    with OnMeta() if device == 'meta' else nullcontext():
        # no pretrained file is read before init_weights
        model = MODELS.build(config.model).to(device).eval()
        macs = count_macs(model, lambda: model(inputs))
    return Complexity(_by_part(model), macs, num_frames, tuple(size))


def count_macs(model: nn.Module, run: Callable[[], object]) -> Dict[str, int]:
    """Count what runs inside a model, by its children.

    Args:
        model (nn.Module): Whose parts are told apart.
        run (callable): Runs it.

    Returns:
        dict[str, int]: MACs by the name of the child; those of a list of
        modules (``neck``) are one number, and what no child does stands under
        'other', if there is any.
    """
    counter = FlopCounterMode(display=False, custom_mapping=_FLOPS)
    with _inspectable(model), counter:
        run()
    flops = {k: sum(v.values()) for k, v in counter.get_flop_counts().items()}
    root = type(model).__name__
    macs = {name: 0 for name, _ in model.named_children()}
    for name, child in model.named_children():
        inside = [name]
        if isinstance(child, nn.ModuleList):  # lists are not called
            inside = [f'{name}.{i}' for i in range(len(child))]
        macs[name] = sum(flops.get(f'{root}.{key}', 0) for key in inside) // 2
    macs['other'] = counter.get_total_flops() // 2 - sum(macs.values())
    return {name: count for name, count in macs.items() if count}


@contextmanager
def _inspectable(model: nn.Module) -> Iterator[None]:
    """Run without gradients and without kernels that swallow whole layers."""
    trained = [p for p in model.parameters() if p.requires_grad]
    try:
        for parameter in trained:  # the counter hooks what requires gradients
            parameter.requires_grad_(False)
        with torch.no_grad(), without_fast_path():
            yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


@contextmanager
def without_fast_path() -> Iterator[None]:
    """Run attention by operations that can be looked at."""
    fast_path = torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)


def flops_of(func, args: tuple, kwargs: dict, out) -> int:
    """Count one operation of PyTorch, once it has run.

    Args:
        func (OpOverload): The operation.
        args, kwargs: What it was given.
        out: What it gave.

    Returns:
        int: FLOPs, two a MAC; 0 of what is not counted.
    """
    count = _formulas().get(func.overloadpacket)
    return count(*args, **kwargs, out_val=out) if count else 0


@cache
def _formulas() -> dict:
    """PyTorch's own formulas and those below, by operation."""
    return FlopCounterMode(display=False, custom_mapping=_FLOPS).flop_registry


def frame_size(config: Config) -> Tuple[int, int]:
    """Height and width that the network sees.

    What the test pipeline resizes to, or 224, padded to ``size_divisor``.
    """
    size = (DEFAULT_SIZE, DEFAULT_SIZE)
    for dataset in datasets(config):  # the last is that of the test
        for transform in _flat(dataset.pipeline):
            if transform['type'] == 'Resize':
                size = tuple(transform['scale'])[::-1]
    divisor = config.model.get('data_preprocessor', {}).get('size_divisor', 1)
    return tuple(-(-side // divisor) * divisor for side in size)


def audio_shape(config: Config, num_frames: int) -> Tuple[int, ...]:
    """Shape (T, ...) of a clip's sound as the audio encoder gets it.

    Found out by sending silence through the config's own front end.

    Raises:
        ValueError: No transform of the pipeline turns sound into segments.
    """
    silence = torch.zeros(num_frames * SAMPLE_RATE)
    for transform in next(datasets(config)).pipeline:
        if transform.get('channels', 1) > 1:  # of LoadAudio
            silence = silence.expand(transform['channels'], -1)
        if not hasattr(TRANSFORMS.get(transform['type']), 'pieces'):
            continue
        pieces = TRANSFORMS.build(transform).pieces(silence, SAMPLE_RATE)
        front_end = config.model.get('data_preprocessor', {})
        front_end = front_end.get('audio_front_end')
        if front_end:
            pieces = MODELS.build(front_end)(pieces)
        return (num_frames, *pieces.shape[1:])
    raise ValueError(
        'the model hears, but no transform of the pipeline makes segments of '
        'sound. Fix: add VGGishLogMel, BEATsFbank or AudioSegments.'
    )


def _flat(pipeline) -> Iterator[dict]:
    for transform in pipeline:
        yield transform
        yield from _flat(transform.get('transforms', []))


def _by_part(model: nn.Module) -> Dict[str, int]:
    counts = {
        name: sum(p.numel() for p in child.parameters())
        for name, child in model.named_children()
    }
    return {name: count for name, count in counts.items() if count}


# ---------------------------------------------------------------------------
# What PyTorch's counter does not know: FLOPs (two a MAC) from shapes.


def _bag(weight, indices, *args, out_shape=None, **kwargs) -> int:
    """Weighted sum of rows: deformable sampling, four corners a point."""
    return 2 * prod(indices) * weight[1]


def _grid_sample(values, grid, *args, out_shape=None, **kwargs) -> int:
    """Bilinear: four weighted neighbours a value."""
    return 2 * 4 * prod(out_shape)


def _attention(query, key, value, *args, out_shape=None, **kwargs) -> int:
    """Scores (N, M, Q, K) from D channels, then V channels from K keys."""
    return 2 * prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _matrix_vector(matrix, vector, *args, out_shape=None, **kwargs) -> int:
    return 2 * prod(matrix)


def _convolution_backward(
    grad,
    values,
    weight,
    bias,
    stride,
    padding,
    dilation,
    transposed,
    *args,
    out_shape=None,
    **kwargs,
) -> int:
    """As many as forward for each of the two gradients that are wanted.

    PyTorch's own formula forgets that groups do not see each other.
    """
    wanted = args[2]  # after output padding and groups
    where = values if transposed else grad
    forward = 2 * prod(where[2:]) * where[0] * prod(weight)
    return forward * sum(wanted[:2])


_FLOPS = {
    aten.convolution_backward: _convolution_backward,
    aten._embedding_bag: _bag,
    aten._embedding_bag_forward_only: _bag,
    aten.grid_sampler_2d: _grid_sample,
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    aten.mv: _matrix_vector,
}
