"""Make a synthetic AVSBench, in which sound decides what is segmented.

    python tools/dataset_converters/synthesize_avsbench.py \
        --out data/synthetic --settings ms3 s4 avss \
        --clips train=1000 val=100 test=200 --size 224

An interrupted run is carried on by the same command; a folder that this tool
did not make is never touched.
"""

import argparse
import time

from mmavs.command_line import run_script
from mmavs.commands import program
from mmavs.datasets.arguments import add_set_arguments
from mmavs.datasets.synthetic import SETTINGS, ensure_synthetic


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog=program(), description=__doc__.split('\n')[0]
    )
    parser.add_argument('--out', default='data/synthetic')
    parser.add_argument(
        '--size', type=int, help='shorter side of a frame; default 224'
    )
    add_set_arguments(parser, SETTINGS)
    return parser.parse_args()


def main() -> None:
    """Make every setting that was asked for."""
    args = parse_args()
    for setting in args.settings:
        start = time.perf_counter()
        folder = ensure_synthetic(
            args.out,
            setting,
            clips=dict(args.clips) if args.clips else None,
            size=args.size,
            seed=args.seed,
            video=args.video,
            workers=args.workers,
        )
        print(f'{setting}: {folder} ({time.perf_counter() - start:.1f} s)')


if __name__ == '__main__':
    run_script(main)
