"""Time models in PyTorch, in ONNX Runtime and compiled by torch.compile.

    python tools/deployment/benchmark.py CONFIG [CONFIG ...]

prints a table: the largest difference between ONNX Runtime and PyTorch on 1, 2
and 3 clips, the size of the file, and milliseconds of one clip (processor
time, best of three) with random weights, in one thread unless OMP_NUM_THREADS
says otherwise. With --compile the network is compiled as well, which needs a
C++ compiler and a minute or more per model.

Each model has a process of its own; one that is not done within --timeout is
stopped, and the others go on.
"""

import argparse
import os
import tempfile
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Optional, Sequence

os.environ.setdefault('OMP_NUM_THREADS', '1')

import torch
from torch import nn

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.apis import init_model
from mmavs.command_line import FAILED, run_script
from mmavs.deployment.checking import (
    TOLERANCE,
    difference,
    load,
    milliseconds,
)
from mmavs.deployment.exporting import (
    OPSET,
    example_clips,
    export_model,
)
from mmavs.deployment.network import ClipNetwork
from mmavs.models.segmentors.compiled_parts import compile_parts

COLUMNS = (
    *('config', 'opset', 'difference', 'MB'),
    *('PyTorch, ms', 'ONNX Runtime, ms', 'compiled, ms'),
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'configs',
        nargs='+',
        metavar='CONFIG',
        help='files, or names of models',
    )
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('HEIGHT', 'WIDTH'),
        help='of the frames; that of the test pipeline by default',
    )
    parser.add_argument(
        '--compile', action='store_true', help='also time torch.compile'
    )
    parser.add_argument(
        '--timeout',
        type=float,
        default=1800,
        metavar='SECONDS',
        help='for each model (default: %(default)g)',
    )
    return parser.parse_args()


def compiled(model: nn.Module) -> nn.Module:
    """Compile a model's parts, as ``model.compile=True`` does."""
    parts = (model.backbone, model.audio_encoder, *model.neck)
    compile_parts((*parts, model.decode_head), True)
    return model


def measure(
    name: str, size: Optional[Sequence[int]], with_compile: bool
) -> int:
    """Print the row of a model; exit code 1 if ONNX Runtime differs."""
    torch.manual_seed(0)
    model = init_model(name, 'random', 'cpu')
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'model.onnx'
        facts = export_model(model, path, size=size)
        run = load(path, facts)
        megabytes = path.stat().st_size / 1e6
    apart = max(
        difference(model, run, facts, num_clips=count) for count in (1, 2, 3)
    )
    clips = example_clips(model, facts, num_clips=1)
    network = ClipNetwork(model)
    times = [milliseconds(network, clips), milliseconds(run, clips)]
    if with_compile:
        times.append(milliseconds(ClipNetwork(compiled(model)), clips))
    row = [Path(name).stem, str(OPSET), f'{apart:.0e}', f'{megabytes:.0f}']
    row += [f'{time:.0f}' for time in times]
    row += ['' for _ in range(len(COLUMNS) - len(row))]
    print(f'| {" | ".join(row)} |', flush=True)
    return FAILED if apart > TOLERANCE else 0


def in_a_process(name: str, timeout: float, *options: object) -> int:
    """Measure a model where neither its memory nor its end matters here."""
    work = partial(measure, name, *options)
    process = get_context('spawn').Process(target=run_script, args=(work,))
    process.start()
    process.join(timeout)
    code, ended = process.exitcode, ''
    if code is None:
        process.kill()
        process.join()
        ended = f'not done in {timeout:g} s'
    elif code < 0:  # the system's way to say that memory is at an end
        ended = f'stopped by signal {-code}'
    if ended:
        print(f'| {Path(name).stem} | {ended} |', flush=True)
    return FAILED if ended else code


def main() -> int:
    """Measure; exit code 1 if an exported model computes something else."""
    args = parse_args()
    print(f'| {" | ".join(COLUMNS)} |')
    print('|---' * len(COLUMNS) + '|', flush=True)
    options = (args.timeout, args.size, args.compile)
    return max([in_a_process(name, *options) for name in args.configs])


if __name__ == '__main__':
    run_script(main)
