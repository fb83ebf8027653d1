"""Train a model: ``python tools/train.py configs/<method>/<config>.py``."""

import argparse
import os

from mmengine.config import DictAction

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.command_line import run_script
from mmavs.commands import in_commands, program
from mmavs.compat.checkpoints import find_checkpoint
from mmavs.engine.run_config import (
    check_inputs,
    check_precision,
    load_config,
    use_synthetic,
)
from mmavs.engine.strategies import ready_strategy
from mmavs.weights.work_dir import last_checkpoint, set_work_dir


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program(), description=in_commands(__doc__)
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='where logs and checkpoints go')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='go on from the newest checkpoint of the work dir, or from the '
        'one given; without any, start as the config says',
    )
    parser.add_argument(
        '--amp',
        nargs='?',
        const='float16',
        choices=('float16', 'bfloat16'),
        help='automatic mixed precision; float16 unless bfloat16 is given',
    )
    parser.add_argument(
        '--synthetic',
        action='store_true',
        help='run on the synthetic set (made once under data/synthetic), '
        'from random weights, but for those that --cfg-options names',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='fields of the config to override, key=value; nested keys by '
        'dots, lists as key="[a,b]"',
    )
    parser.add_argument(
        '--launcher',
        choices=('none', 'pytorch', 'slurm', 'mpi'),
        default='none',
        help='job launcher',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def prepare_config(args: argparse.Namespace):
    """Merge the command line into the config."""
    config = load_config(args.config, args.cfg_options)
    config.launcher = args.launcher
    set_work_dir(config, args.work_dir)
    if args.synthetic:
        use_synthetic(config, args.cfg_options)
    if args.resume == 'auto':  # with nothing to resume, the config's start
        args.resume = last_checkpoint(config.work_dir)
        if args.resume is None:
            print(f'no checkpoint in {config.work_dir}: training from epoch 1')
    if args.resume:
        args.resume = find_checkpoint(str(args.resume))
        config.resume, config.load_from = True, args.resume
    check_inputs(
        config, args.config, ('train', 'val'), 'tools/train.py', weights=True
    )
    if args.amp:
        config.optim_wrapper.type = 'AmpOptimWrapper'
        config.optim_wrapper.dtype = args.amp
        if args.amp == 'float16':
            config.optim_wrapper.setdefault('loss_scale', 'dynamic')
    check_precision(config)
    ready_strategy(config)
    return config


def main() -> None:
    args = parse_args()
    config = prepare_config(args)
    from mmengine.model import is_model_wrapper
    from mmengine.registry import RUNNERS
    from mmengine.runner import Runner

    from mmavs.registry import MODELS
    from mmavs.weights.checkpoint import check_resumable

    if 'runner_type' in config:
        runner = RUNNERS.build(config)
        if isinstance(runner.model, dict):  # a strategy would build it later
            runner.model = MODELS.build(runner.model)
    else:
        runner = Runner.from_cfg(config)
    if args.resume:
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        check_resumable(model, args.resume)
    runner.train()


if __name__ == '__main__':
    run_script(main)
