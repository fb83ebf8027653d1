r"""Seconds and memory of a config: forward, training step, loader, metric.

    python tools/analysis_tools/benchmark.py CONFIG [--against naive] \
        [--stages forward training loader metric] [--device cuda] \
        [--precision fp32] [--clips 1] [--train-clips 2] [--size 224] \
        [--frames 5] [--threads 2] [--workers 2] [--synthetic] [--out FILE]

Random weights, frames and sound; the loader reads the config's training set.
Seconds are medians and the range of runs; of two forms, the runs alternate in
one process. Memory is the peak above the weights, in a fresh process each: on
a CPU resident memory (Linux), on a GPU what PyTorch's allocator handed out.
The parts of the forward pass, and the steps of the loader, have their share in
percent. A training step is forward, losses, backward and optimizer; what the
config freezes for good (FreezeBackboneHook with num_epochs=None) stays frozen.

``--against naive`` builds the model a second time with equal weights, where
every module that has a textbook form (mmavs.analysis.naive) computes by the
equation of its paper with every intermediate tensor whole, and the metric by
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
from mmavs.analysis.complexity import audio_shape, frame_size
from mmavs.analysis.measure import in_fresh_process, machine_name, peak_memory
from mmavs.analysis.workloads import (
    DTYPES,
    FORMS,
    RunSetting,
    build_form,
    forward_pass,
    kinds_of,
    scoring,
    training_step,
)
from mmavs.command_line import run_script
from mmavs.commands import in_commands, program
from mmavs.engine.run_config import (
    check_inputs,
    drop_pretrained,
    load_config,
    use_synthetic,
)
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.whole_files import write_text
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
    add(
        '--stages',
        nargs='+',
        choices=STAGES,
        help='what is measured; by default all, the loader if data is there',
    )
    add('--device', default='cpu', help='cpu or cuda')
    add('--precision', choices=tuple(DTYPES), default='fp32', help='autocast')
    add('--threads', type=int, default=2, help='CPU threads')
    add('--clips', type=int, default=1, help='batch of forward and metric')
    add('--train-clips', type=int, default=2, help='of a training step')
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
    add('--loader-clips', type=int, default=40, help='of a run of the loader')
    add('--workers', type=int, default=2, help='of the loader')
    add('--synthetic', action='store_true', help='load synthetic data')
    add('--out', help='also write the figures to this json file')
    add('--cfg-options', nargs='+', action=DictAction)
    # what the fresh processes are started with
    add('--probe', nargs=2, metavar=('FORM', 'STAGE'), help=argparse.SUPPRESS)
    return parser.parse_args()


def read_setting(config: Config, args: argparse.Namespace) -> RunSetting:
    """What the model is run on: the command line, else the config."""
    padded = (config.model.get('data_preprocessor') or {}).get('num_frames')
    frames = args.frames or padded or 5
    shape = args.audio_shape
    if shape is None and config.model.get('audio_encoder'):
        shape = audio_shape(config, frames)[1:]
    size = (args.size, args.size) if args.size else frame_size(config)
    return RunSetting(frames, size, shape, args.device, args.precision)


def choose_stages(config: Config, args: argparse.Namespace) -> List[str]:
    """Stages to measure; by default the loader only where there is data."""
    stages = list(args.stages or STAGES)
    if 'loader' in stages:
        try:
            check_inputs(config, args.config, ['train'], sys.argv[0])
        except FileNotFoundError as error:
            if args.stages:
                raise
            stages.remove('loader')
            print(f'loader left out (--synthetic makes data): {error}\n')
    return stages


def probe(config: Config, args: argparse.Namespace) -> None:
    """Print the peak memory of one form and stage; run in a fresh process."""
    form, stage = args.probe
    setting = read_setting(config, args)
    model, _ = build_form(config, form, args.device)
    if stage == 'training':
        work = training_step(model, config, setting, args.train_clips)
    elif stage == 'metric':
        work = scoring(model, config, setting, args.clips)
    else:
        work = forward_pass(model, setting, args.clips)
    # what libraries load once does not count: run once on frames of 64 px
    forward_pass(model, setting._replace(size=(64, 64)), 1)()
    print(json.dumps(peak_memory(work, torch.device(args.device))))


def measure_memory(form: str, stage: str) -> int:
    """Bytes above the weights, measured in a fresh process."""
    words = [*sys.argv, '--probe', form, stage]
    return in_fresh_process(words, f'the {stage} of {form}')


def main() -> None:
    """Measure."""
    args = parse_args()
    keep_inputs([args.config], [args.out])
    register_all_modules()
    torch.set_num_threads(args.threads)
    config = load_config(args.config, args.cfg_options)
    drop_pretrained(config._cfg_dict)
    if args.probe:
        probe(config, args)
        return
    if args.synthetic:
        use_synthetic(config)
    stages = choose_stages(config, args)
    benchmark = Benchmark(
        config,
        read_setting(config, args),
        Amounts(**{name: getattr(args, name) for name in Amounts._fields}),
        measure_memory,
        FORMS if args.against else FORMS[:1],
        args.tolerance,
    )
    for stage in STAGES:
        if stage in stages:
            getattr(benchmark, stage)()
    report(benchmark, args)


def report(benchmark: Benchmark, args: argparse.Namespace) -> None:
    """Print what was run on what, then the figures; write them if wanted."""
    setting = benchmark.setting
    height, width = setting.size
    print(
        f'{machine_name(benchmark.device)}, {args.threads} CPU threads, '
        f'Python {platform.python_version()}, PyTorch {torch.__version__}, '
        f'{setting.precision}, clips of {setting.num_frames} frames of '
        f'{height} x {width}: {args.clips} a forward pass, '
        f'{args.train_clips} a training step, {args.workers} loader workers'
    )
    if args.against:
        kinds = ', '.join(kinds_of(benchmark.changed)) or 'none'
        print(f'textbook forms: {kinds}')
    for name, value in benchmark.differences.items():
        print(f'largest difference of {name}: {value:.1e} of the largest')
    console = Console()
    # a file is as wide as the table
    wide = console if console.is_terminal else Console(width=160)
    wide.print(benchmark.table())
    if args.out:
        names = ('seconds', 'bytes', 'shares', 'differences')
        figures = {name: getattr(benchmark, name) for name in names}
        write_text(args.out, json.dumps(figures, indent=2))


if __name__ == '__main__':
    run_script(main)
