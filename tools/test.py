"""Test a model: ``python tools/test.py CONFIG CHECKPOINT``.

With ``--sounds own mute noise swap offscreen mix`` the clips are tested under
each of these sounds, and a table says what is segmented under sound that fits
(J, F) and under sound that does not (FPR, silent mIoU, RA); docs/en/metrics.md
has the formulas. The figures go to sounds.json beside the log.
"""

import argparse
import os
from typing import List

from mmengine.config import Config, DictAction
from mmengine.dist import is_main_process

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.audio.sounds import SOUNDS
from mmavs.command_line import run_script
from mmavs.commands import in_commands, program
from mmavs.compat.checkpoints import find_checkpoint
from mmavs.engine.run_config import (
    check_inputs,
    evaluators_of,
    load_config,
    loader_of,
    use_synthetic,
    use_tta,
)
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.output_folder import (
    check_folders,
    claim_folders,
    refuse_existing,
)
from mmavs.model_index import released
from mmavs.weights.work_dir import set_work_dir

WORST = 5  # clips that a sheet shows, unless another number is asked for


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program(),
        description=in_commands(__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file, or name of a model')
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='checkpoint file; may be left out for a model of "mmavs '
        'weights", and with --synthetic, which then tests random weights',
    )
    parser.add_argument('--work-dir', help='where logs and metrics go')
    add_output_arguments(parser)
    add_sound_arguments(parser)
    parser.add_argument(
        '--tta',
        action='store_true',
        help='average masks over flips and scales; no instances are given',
    )
    parser.add_argument(
        '--precision',
        choices=('fp32', 'bf16', 'fp16'),
        help='in which the network computes; fp32 by default',
    )
    parser.add_argument(
        '--synthetic',
        action='store_true',
        help='test on the synthetic set (made once under data/synthetic)',
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    parser.add_argument(
        '--launcher',
        choices=('none', 'pytorch', 'slurm', 'mpi'),
        default='none',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_intermixed_args()  # CONFIG --option CHECKPOINT too
    args.weights = released(args.config) if not args.checkpoint else None
    check_arguments(parser, args)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def check_arguments(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> None:
    """End in the parser's error where arguments do not go together."""
    if not (args.checkpoint or args.weights or args.synthetic):
        parser.error(
            'give a checkpoint, a model of "mmavs weights", or --synthetic '
            'for random weights'
        )
    for option in ('released_names', 'soft_masks'):
        if getattr(args, option) and not args.out:
            name = option.replace('_', '-')
            parser.error(f'--{name} says how to write --out DIR: give both')
    refuse_sounds(parser, args)
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        parser.error(f'--dump must end in .pkl, got {args.dump}')


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that write something besides the figures."""
    parser.add_argument(
        '--out',
        metavar='DIR',
        help='write predicted masks, named as the ground truth of the '
        'benchmark (frames from 1); instances too, if the model finds them',
    )
    parser.add_argument(
        '--released-names',
        action='store_true',
        help="with --out: number frames from 0, as AVSBench's code does",
    )
    parser.add_argument(
        '--soft-masks',
        action='store_true',
        help='with --out, binary settings: write probabilities as grey '
        'levels, of which the F-measure can be computed offline',
    )
    parser.add_argument(
        '--dump', metavar='FILE.pkl', help='write predictions for offline use'
    )
    parser.add_argument(
        '--show-dir',
        metavar='DIR',
        help='draw every clip; the worst come first by name',
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='remove what an earlier run wrote to --out and --show-dir, and '
        'replace --dump',
    )


def add_sound_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of a test under several sounds."""
    parser.add_argument(
        '--sounds',
        nargs='+',
        choices=tuple(SOUNDS),
        metavar='SOUND',
        help='what the clips hear, one pass for each: '
        + '; '.join(f'{word}: {meaning}' for word, meaning in SOUNDS.items()),
    )
    parser.add_argument(
        '--sound-seed',
        type=int,
        default=0,
        help="with --sounds: of the draw of other clips' sounds",
    )
    parser.add_argument(
        '--show-worst',
        type=int,
        metavar='N',
        help='with --sounds: draw a sheet of the N worst clips of each, '
        f'beside the log; default: {WORST}, 0 draws none',
    )


def refuse_sounds(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> None:
    """End with one line where arguments exclude one another."""
    if not args.sounds:
        if args.show_worst:
            parser.error('--show-worst draws clips of --sounds: give both')
        return
    if len(set(args.sounds)) < len(args.sounds):
        parser.error('--sounds names a sound twice')
    if args.show_worst is None:
        args.show_worst = WORST
    if args.show_worst < 0:
        parser.error(f'--show-worst is a number, got {args.show_worst}')
    writes = ('out', 'dump', 'show_dir')
    given = [name for name in writes if getattr(args, name)]
    if given and len(args.sounds) > 1:
        parser.error(
            f'--{given[0].replace("_", "-")} takes what is predicted under '
            'one sound: give --sounds one word, or leave one of both out'
        )


def prepare_config(args: argparse.Namespace) -> Config:
    """Merge the command line into the config.

    Raises:
        FileNotFoundError: Data or the checkpoint are absent.
        FileExistsError: An output is there already.
        ValueError: The config has no test, or cannot give what is asked for.
    """
    config = load_config(args.config, args.cfg_options)
    config.launcher = args.launcher
    set_work_dir(config, args.work_dir)
    loader_of(config, 'test')
    if args.synthetic:
        use_synthetic(config, args.cfg_options, ['test'])
    check_inputs(config, args.config, ['test'], 'tools/test.py')
    if args.checkpoint:
        find_checkpoint(args.checkpoint)
    config.load_from = None
    if args.precision:
        config.model.precision = args.precision
    write_outputs(config, args)
    if args.sounds:
        from mmavs.engine.under_sounds import add_sensitivity

        add_sensitivity(config.test_evaluator)
    if args.tta:
        use_tta(config)
    folders = output_folders(config)
    keep_inputs([args.config, args.checkpoint], [args.dump], set(folders))
    if args.dump:
        refuse_existing(args.dump, args.overwrite)
    check_folders(folders, args.overwrite)
    return config


def write_outputs(config: Config, args: argparse.Namespace) -> None:
    """Let metrics and hooks write what the command line asks for.

    Raises:
        ValueError: No metric of the config writes masks, or none soft ones.
    """
    evaluators = evaluators_of(config)
    if args.out:
        # one writer is enough, however many metrics look on
        writer = mask_writer(evaluators, args.soft_masks)
        writer.update(output_dir=args.out, released_names=args.released_names)
        if args.soft_masks:
            writer['soft_masks'] = True
        if finds_instances(config):
            first = 0 if args.released_names else 1
            evaluators.append(
                dict(type='InstanceWriter', output_dir=args.out, first=first)
            )
    if args.dump:
        evaluators.append(dict(type='DumpClips', out_file_path=args.dump))
    config.test_evaluator = evaluators
    if args.show_dir:
        hooks = dict(config.get('default_hooks') or {})
        hook = hooks.get('visualization') or dict(type='AVSVisualizationHook')
        show = dict(draw=True, interval=1, out_dir=args.show_dir)
        config.default_hooks = dict(hooks, visualization=dict(hook, **show))


def mask_writer(evaluators: List[dict], soft: bool) -> dict:
    """Choose the metric that writes masks.

    Raises:
        ValueError: There is none.
    """
    kind = 'AVSMetric' if soft else 'AVSMetric or AVSSMetric'
    for evaluator in evaluators:
        if evaluator['type'].split('.')[-1] in kind.split(' or '):
            return evaluator
    wanted = '--soft-masks' if soft else '--out'
    raise ValueError(
        f'{wanted} needs {kind} among the test_evaluators, which are '
        f'{[evaluator["type"] for evaluator in evaluators]}. Fix: leave '
        f'{wanted} out, or add dict(type={kind.split()[0]!r})'
    )


def output_folders(config: Config) -> List[str]:
    """List the folders that a test writes to."""
    hooks = config.get('default_hooks') or {}
    parts = [*config.test_evaluator, hooks.get('visualization') or {}]
    keys = ('output_dir', 'report_dir', 'out_dir')
    return [part[key] for part in parts for key in keys if part.get(key)]


def finds_instances(config: Config) -> bool:
    """Whether the model gives instances besides the binary map."""
    from mmavs.registry import MODELS

    head = MODELS.get(config.model.decode_head.type)
    return getattr(head, 'finds_instances', False)  # mmseg's find none


def build_runner(args: argparse.Namespace, config: Config):
    """Build the runner, with the weights of the checkpoint."""
    from mmengine.model import is_model_wrapper
    from mmengine.runner import Runner

    from mmavs.weights.checkpoint import load_model_weights
    from mmavs.weights.conversion import fill_released

    runner = Runner.from_cfg(config)
    model = runner.model
    model = model.module if is_model_wrapper(model) else model
    model = model.module if args.tta else model
    if args.checkpoint:
        load_model_weights(model, args.checkpoint)
        runner.logger.info(f'loaded {args.checkpoint}')
    elif args.weights:
        fill_released(model, args.weights)
        runner.logger.info(f'loaded {args.weights["Address"]}')
    return runner


def prepare_outputs(args: argparse.Namespace, config: Config, runner) -> None:
    """Say what cannot be scored or written, then make room for the outputs.

    Raises:
        ValueError: Nothing is labelled, or clips share a name.
    """
    from mmengine.dist import barrier

    from mmavs.datasets.test_clips import check_labels, check_names
    from mmavs.evaluation.metrics.clip_metric import ClipMetric

    dataset = runner.test_loop.dataloader.dataset
    metrics = runner.test_loop.evaluator.metrics
    if any(isinstance(m, ClipMetric) and not m.format_only for m in metrics):
        check_labels(dataset)
    folders = output_folders(config)
    if folders:
        check_names(dataset)
    if is_main_process():
        claim_folders(folders, args.overwrite)
    barrier()  # no rank writes before the folders are cleared


def main() -> None:
    args = parse_args()
    config = prepare_config(args)
    runner = build_runner(args, config)
    prepare_outputs(args, config, runner)
    if args.sounds:
        test_sounds(args, runner)
    else:
        runner.test()


def test_sounds(args: argparse.Namespace, runner) -> None:
    """Test under each sound, and print the table."""
    from mmavs.engine.under_sounds import report, run_under_sounds

    result = run_under_sounds(
        runner, args.sounds, args.sound_seed, args.show_worst
    )
    if is_main_process():
        print(report(runner, result))


if __name__ == '__main__':
    run_script(main)
