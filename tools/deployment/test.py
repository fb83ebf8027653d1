"""Test an exported model: what it costs in J and F.

    python tools/deployment/test.py CONFIG MODEL.onnx

takes the data set and the metrics of the config, as tools/test.py does; the
network alone is the exported one. With --synthetic it is tested on the
synthetic set.
"""

import argparse

from mmengine.config import DictAction
from mmengine.runner import Runner

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.command_line import run_script
from mmavs.deployment import OnnxModel, run_by_onnx
from mmavs.engine.run_config import check_inputs, load_config, use_synthetic
from mmavs.weights.work_dir import set_work_dir


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file, or name of a model')
    parser.add_argument('exported', help='MODEL.onnx, with MODEL.onnx.json')
    parser.add_argument('--work-dir', help='where logs and metrics go')
    parser.add_argument(
        '--synthetic',
        action='store_true',
        help='test on the synthetic set (made once under data/synthetic)',
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    exported = OnnxModel(args.exported)
    config = load_config(args.config, args.cfg_options)
    set_work_dir(config, args.work_dir)
    if args.synthetic:
        use_synthetic(config, args.cfg_options, ['test'])
    check_inputs(config, args.config, ['test'], 'tools/deployment/test.py')
    config.load_from = None
    runner = Runner.from_cfg(config)
    run_by_onnx(runner.model, exported)
    runner.test()


if __name__ == '__main__':
    run_script(main)
