"""Count parameters and multiply-accumulates (MACs) of one clip.

    python tools/analysis_tools/get_flops.py CONFIG [--shape 224] \
        [--num-frames 5] [--train-clips 4] [--device meta] \
        [--cfg-options model...=...]

A MAC is one multiplication with its addition (papers that write "FLOPs" mean
either one or two of them). Counted are matrix products, convolutions,
attention and sampling; not norms, activations, interpolation and element-wise
products. With --train-clips also the memory that a training step of so many
clips holds is predicted, from shapes alone. Neither data nor weights are
needed.
"""

import argparse
from typing import Dict, List, Tuple

from mmengine.config import Config, DictAction
from rich.console import Console
from rich.table import Table

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.complexity import (
    Complexity,
    audio_shape,
    clip_complexity,
)
from mmavs.analysis.memory import memory_estimate
from mmavs.analysis.workloads import RunSetting
from mmavs.command_line import run_script
from mmavs.engine.run_config import labelled_frames, load_config
from mmavs.models.precision import PRECISIONS
from mmavs.utils import register_all_modules


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--shape',
        type=int,
        nargs='+',
        help='one side, or height and width; else as the config tests',
    )
    parser.add_argument(
        '--num-frames', type=int, help='frames of the clip; else 5, or padded'
    )
    parser.add_argument(
        '--device',
        default='meta',
        help='another one is for modules that the meta device does not know',
    )
    parser.add_argument(
        '--train-clips',
        type=int,
        help='predict the memory of a training step of so many clips',
    )
    parser.add_argument(
        '--precision',
        choices=tuple(PRECISIONS),
        default='fp32',
        help='autocast of that step',
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    args = parser.parse_args()
    if args.shape and len(args.shape) > 2:
        parser.error('--shape takes one side, or height and width')
    return args


def size_of(shape: List[int]) -> Tuple[int, int]:
    """One side or two to height and width; None stays None."""
    return shape and (shape[0], shape[-1])


def show(complexity: Complexity) -> None:
    """Print one row per part."""
    height, width = complexity.size
    frames = complexity.num_frames
    table = Table(
        title=f'one clip of {frames} frames of {height} x {width} px'
    )
    for name in ('part', 'parameters (M)', 'MACs (G)', 'MACs a frame (G)'):
        table.add_column(name, justify='left' if name == 'part' else 'right')
    parts = dict.fromkeys([*complexity.parameters, *complexity.macs])
    for part in parts:
        row(table, part, complexity.parameters, complexity.macs, frames)
    table.add_section()
    row(
        table,
        'all',
        dict(all=sum(complexity.parameters.values())),
        dict(all=sum(complexity.macs.values())),
        frames,
    )
    Console().print(table)


def show_memory(
    config: Config, complexity: Complexity, args: argparse.Namespace
) -> None:
    """Print what a training step holds."""
    frames = complexity.num_frames
    setting = RunSetting(
        frames,
        complexity.size,
        config.model.get('audio_encoder') and audio_shape(config, frames)[1:],
        precision=args.precision,
        num_labelled=labelled_frames(config, frames),
    )
    estimate = memory_estimate(config, setting, args.train_clips)
    table = Table(
        title=f'a training step of {args.train_clips} clips, '
        f'{args.precision}, {setting.num_labelled} frames labelled'
    )
    for name in (*estimate._fields, 'total'):
        table.add_column(name, justify='right')
    held = (*estimate, estimate.total)
    table.add_row(*(f'{size / 1e9:.2f} GB' for size in held))
    Console().print(table)


def row(
    table: Table,
    part: str,
    parameters: Dict[str, int],
    macs: Dict[str, int],
    num_frames: int,
) -> None:
    count = macs.get(part, 0)
    table.add_row(
        part,
        f'{parameters.get(part, 0) / 1e6:.2f}',
        f'{count / 1e9:.2f}',
        f'{count / num_frames / 1e9:.2f}',
    )


def main() -> None:
    args = parse_args()
    register_all_modules()
    config = load_config(args.config, args.cfg_options)
    complexity = clip_complexity(
        config, size_of(args.shape), args.num_frames, args.device
    )
    show(complexity)
    if args.train_clips:
        show_memory(config, complexity, args)


if __name__ == '__main__':
    run_script(main)
