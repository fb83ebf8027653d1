"""Seconds and memory of one neck on one scale, against its textbook form.

    python tools/analysis_tools/benchmark_neck.py MotionCorrelation \
        [--size 56] [--channels 128] [--frames 5] [--clips 1] [--threads 2] \
        [--repeats 9] [--device cpu]

Both forms get equal weights and the same random maps; their outputs and
gradients are compared first. Seconds are medians (and the range) of runs that
alternate between the two in one process. Memory is the peak above what the
neck is given, in a fresh process each: on a CPU resident memory (Linux), on a
GPU what PyTorch's allocator handed out. "with gradients" is forward and
backward.
"""

import argparse
import json
import sys
from functools import partial
from typing import Callable, List

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.measure import (
    Spread,
    in_fresh_process,
    interleave,
    peak_memory,
)
from mmavs.analysis.naive import naive_copy
from mmavs.command_line import run_script
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures
from mmavs.utils import register_all_modules

FORMS = ('mmavs', 'naive')
STAGES = ('forward', 'with gradients')
AUDIO_CHANNELS = 128  # VGGish


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('neck', choices=('MotionCorrelation', 'TPAVI'))
    add('--size', type=int, default=56, help='side of the map')
    add('--channels', type=int, default=128)
    add('--frames', type=int, default=5, help='T')
    add('--clips', type=int, default=1)
    add('--threads', type=int, default=2, help='CPU threads')
    add('--repeats', type=int, default=9, help='timed runs of each')
    add('--device', default='cpu', help='cpu or cuda')
    # what the fresh processes are started with
    add('--probe', nargs=2, metavar=('FORM', 'STAGE'), help=argparse.SUPPRESS)
    return parser.parse_args()


def build(args: argparse.Namespace, form: str) -> nn.Module:
    """Build the neck for one scale, always with the same weights."""
    torch.manual_seed(0)
    config = dict(type=args.neck)
    if args.neck == 'TPAVI':
        config.update(in_channels=[args.channels], zero_init=False)
    else:
        config.update(num_scales=1)
    neck = MODELS.build(config)
    neck = neck if form == 'mmavs' else naive_copy(neck)[0]
    return neck.to(args.device).eval()


def given(args: argparse.Namespace) -> AVFeatures:
    """Random maps of unit length over the channels, and sound."""
    source = torch.Generator().manual_seed(1)
    frames = args.clips * args.frames
    maps = torch.randn(
        frames, args.channels, args.size, args.size, generator=source
    )
    maps = nn.functional.normalize(maps, dim=1)
    sound = torch.rand(frames, AUDIO_CHANNELS, generator=source)
    return AVFeatures(
        (maps.to(args.device),),
        sound.to(args.device),
        num_frames=args.frames,
    )


def run(neck: nn.Module, features: AVFeatures, stage: str) -> List[Tensor]:
    """Run the neck; give its map and, with gradients, that of its input."""
    if stage == 'forward':
        with torch.no_grad():
            return [neck(features).visual[0]]
    x = features.visual[0].detach().requires_grad_()
    out = neck(features._replace(visual=(x,))).visual[0]
    # weighted, as the squares of a LayerNorm's output have no gradient
    (out * x.detach().roll(1, dims=1)).sum().backward()
    neck.zero_grad(set_to_none=True)
    return [out.detach(), x.grad]


def probe(args: argparse.Namespace) -> None:
    """Print the peak memory of one form and stage; run in a fresh process."""
    form, stage = args.probe
    work = partial(run, build(args, form), given(args), stage)
    small = argparse.Namespace(**dict(vars(args), size=8))
    run(build(small, form), given(small), stage)
    print(json.dumps(peak_memory(work, torch.device(args.device))))


def measure_memory(form: str, stage: str) -> int:
    """Bytes above the inputs, measured in a fresh process."""
    words = [*sys.argv, '--probe', form, stage]
    return in_fresh_process(words, f'{form}, {stage}')


def worst(works: dict) -> float:
    """Largest difference of the two forms, relative to the largest value."""
    pairs = zip(*(works[form]() for form in FORMS))
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)


def add_rows(table: Table, stage: str, works: dict, args) -> None:
    """Measure one stage; two rows."""
    runs = interleave(works, args.repeats, torch.device(args.device))
    seconds = {form: Spread.of(runs[form]) for form in FORMS}
    ratio = seconds['naive'].median / seconds['mmavs'].median
    table.add_row(stage, *map(str, seconds.values()), f'{ratio:.2f}')
    memory = {form: measure_memory(form, stage) for form in FORMS}
    cells = [f'{memory[form] / 1e6:.1f} MB' for form in FORMS]
    ratio = memory['naive'] / max(1, memory['mmavs'])
    table.add_row(f'{stage}: peak', *cells, f'{ratio:.2f}')


def main() -> None:
    args = parse_args()
    register_all_modules()
    torch.set_num_threads(args.threads)
    if args.probe:
        probe(args)
        return
    table = Table(title='median (range); ratio = naive / mmavs')
    for name in ('what', *FORMS, 'ratio'):
        table.add_column(name, justify='left' if name == 'what' else 'right')
    features, console = given(args), Console()
    necks = {form: build(args, form) for form in FORMS}
    for stage in STAGES:
        works: dict[str, Callable] = {
            form: partial(run, neck, features, stage)
            for form, neck in necks.items()
        }
        console.print(f'{stage}: largest difference {worst(works):.1e}')
        add_rows(table, stage, works, args)
    console.print(table)


if __name__ == '__main__':
    run_script(main)
