"""How many clips a second the loader gives, and what takes the time.

    python tools/analysis_tools/benchmark_loader.py CONFIG \
        [--split train] [--clips 200] [--workers 2] [--synthetic] \
        [--frame-cache]

Runs the split twice with an empty folder as cache of the log-mels (and, with
--frame-cache, of the decoded frames), first cold, then warm. Times by stage
are those of one process without workers.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Dict, Tuple

import torch
from mmengine.config import DictAction
from rich.console import Console
from rich.table import Table

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.loader_speed import (
    STAGES,
    clips_per_second,
    seconds_by_stage,
    use_cache,
)
from mmavs.command_line import run_script
from mmavs.engine.run_config import config_to_look_at, loader_of
from mmavs.registry import DATASETS
from mmavs.utils import register_all_modules


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--split', choices=('train', 'val', 'test'), default='train'
    )
    parser.add_argument(
        '--clips', type=int, default=200, help='per pass, at most'
    )
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument(
        '--frame-cache',
        action='store_true',
        help='also keep decoded frames (LoadFrame(cache_dir=...))',
    )
    parser.add_argument('--synthetic', action='store_true')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def report(passes: Dict[str, Tuple[float, Dict[str, float]]]) -> None:
    """Print one column a pass: clips/s, then ms a clip by stage."""
    table = Table(title='one clip')
    table.add_column('')
    for name in passes:
        table.add_column(name, justify='right')
    rates = [f'{rate:.1f} clips/s' for rate, _ in passes.values()]
    table.add_row('loader', *rates)
    for stage in STAGES:
        cells = [
            f'{spent[stage] * 1000:.1f} ms {spent[stage] / total:4.0%}'
            for _, spent in passes.values()
            for total in [sum(spent.values())]
        ]
        table.add_row(stage, *cells)
    Console().print(table)


def main() -> None:
    """Measure both passes."""
    args = parse_args()
    register_all_modules()
    torch.set_num_threads(1)
    config = config_to_look_at(
        args.config, args.cfg_options, args.synthetic, args.split
    )
    loader = loader_of(config, args.split)
    passes = {}
    with tempfile.TemporaryDirectory() as folder:
        # workers fill one cache, the measuring process the other
        for name in ('cold cache', 'warm cache'):
            use_cache(loader, Path(folder) / 'stages', args.frame_cache)
            stages = seconds_by_stage(
                DATASETS.build(loader['dataset']), args.clips
            )
            use_cache(loader, Path(folder) / 'loader', args.frame_cache)
            dataset = DATASETS.build(loader['dataset'])
            rate = clips_per_second(dataset, loader, args.clips, args.workers)
            passes[name] = rate, stages
    print(f'{args.workers} workers, batches as in {args.config}')
    report(passes)


if __name__ == '__main__':
    run_script(main)
