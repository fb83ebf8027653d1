"""Test a model: ``python tools/test.py CONFIG CHECKPOINT``."""

import argparse
import os
from pathlib import Path

from mmengine.config import Config, DictAction

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.utils.command_line import run_script
from mmavs.utils.run_config import (
    check_inputs,
    evaluators_of,
    load_config,
    tta_pipeline,
    use_synthetic,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='checkpoint file; may be left out with --synthetic, which then '
        'tests random weights',
    )
    parser.add_argument('--work-dir', help='where logs and metrics go')
    add_output_arguments(parser)
    parser.add_argument(
        '--tta',
        action='store_true',
        help='average masks over flips and scales; no instances are given',
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
    if args.checkpoint is None and not args.synthetic:
        parser.error('give a checkpoint, or --synthetic for random weights')
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        parser.error(f'--dump must end in .pkl, got {args.dump}')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


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


def prepare_config(args: argparse.Namespace) -> Config:
    """Merge the command line into the config."""
    config = load_config(args.config, args.cfg_options)
    config.launcher = args.launcher
    if args.work_dir:
        config.work_dir = args.work_dir
    elif config.get('work_dir') is None:
        config.work_dir = str(Path('work_dirs') / Path(args.config).stem)
    if args.synthetic:
        use_synthetic(config)
    check_inputs(config, args.config, training=False)
    config.load_from = None
    evaluators = evaluators_of(config)
    if args.out:
        # one writer is enough, however many metrics look on
        evaluators[0].update(
            output_dir=args.out, released_names=args.released_names
        )
        if args.soft_masks:
            evaluators[0].soft_masks = True
        if finds_instances(config):
            first = 0 if args.released_names else 1
            evaluators.append(
                dict(type='InstanceWriter', output_dir=args.out, first=first)
            )
    if args.dump:
        evaluators.append(dict(type='DumpClips', out_file_path=args.dump))
    config.test_evaluator = evaluators
    if args.show_dir:
        config.default_hooks.visualization.update(
            draw=True, interval=1, out_dir=args.show_dir
        )
    if args.tta:
        config.test_dataloader.dataset.pipeline = tta_pipeline(config)
        config.model = dict(config.tta_model, module=config.model)
    return config


def finds_instances(config: Config) -> bool:
    """Whether the model gives instances besides the binary map."""
    from mmavs.registry import MODELS

    head = MODELS.get(config.model.decode_head.type)
    return hasattr(head, 'write_instances')


def main() -> None:
    args = parse_args()
    config = prepare_config(args)
    from mmengine.model import is_model_wrapper
    from mmengine.runner import Runner

    from mmavs.utils.checkpoint import load_model_weights

    runner = Runner.from_cfg(config)
    if args.checkpoint:
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        model = model.module if args.tta else model
        load_model_weights(model, args.checkpoint)
        runner.logger.info(f'loaded {args.checkpoint}')
    runner.test()


if __name__ == '__main__':
    run_script(main)
