"""From a model in PyTorch to a file that runs without it."""

import hashlib
import json
from copy import deepcopy
from pathlib import Path
from typing import Callable, Dict, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from mmavs.apis.inference import can_hear, config_of
from mmavs.audio.log_mel import EXAMPLE_LENGTH
from mmavs.compat.exporters import (
    no_compiler,
    plain_attention,
    quiet_exporter,
)
from mmavs.engine.run_config import padded_frames
from mmavs.error_text import first_line
from mmavs.files.whole_files import whole_file, write_text
from mmavs.models.folding import fold_batch_norms

from .network import ClipNetwork
from .sidecar import describe

DEFAULT_CLIP_FRAMES = 5
OPSET = 18
# format: the ending of its files
SUFFIXES = {'onnx': '.onnx', 'torch-export': '.pt2', 'aoti': '.aoti.pt2'}
SIZE_STEP = 32  # pixels: stride of the coarsest maps
_LARGEST = 2**31  # bytes that an ONNX file may have


def export_model(
    model: nn.Module,
    path: Union[str, Path],
    *,
    to: str = 'onnx',
    clip_frames: Optional[int] = None,
    size: Optional[Tuple[int, int]] = None,
    any_size: bool = False,
    log_mel: bool = False,
    opset: int = OPSET,
) -> dict:
    """Write a model, and beside it a JSON file with what its users need.

    The number of clips is free whatever was traced; the number of frames of
    a clip is not.

    Args:
        model (nn.Module): From :func:`~mmavs.apis.init_model`, on the CPU.
        path (str or Path): The file; its description takes its name and
            ``.json``.
        to (str): 'onnx'; 'torch-export', for :func:`torch.export.load`; or
            'aoti', compiled for this machine, for
            :func:`torch._inductor.aoti_load_package`.
        clip_frames (int, optional): T. Defaults to what the config pads to
            (10 for AVSBench-semantic), else 5.
        size (tuple[int, int], optional): Height and width of the frames.
            Defaults to those of the test pipeline.
        any_size (bool): Leave the size free, in steps of 32 pixels; not every
            network allows it.
        log_mel (bool): Compute VGGish's log-mel in the graph.
        opset (int): Of ONNX.

    Returns:
        dict: The description, see :func:`~mmavs.deployment.sidecar.describe`.

    Raises:
        ImportError: onnx or onnxscript is absent.
        RuntimeError: aoti finds no C++ compiler; a model of 2 GB or more, as
            ONNX.
        ValueError: An unknown format, or a file that is not named so; a size
            that is not that of the network's maps, is unknown, or cannot be
            left free; a front end that cannot be in the graph.
    """
    path = Path(path)
    check_name(path, to)
    config = config_of(model)
    clip_frames = clip_frames or padded_frames(config) or DEFAULT_CLIP_FRAMES
    facts = describe(model, clip_frames=clip_frames, size=(0, 0))
    size = _size(size, facts['frames'])
    facts.update(to=to, size=list(size))
    facts['size_step'] = SIZE_STEP if any_size else None
    if to == 'onnx':
        facts['opset'] = opset
    _choose_front_end(facts['front_end'], log_mel)
    traced = model
    if to != 'onnx':  # whose runtime folds batch norms itself
        traced = deepcopy(model)
        fold_batch_norms(traced)
    network = ClipNetwork(traced, log_mel)
    facts['inputs'] = network.input_names
    facts['outputs'] = network.output_names
    clips = example_clips(model, facts, num_clips=2)
    program = trace(network, clips, any_size)
    with whole_file(path) as partial:
        _WRITERS[to](program, partial, network, opset)
        digest = hashlib.sha256(partial.read_bytes()).hexdigest()
    facts['sha256'] = digest
    write_text(sidecar_of(path), json.dumps(facts, indent=1) + '\n')
    return facts


def check_name(path: Path, to: str) -> None:
    """Refuse an unknown format, and a file that is not named after it.

    Raises:
        ValueError: Either.
    """
    if to not in SUFFIXES:
        raise ValueError(f'to must be one of {tuple(SUFFIXES)}, got {to!r}')
    if not path.name.endswith(SUFFIXES[to]):
        raise ValueError(
            f'{path} is to be of the format {to}. Fix: name it '
            f'FILE{SUFFIXES[to]}.'
        )


def sidecar_of(path: Union[str, Path]) -> Path:
    """Name the description of an exported model's file."""
    return Path(f'{path}.json')


def example_clips(
    model: nn.Module,
    facts: dict,
    *,
    num_clips: int,
    size: Optional[Tuple[int, int]] = None,
    seed: int = 0,
) -> Tuple[Tensor, ...]:
    """Draw clips that a described model takes.

    Args:
        model (nn.Module): The model.
        facts (dict): Its description.
        num_clips (int): B.
        size (tuple[int, int], optional): Another one than the described.
        seed (int): Of the draw.

    Returns:
        tuple[Tensor, ...]: ``imgs`` and, unless it is deaf, ``audio``.
    """
    draw = torch.Generator().manual_seed(seed)
    clips = (num_clips, facts['clip_frames'])
    shape = (*clips, 3, *(size or facts['size']))
    imgs = torch.randn(shape, generator=draw)
    if not can_hear(model):
        return (imgs,)
    front_end = facts['front_end']
    kind, channels = front_end['kind'], front_end['channels']
    if front_end['in_graph']:
        several = (channels,) if channels > 1 else ()
        sound = torch.randn(*clips, *several, EXAMPLE_LENGTH, generator=draw)
        return imgs, 0.1 * sound.clamp(-4, 4)
    shapes = {
        'log_mel': (channels, 96, 64),
        'BEATsFbank': (98, 128),
        'BEATsFbankFrontEnd': (98, 128),
    }
    shape = shapes.get(kind, (16000,))
    return imgs, torch.randn(*clips, *shape, generator=draw) - 2


def trace(
    network: ClipNetwork, clips: Sequence[Tensor], any_size: bool
) -> ExportedProgram:
    """Trace a network with a free number of clips.

    A free size is a multiple of :data:`SIZE_STEP`: only of such a size does
    an exporter know that each map is twice as large as the next.

    Args:
        network (ClipNetwork): To be traced.
        clips (Sequence[Tensor]): At least 2 clips, as it takes them.
        any_size (bool): Leave height and width free.

    Raises:
        ValueError: Its size cannot be left free.
    """
    free: Dict[int, Dim] = {0: Dim('clips')}
    sized = dict(free)
    if any_size:
        _check_step(clips[0].shape[-2:])
        rows, columns = Dim('rows'), Dim('columns')
        sized.update({3: SIZE_STEP * rows, 4: SIZE_STEP * columns})
    shapes = (sized, free)[: len(clips)]
    try:
        with torch.no_grad(), plain_attention():
            program = torch.export.export(
                network, tuple(clips), dynamic_shapes=shapes, strict=False
            )
            if any_size:  # some networks say it only when they run
                program.module()(*_enlarged(clips))
    except Exception as error:
        if not any_size:
            raise
        raise ValueError(
            'the size of the frames cannot be left free in this network '
            f'({first_line(error)}). Fix: leave any_size (--any-size) out, '
            'and export once per size.'
        ) from error
    return program


def _check_step(size: Sequence[int]) -> None:
    if any(side % SIZE_STEP for side in size):
        height, width = size
        raise ValueError(
            f'a size that is left free goes in steps of {SIZE_STEP} pixels, '
            f'got {width} x {height}. Fix: size=(height, width), or --size '
            'HEIGHT WIDTH, in multiples of that.'
        )


def _enlarged(clips: Sequence[Tensor]) -> Sequence[Tensor]:
    """One of the clips, with frames twice as high and wider."""
    imgs, *audio = (clip[:1] for clip in clips)
    height, width = imgs.shape[-2:]
    shape = (*imgs.shape[:-2], 2 * height, width + SIZE_STEP)
    return imgs.new_zeros(shape), *audio


def _size(size: Optional[Sequence[int]], frames: dict) -> Tuple[int, int]:
    """Height and width, padded as the data preprocessor pads."""
    if size is None and frames['resize'] is None:
        raise ValueError(
            'the test pipeline does not resize frames to one size. Fix: give '
            'size=(height, width), or --size HEIGHT WIDTH.'
        )
    height, width = size or frames['resize']['size']
    step = frames['size_divisor']
    return -(-height // step) * step, -(-width // step) * step


def _choose_front_end(front_end: Optional[dict], log_mel: bool) -> None:
    """Put the log-mel into the graph, if it is to be."""
    if not log_mel:
        return
    if front_end is None or front_end['kind'] != 'log_mel':
        kind = 'none' if front_end is None else front_end['kind']
        raise ValueError(
            "VGGish's log-mel is to be in the graph, and the front end of the "
            f'model is {kind}. Fix: leave log_mel (--log-mel) out.'
        )
    front_end['in_graph'] = True


def _write_onnx(
    program: ExportedProgram, partial: Path, network: ClipNetwork, opset: int
) -> None:
    _check_onnx()
    size = sum(p.numel() * p.element_size() for p in network.parameters())
    if size >= _LARGEST:
        raise RuntimeError(
            f'the weights take {size / 1e9:.1f} GB, and an ONNX file holds '
            "2 GB at most. Fix: to='torch-export' (--to torch-export)."
        )
    with quiet_exporter():
        exported = torch.onnx.export(
            program,
            input_names=network.input_names,
            output_names=network.output_names,
            opset_version=opset,
            dynamo=True,
            optimize=False,
            external_data=False,
            verbose=False,
        )
        found = exported.model.opset_imports['']
        if found != opset:  # what PyTorch cannot convert it leaves as it is
            raise ValueError(
                f'PyTorch writes this network as opset {found}, not {opset}. '
                f'Fix: opset={found} (--opset {found}).'
            )
        _simplify(exported.model)
        exported.save(partial, external_data=False)


def _simplify(graph) -> None:
    """Compute what is constant, and drop what nothing uses.

    All that ONNX Runtime cannot do as well; the exporter's own optimisation
    looks for pairs of nodes, which does not come to an end in the graph of
    AuralSAM2.
    """
    from onnxscript import optimizer

    optimizer.inline(graph)
    optimizer.fold_constants(graph)
    optimizer.remove_unused_nodes(graph)


def _check_onnx() -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f'ONNX files are written by onnx and onnxscript ({error}). Fix: '
            'pip install onnx onnxscript onnxruntime.'
        ) from error


def _write_program(program: ExportedProgram, partial: Path, *_) -> None:
    torch.export.save(program, partial)


def _write_aoti(program: ExportedProgram, partial: Path, *_) -> None:
    reason = no_compiler()
    if reason is not None:
        raise RuntimeError(
            f'AOTInductor compiles C++, and {reason}. Fix: install one '
            '(apt install g++), name it in CXX, or take --to torch-export.'
        )
    torch._inductor.aoti_compile_and_package(
        program, package_path=str(partial)
    )


_WRITERS: Dict[str, Callable] = {
    'onnx': _write_onnx,
    'torch-export': _write_program,
    'aoti': _write_aoti,
}
