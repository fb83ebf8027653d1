r"""Seconds and memory of a config: loader, forward, necks, training, metrics.

    python tools/analysis_tools/benchmark.py CONFIG [--stages STAGE ...] \
        [--against naive] [--device cuda] [--precision fp32] [--size 224] \
        [--frames 5] [--threads 2] [--synthetic] [--out FILE]

Stages, by default all but ``neck`` (and the loader only if its data is there):

loader    clips of a split, first from an empty folder as cache of the log-mels
          (and, with --frame-cache, of the decoded frames), then from the full
          one; what takes the time, in one process without workers
forward   the network, clips to logits, and the share of its parts
neck      each neck alone, given what it is given inside the network: forward,
          and forward and backward
training  forward, losses, backward and optimizer; what the config freezes for
          good (FreezeBackboneHook with num_epochs=None) stays frozen
limits    each part of the forward pass, and a training step, beside what the
          machine itself can do, measured just before: a large matrix product
          and a large copy on the same threads, in the same precision. Seconds
          are the processor's there, so that other work does not count
metrics   the metrics of the test

All but the loader use random weights, frames and sound. Seconds are medians
and the range of runs; of two forms, the runs alternate in one process. Memory
is the peak above the weights (and a neck's input), in a fresh process each: on
a CPU resident memory (Linux), on a GPU what PyTorch's allocator handed out.

``--against naive`` builds the model a second time with equal weights, where
every module that has a textbook form (mmavs.analysis.naive) computes by the
equation of its paper with every intermediate tensor whole, and the metrics by
loops. It is an error if results of the two differ (in fp32) by more than
``--tolerance`` of the largest value. Modules that differ in nothing but their
index share a row, which sums them.
"""

import argparse
import json
import platform
import sys
from typing import List

import torch
from mmengine.config import Config, DictAction
from rich.console import Console

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.benchmark import STAGES, Amounts, Benchmark
from mmavs.analysis.complexity import (
    DEFAULT_FRAMES,
    audio_shape,
    frame_size,
)
from mmavs.analysis.measure import in_fresh_process, machine_name
from mmavs.analysis.workloads import FORMS, RunSetting, kinds_of
from mmavs.command_line import run_script
from mmavs.commands import in_commands, program
from mmavs.engine.run_config import (
    SPLITS,
    check_inputs,
    check_model,
    drop_pretrained,
    labelled_frames,
    load_config,
    loader_of,
    padded_frames,
    use_synthetic,
)
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.whole_files import write_text
from mmavs.models.precision import PRECISIONS
from mmavs.utils import register_all_modules


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program(),
        description=in_commands(__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('config', help='config file; weights are random')
    add('--against', choices=('naive',), help='compare with this form')
    add('--tolerance', type=float, default=1e-3, help='of --against')
    add('--stages', nargs='+', choices=STAGES, help='what is measured')
    add('--device', default='cpu', help='cpu or cuda')
    add(
        '--precision',
        choices=tuple(PRECISIONS),
        default='fp32',
        help='autocast',
    )
    add('--threads', type=int, default=2, help='CPU threads')
    add('--clips', type=int, default=1, help='batch, but in training')
    add('--train-clips', type=int, default=2, help='of a training step')
    add(
        '--labelled',
        type=int,
        help='first frames of a clip that have a label in a training step; '
        'by default one on S4, else all',
    )
    add('--frames', type=int, help='T; by default as the config pads, or 5')
    add('--size', type=int, help="side of a frame; by default the test's")
    add(
        '--audio-shape',
        type=int,
        nargs='+',
        help="one second's sound as the encoder takes it; by default what the "
        "config's pipeline makes",
    )
    add('--repeats', type=int, default=5, help='timed runs of each')
    add('--train-repeats', type=int, default=2, help='timed training steps')
    add_loader_arguments(parser)
    add('--out', help='also write the figures to this json file')
    add(
        '--tuned',
        action='store_true',
        help='fold batch norms and lay weights out for a CPU, as '
        'AVSInferencer does; no training step then',
    )
    add('--cfg-options', nargs='+', action=DictAction)
    # what the fresh processes are started with
    add('--probe', nargs=2, metavar=('FORM', 'ROW'), help=argparse.SUPPRESS)
    return parser.parse_args()


def add_loader_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the loader's stage."""
    add = parser.add_argument
    add('--loader-clips', type=int, default=40, help='of a run of the loader')
    add('--workers', type=int, default=2, help='of the loader')
    add('--split', choices=SPLITS, default='train', help='of the loader')
    add(
        '--frame-cache',
        action='store_true',
        help='the loader also keeps decoded frames (LoadFrame.cache_dir)',
    )
    add('--synthetic', action='store_true', help='load synthetic data')


def read_setting(config: Config, args: argparse.Namespace) -> RunSetting:
    """What the model is run on: the command line, else the config."""
    frames = args.frames or padded_frames(config) or DEFAULT_FRAMES
    shape = args.audio_shape
    if shape is None and config.model.get('audio_encoder'):
        shape = audio_shape(config, frames)[1:]
    size = (args.size, args.size) if args.size else frame_size(config)
    labelled = args.labelled or labelled_frames(config, frames)
    return RunSetting(
        frames, size, shape, args.device, args.precision, labelled
    )


def choose_stages(config: Config, args: argparse.Namespace) -> List[str]:
    """Stages to measure, in their order."""
    stages = args.stages or [stage for stage in STAGES if stage != 'neck']
    if args.tuned:
        if 'training' in (args.stages or ()):
            raise ValueError(
                'a model that is tuned for inference cannot be trained. Fix: '
                'leave --tuned or the stage training out.'
            )
        stages = [stage for stage in stages if stage != 'training']
    if 'loader' in stages:
        try:
            loader_of(config, args.split)
            check_inputs(config, args.config, [args.split], sys.argv[0])
        except FileNotFoundError as error:
            if args.stages:
                raise
            stages.remove('loader')
            print(f'loader left out (--synthetic makes data): {error}\n')
    return [stage for stage in STAGES if stage in stages]


def measure_memory(form: str, row: str) -> int:
    """Bytes above the weights, measured in a fresh process."""
    words = [*sys.argv, '--probe', form, row]
    return in_fresh_process(words, f'{row} of {form}')


def main() -> None:
    """Measure."""
    args = parse_args()
    keep_inputs([args.config], [args.out])
    register_all_modules()
    torch.set_num_threads(args.threads)
    config = load_config(args.config, args.cfg_options)
    drop_pretrained(config._cfg_dict)
    setting = None
    if args.probe or args.stages != ['loader']:
        check_model(config, args.config)
        setting = read_setting(config, args)
    benchmark = Benchmark(
        config,
        setting,
        Amounts(**{name: getattr(args, name) for name in Amounts._fields}),
        measure_memory,
        FORMS if args.against else FORMS[:1],
        args.tolerance,
        args.tuned,
    )
    if args.probe:
        print(json.dumps(benchmark.peak(*args.probe)))
        return
    if args.synthetic:
        use_synthetic(config, args.cfg_options, [args.split])
    for stage in choose_stages(config, args):
        getattr(benchmark, stage)()
    report(benchmark, args)


def report(benchmark: Benchmark, args: argparse.Namespace) -> None:
    """Print what was run on what, then the figures; write them if wanted."""
    print(
        f'{machine_name(benchmark.device)}, {args.threads} CPU threads, '
        f'Python {platform.python_version()}, PyTorch {torch.__version__}, '
        f'{args.workers} loader workers'
    )
    if benchmark.setting:
        setting = benchmark.setting
        height, width = setting.size
        print(
            f'{setting.precision}, clips of {setting.num_frames} frames of '
            f'{height} x {width}: {args.clips} in a forward pass, '
            f'{args.train_clips} in a training step, '
            f'{setting.num_labelled or setting.num_frames} frames labelled'
        )
    if args.against and benchmark.setting:
        kinds = ', '.join(kinds_of(benchmark.changed)) or 'none'
        print(f'textbook forms: {kinds}')
    for name, value in benchmark.differences.items():
        print(f'largest difference of {name}: {value:.1e} of the largest')
    console = Console()
    # a file is as wide as the table
    wide = console if console.is_terminal else Console(width=160)
    for table in (benchmark.table(), *benchmark.limit_tables()):
        if table.row_count:
            wide.print(table)
    if args.out:
        names = ('seconds', 'bytes', 'shares', 'differences')
        figures = {name: getattr(benchmark, name) for name in names}
        figures['costs'] = {
            name: cost._asdict() for name, cost in benchmark.costs.items()
        }
        write_text(args.out, json.dumps(figures, indent=2))


if __name__ == '__main__':
    run_script(main)
