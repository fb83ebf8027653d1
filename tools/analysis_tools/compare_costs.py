"""Parameters, MACs, seconds and memory of several configs, side by side.

    python tools/analysis_tools/compare_costs.py CONFIG CONFIG ... \
        [--size 224] [--frames 5] [--threads 2] [--repeats 9] [--device cpu]

One clip in inference, with random weights, frames and sound; the sound
encoder takes part. Seconds are medians (and the range) of runs that alternate
between the configs in one process. Memory is the peak above the weights, in a
fresh process each: on a CPU resident memory (Linux), on a GPU what PyTorch's
allocator handed out. Parameters are those that take part, the sound encoder's
apart.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import Callable, List

import torch
from rich.console import Console
from rich.table import Table

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.complexity import audio_shape, clip_complexity
from mmavs.analysis.measure import (
    in_fresh_process,
    interleave,
    peak_memory,
)
from mmavs.analysis.workloads import RunSetting, build_form, forward_pass
from mmavs.command_line import run_script
from mmavs.engine.run_config import load_config
from mmavs.utils import register_all_modules


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('configs', nargs='+', help='config files')
    add('--size', type=int, default=224, help='side of a frame in pixels')
    add('--frames', type=int, default=5, help='T')
    add('--threads', type=int, default=2, help='CPU threads')
    add('--repeats', type=int, default=9, help='timed runs of each')
    add('--device', default='cpu', help='cpu or cuda')
    # what the fresh processes are started with
    add('--probe', help=argparse.SUPPRESS)
    return parser.parse_args()


def network(path: str, size: int, args) -> Callable[[], object]:
    """Build a config's model; give a function that segments one clip."""
    config = load_config(path)
    model, _ = build_form(config, 'mmavs', args.device)
    hears = model.audio_encoder is not None
    shape = audio_shape(config, args.frames)[1:] if hears else None
    setting = RunSetting(args.frames, (size, size), shape, args.device)
    return forward_pass(model, setting, 1)


def probe(args: argparse.Namespace) -> None:
    """Print the peak memory of one config; run in a fresh process."""
    work = network(args.probe, args.size, args)
    network(args.probe, 64, args)()  # what libraries load once
    print(json.dumps(peak_memory(work, torch.device(args.device))))


def measure_memory(path: str) -> int:
    """Bytes above the weights, measured in a fresh process."""
    return in_fresh_process([*sys.argv, '--probe', path], path)


def measure(args: argparse.Namespace) -> List[List[str]]:
    """One row of cells per config."""
    works = {p: network(p, args.size, args) for p in args.configs}
    runs = interleave(works, args.repeats, torch.device(args.device))
    rows = []
    for path in args.configs:
        cost = clip_complexity(
            load_config(path), (args.size, args.size), args.frames
        )
        own = dict(cost.parameters)
        own.pop('audio_encoder', None)
        times = [1e3 * seconds for seconds in runs[path]]
        rows.append(
            [
                Path(path).stem,
                f'{sum(own.values()) / 1e6:.2f}',
                f'{sum(cost.macs.values()) / 1e9:.1f}',
                f'{median(times):.0f} ({min(times):.0f}..{max(times):.0f})',
                f'{measure_memory(path) / 1e6:.0f}',
            ]
        )
    return rows


def main() -> None:
    args = parse_args()
    register_all_modules()
    torch.set_num_threads(args.threads)
    if args.probe:
        probe(args)
        return
    table = Table(
        title=f'one clip of {args.frames} frames of {args.size} px, '
        f'{args.device}, {args.threads} threads, torch {torch.__version__}'
    )
    columns = (
        'config',
        'parameters (M)',
        'MACs (G)',
        'ms per clip',
        'peak MB',
    )
    for name in columns:
        table.add_column(name, justify='left' if name == 'config' else 'right')
    for cells in measure(args):
        table.add_row(*cells)
    Console().print(table)


if __name__ == '__main__':
    run_script(main)
