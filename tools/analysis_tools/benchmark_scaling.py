r"""Clips per second against loader workers and ranks, measured and predicted.

    python tools/analysis_tools/benchmark_scaling.py CONFIG --synthetic \
        [--workers 0 1 2] [--ranks 1 2] [--clips 4] [--steps 5]

    python tools/analysis_tools/benchmark_scaling.py CONFIG \
        --step-seconds 0.4 --link 50 --node-link 12.5 [--gpus-per-node 8] \
        [--loader-rate 90] [--gpus 1 2 4 8 16 32 64]

The first form measures here. The loader: clips of a split on the clock, and
processor seconds of a clip, workers included, which other work on the machine
does not change. Ranks: training steps of random clips with DDP over gloo, one
CPU thread each; the same "apart", while gradients stay a rank's own; their
all-reduce alone; and what the model below predicts from these two, where
nothing hides, since gloo adds up on the cores that compute.

The second form predicts steps on GPUs (mmavs.analysis.scaling) from speeds
that you give, since nobody else knows them: of a step on one of your GPUs
(benchmark.py --stages training --device cuda), of your links in GB/s (of a
ring, as nccl-tests calls bus bandwidth), and of the loader of one rank. A step
is compute and whatever of the all-reduce the backward pass does not hide, or
the loader if that is slower.
"""

import argparse
import json
import math
import resource
import sys
from dataclasses import asdict, dataclass, field
from typing import List

import torch
from mmengine.config import Config, DictAction
from rich.console import Console
from rich.table import Table

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.complexity import (
    DEFAULT_FRAMES,
    audio_shape,
    frame_size,
)
from mmavs.analysis.loader_speed import clips_per_second
from mmavs.analysis.measure import machine_name
from mmavs.analysis.rank_speed import measure_ranks
from mmavs.analysis.scaling import Cluster, Job, Prediction, predict
from mmavs.analysis.workloads import RunSetting, freeze
from mmavs.command_line import run_script
from mmavs.engine.run_config import (
    SPLITS,
    check_inputs,
    check_model,
    drop_pretrained,
    load_config,
    loader_of,
    padded_frames,
    use_synthetic,
)
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.whole_files import write_text
from mmavs.registry import DATASETS, MODELS
from mmavs.testing.meta import OnMeta
from mmavs.utils import register_all_modules

GIGA = 1e9


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('config', help='config file; weights are random')
    add(
        '--workers', type=int, nargs='*', default=[0, 1, 2], help='of a loader'
    )
    add('--ranks', type=int, nargs='*', default=[1, 2], help='CPU processes')
    add('--clips', type=int, help="of a GPU's step; by default the config's")
    add('--steps', type=int, default=5, help='timed training steps')
    add('--split', choices=SPLITS, default='train', help='of the loader')
    add('--loader-clips', type=int, default=40, help='of a run of the loader')
    add('--frames', type=int, help='T; by default as the config pads, or 5')
    add('--size', type=int, help="side of a frame; by default the test's")
    add('--synthetic', action='store_true', help='load synthetic data')
    add('--step-seconds', type=float, help='of one GPU: predict')
    add('--link', type=float, help='GB/s between GPUs of a machine')
    add('--node-link', type=float, help='GB/s between machines')
    add('--gpus-per-node', type=int, default=8, help='GPUs of a machine')
    add('--latency', type=float, default=0.0, help='of a message, in s')
    add('--loader-rate', type=float, default=math.inf, help='clips/s a rank')
    add('--backward-share', type=float, default=2 / 3, help='of a step')
    add('--bucket-mb', type=float, default=25, help="DDP's bucket_cap_mb")
    add('--gpus', type=int, nargs='+', default=[1, 2, 4, 8, 16, 32, 64])
    add('--out', help='also write the figures to this json file')
    add('--cfg-options', nargs='+', action=DictAction)
    args = parser.parse_args()
    needed = (args.step_seconds, args.link, args.node_link)
    if any(needed) and not all(needed):
        parser.error('a prediction needs --step-seconds, --link, --node-link')
    return args


@dataclass
class Figures:
    """What was measured or predicted, as it is written to a file."""

    loader: List[dict] = field(default_factory=list)
    ranks: List[dict] = field(default_factory=list)
    predicted: List[dict] = field(default_factory=list)


def measure_loader(config: Config, args, figures: Figures) -> Table:
    """Clips of a split by numbers of workers."""
    loader = loader_of(config, args.split)
    dataset = DATASETS.build(loader['dataset'])
    table = Table('loader workers', 'clips/s', 'processor ms of a clip')
    clips_per_second(dataset, loader, args.loader_clips, 0)  # fills caches
    for workers in args.workers:
        before = _processor_seconds()
        rate = clips_per_second(dataset, loader, args.loader_clips, workers)
        spent = _processor_seconds() - before
        loaded = min(args.loader_clips, len(dataset))
        loaded += 2 * loader.get('batch_size', 1) * max(workers, 1)
        row = dict(
            workers=workers, rate=rate, processor_seconds=spent / loaded
        )
        figures.loader.append(row)
        table.add_row(
            str(workers), f'{rate:.1f}', f'{1e3 * spent / loaded:.1f}'
        )
    return table


def _processor_seconds() -> float:
    """Of this process and of all that it started and that have ended."""
    used = [
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measure_training(
    config: Config, args, setting: RunSetting, figures: Figures
) -> Table:
    """Training steps by numbers of ranks, beside what the model says."""
    table = Table(
        *('ranks', 'clips/s', 'a step', 'apart', 'all-reduce', 'predicted'),
        'processor ms of a clip',
    )
    for ranks in sorted(args.ranks):
        speed = measure_ranks(config, setting, args.clips, args.steps, ranks)
        job = _job(args, speed.parameters, speed.apart.median)
        # gloo adds up on the cores that compute, so nothing hides
        job = job._replace(backward_share=0.0)
        step = predict(job, Cluster(speed.link, speed.link), ranks).step
        of_a_clip = speed.processor_seconds / (ranks * args.clips)
        figures.ranks.append(
            dict(speed._asdict(), predicted=step, rate=speed.rate)
        )
        table.add_row(
            *(str(ranks), f'{speed.rate:.2f}'),
            str(speed.seconds),
            *(
                f'{1e3 * seconds:.1f} ms'
                for seconds in (speed.apart.median, speed.all_reduce, step)
            ),
            f'{1e3 * of_a_clip:.1f}',
        )
    return table


def _job(args, parameters: int, seconds: float) -> Job:
    return Job(
        clips=args.clips,
        compute=seconds,
        parameters=parameters,
        backward_share=args.backward_share,
        bucket_bytes=int(args.bucket_mb * 2**20),
        loader_rate=args.loader_rate,
    )


def predict_gpus(config: Config, args, figures: Figures) -> Table:
    """Steps on numbers of GPUs, from the speeds given."""
    with OnMeta():
        model = MODELS.build(config.model)
    freeze(model, config)
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    cluster = Cluster(
        args.link * GIGA,
        args.node_link * GIGA,
        args.gpus_per_node,
        args.latency,
    )
    job = _job(args, parameters, args.step_seconds)
    found = [predict(job, cluster, gpus) for gpus in args.gpus]
    figures.predicted += [one._asdict() for one in found]
    print(
        f'{parameters / 1e6:.2f} M trained parameters, '
        f'{4 * parameters / GIGA:.3f} GB of gradients'
    )
    return _predictions(found)


def _predictions(found: List[Prediction]) -> Table:
    names = ('GPUs', 'all-reduce ms', 'waited for ms', 'loader ms', 'step ms')
    table = Table(*names, 'clips/s', 'efficiency')
    for one in found:
        parts = (one.all_reduce, one.exposed, one.loader, one.step)
        table.add_row(
            str(one.gpus),
            *(f'{1e3 * seconds:.1f}' for seconds in parts),
            f'{one.rate:.1f}',
            f'{one.efficiency:.2f}',
        )
    return table


def read_setting(config: Config, args) -> RunSetting:
    """What steps are run on: the command line, else the config."""
    frames = args.frames or padded_frames(config) or DEFAULT_FRAMES
    shape = None
    if config.model.get('audio_encoder'):
        shape = audio_shape(config, frames)[1:]
    size = (args.size, args.size) if args.size else frame_size(config)
    return RunSetting(frames, size, shape)


def main() -> None:
    """Measure or predict."""
    args = parse_args()
    keep_inputs([args.config], [args.out])
    register_all_modules()
    torch.set_num_threads(1)
    config = load_config(args.config, args.cfg_options)
    check_model(config, args.config)
    drop_pretrained(config._cfg_dict)
    if args.clips is None:
        args.clips = loader_of(config, 'train').get('batch_size', 1)
    figures = Figures()
    if args.step_seconds:
        tables = [predict_gpus(config, args, figures)]
    else:
        print(f'{machine_name(torch.device("cpu"))}, one thread a process')
        if args.synthetic:
            use_synthetic(config, args.cfg_options, [args.split])
        tables = []
        if args.workers:
            check_inputs(config, args.config, [args.split], sys.argv[0])
            tables.append(measure_loader(config, args, figures))
        if args.ranks:
            setting = read_setting(config, args)
            tables.append(measure_training(config, args, setting, figures))
    console = Console()
    # a file is as wide as the table
    wide = console if console.is_terminal else Console(width=120)
    for table in tables:
        wide.print(table)
    if args.out:
        write_text(args.out, json.dumps(asdict(figures), indent=2))


if __name__ == '__main__':
    run_script(main)
