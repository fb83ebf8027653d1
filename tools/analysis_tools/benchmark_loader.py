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
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Tuple

import torch
from mmengine.config import ConfigDict, DictAction
from mmengine.dataset import pseudo_collate
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.datasets.transforms import ForEachFrame
from mmavs.registry import DATASETS
from mmavs.utils import register_all_modules
from mmavs.utils.run_config import check_inputs, load_config, use_synthetic

DECODE = {
    'LoadFrame': 'image decode',
    'LoadImageFromFile': 'image decode',
    'LoadFrameMask': 'mask decode',
    'LoadAnnotations': 'mask decode',
}
STAGES = (
    'image decode',
    'mask decode',
    'sound',
    'other transforms',
    'packing',
)
SOUND_MODULES = (
    'mmavs.datasets.transforms.audio',
    'mmavs.datasets.transforms.loading',
    'mmavs.datasets.transforms.other_sound',
    'mmavs.datasets.transforms.waveform',
)


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


def nested(config) -> Iterator[ConfigDict]:
    """Yield every dict in a config."""
    if isinstance(config, dict):
        yield config
        for value in config.values():
            yield from nested(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from nested(value)


def stage_of(transform) -> str:
    """Name the part of the work a transform does."""
    name = type(transform).__name__
    if type(transform).__module__ in SOUND_MODULES:
        return 'sound'
    if name == 'PackAVSInputs':
        return 'packing'
    return DECODE.get(name, 'other transforms')


def split_pipeline(pipeline) -> List[Tuple[str, Callable]]:
    """List (stage, step), with what ForEachFrame holds one by one."""
    steps = []
    for transform in pipeline:
        if isinstance(transform, ForEachFrame):
            share = transform.share_random_params
            steps += [
                (stage_of(inner), ForEachFrame([inner], share))
                for inner in transform.transforms
            ]
        else:
            steps.append((stage_of(transform), transform))
    return steps


def measure_stages(dataset, num_clips: int) -> Dict[str, float]:
    """Seconds a clip by stage, in this process."""
    while hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    seconds = dict.fromkeys(STAGES, 0.0)
    steps = split_pipeline(dataset.pipeline.transforms)
    num_clips = min(num_clips, len(dataset))
    for index in range(num_clips):
        results = dataset.get_data_info(index)
        for stage, step in steps:
            start = time.perf_counter()
            results = step(results)
            seconds[stage] += time.perf_counter() - start
    return {stage: spent / num_clips for stage, spent in seconds.items()}


def measure_loader(dataset, config: ConfigDict, args) -> float:
    """Clips a second of a DataLoader with workers, started beforehand."""
    batch_size = config.get('batch_size', 1)
    # the first batches, while workers start, do not count
    idle = 2 * batch_size * max(args.workers, 1)
    indices = list(range(min(args.clips, len(dataset))))
    loader = DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=indices[:1] * idle + indices,
        num_workers=args.workers,
        collate_fn=pseudo_collate,
        worker_init_fn=one_thread,
    )
    seen, start = 0, 0.0
    for batch in loader:
        seen += len(batch['data_samples'])
        if seen == idle:
            start = time.perf_counter()
    return len(indices) / (time.perf_counter() - start)


def one_thread(_: int) -> None:
    """Keep a worker to one core, as training does."""
    torch.set_num_threads(1)


def use_cache(config, folder: Path, frames: bool) -> None:
    """Point the caches of a config to a folder."""
    for part in nested(config):
        if part.get('cache_dir') or (
            frames and part.get('type') == 'LoadFrame'
        ):
            part['cache_dir'] = str(folder)


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
    config = load_config(args.config, args.cfg_options)
    if args.synthetic:
        use_synthetic(config)
    check_inputs(config, args.config, training=False)
    loader = config[f'{args.split}_dataloader']
    passes = {}
    with tempfile.TemporaryDirectory() as folder:
        # workers fill one cache, the measuring process the other
        for name in ('cold cache', 'warm cache'):
            use_cache(loader, Path(folder) / 'stages', args.frame_cache)
            stages = measure_stages(
                DATASETS.build(loader['dataset']), args.clips
            )
            use_cache(loader, Path(folder) / 'loader', args.frame_cache)
            rate = measure_loader(
                DATASETS.build(loader['dataset']), loader, args
            )
            passes[name] = rate, stages
    print(f'{args.workers} workers, batches as in {args.config}')
    report(passes)


if __name__ == '__main__':
    main()
