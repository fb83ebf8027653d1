"""Export a model: ONNX, torch.export, or compiled by AOTInductor.

    python tools/deployment/export.py CONFIG CHECKPOINT --to onnx

writes ``work_dirs/exported/<config>.onnx`` and a JSON file beside it with
everything that a runtime needs, and compares the file with PyTorch on 1, 2
and 3 clips. CHECKPOINT may be left out for a model of "mmavs weights".

    python demo/video_demo.py VIDEO work_dirs/exported/<config>.onnx

runs it; docs/en/deployment.md says how, on a machine without PyTorch.
"""

import argparse
from pathlib import Path
from typing import Optional, Tuple

from mmengine.config import DictAction
from torch import nn

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.apis import init_model
from mmavs.command_line import FAILED, run_script
from mmavs.commands import in_commands, program
from mmavs.deployment.checking import (
    TOLERANCE,
    difference,
    in_graph,
    load,
    milliseconds,
)
from mmavs.deployment.exporting import (
    OPSET,
    SUFFIXES,
    check_name,
    example_clips,
    export_model,
    sidecar_of,
)
from mmavs.deployment.network import ClipNetwork
from mmavs.deployment.quantization import quantize
from mmavs.files.output_folder import refuse_existing


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program(),
        description=in_commands(__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('config', help='config file, or name of a model')
    add(
        'checkpoint',
        nargs='?',
        help="weights; 'random' to try whether a model can be exported",
    )
    add('--to', choices=SUFFIXES, default='onnx')
    add('--out', type=Path, help='default: work_dirs/exported/<config>')
    add('--clip-frames', type=int, help='frames in a clip, as trained')
    add(
        '--size',
        type=int,
        nargs=2,
        metavar=('HEIGHT', 'WIDTH'),
        help='of the frames; that of the test pipeline by default',
    )
    add(
        '--any-size',
        action='store_true',
        help='leave the size of the frames free, in steps of 32 pixels, where '
        'the network allows it',
    )
    add(
        '--log-mel',
        action='store_true',
        help="compute VGGish's log-mel in the graph, from waveforms",
    )
    add('--opset', type=int, default=OPSET, help='of ONNX')
    add(
        '--int8',
        type=int,
        metavar='CLIPS',
        help='also write an 8-bit file, calibrated on the first CLIPS clips '
        "of the config's validation set",
    )
    add(
        '--benchmark',
        action='store_true',
        help='also time one clip, in PyTorch and exported',
    )
    add('--overwrite', action='store_true')
    add('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def target(args: argparse.Namespace) -> Path:
    """Name the file, and refuse one that exists."""
    name = f'{Path(args.config).stem}{SUFFIXES[args.to]}'
    path = args.out or Path('work_dirs') / 'exported' / name
    check_name(path, args.to)
    for file in (path, sidecar_of(path)):
        refuse_existing(file, args.overwrite)
    return path


def compare(
    model: nn.Module, path: Path, facts: dict, any_size: bool
) -> float:
    """Compare with PyTorch; print and give the largest difference."""
    run = load(path, facts)
    worst = 0.0
    height, width = facts['size']
    larger = height + 32, width + 64
    sizes: Tuple[Optional[tuple], ...] = (None, larger)[: 1 + any_size]
    for size in sizes:
        for count in (1, 2, 3):
            apart = difference(model, run, facts, num_clips=count, size=size)
            worst = max(worst, apart)
            print(
                f'  {count} clips of {size or (height, width)}: differs from '
                f'PyTorch by {apart:.1e}'
            )
    return worst


def benchmark(model: nn.Module, path: Path, facts: dict) -> None:
    """Print milliseconds of one clip, of processor time."""
    clips = example_clips(model, facts, num_clips=1)
    network = ClipNetwork(model, in_graph(facts))
    eager = milliseconds(network, clips)
    exported = milliseconds(load(path, facts), clips)
    print(
        f'  one clip: {eager:.0f} ms in PyTorch, {exported:.0f} ms exported '
        '(processor time, best of 3)'
    )


def main() -> int:
    """Export; exit code 1 if the file computes something else."""
    args = parse_args()
    path = target(args)
    if args.int8 and args.to != 'onnx':
        raise ValueError('--int8 makes an ONNX file of 8 bits. Fix: --to onnx')
    model = init_model(args.config, args.checkpoint, 'cpu', args.cfg_options)
    facts = export_model(
        model,
        path,
        to=args.to,
        clip_frames=args.clip_frames,
        size=args.size,
        any_size=args.any_size,
        log_mel=args.log_mel,
        opset=args.opset,
    )
    print(f'{path}  {path.stat().st_size / 1e6:.1f} MB')
    apart = compare(model, path, facts, args.any_size)
    if args.benchmark:
        benchmark(model, path, facts)
    if args.int8:
        small = quantize(model, path, facts, num_clips=args.int8)
        print(f'{small}  {small.stat().st_size / 1e6:.1f} MB')
        if args.benchmark:
            benchmark(model, small, facts)
    if apart > TOLERANCE:
        print(f'  that is more than {TOLERANCE:g}: do not use this file')
        return FAILED
    return 0


if __name__ == '__main__':
    run_script(main)
