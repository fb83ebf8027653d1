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
from mmavs.datasets.synthetic import SETTINGS, ensure_synthetic


def parse_clips(text: str) -> tuple:
    """Turn 'train=1000' into ('train', 1000)."""
    split, _, number = text.partition('=')
    if split not in ('train', 'val', 'test') or not number.isdigit():
        raise argparse.ArgumentTypeError(
            f'{text!r} is not of the form train=1000, val=100 or test=200'
        )
    return split, int(number)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog=program(), description=__doc__.split('\n')[0]
    )
    parser.add_argument('--out', default='data/synthetic')
    parser.add_argument(
        '--settings', nargs='+', choices=SETTINGS, default=['ms3']
    )
    parser.add_argument(
        '--clips',
        nargs='+',
        type=parse_clips,
        metavar='SPLIT=N',
        help='clips of each split; default train=400 val=60 test=100',
    )
    parser.add_argument(
        '--size', type=int, help='shorter side of a frame; default 224'
    )
    parser.add_argument('--seed', type=int, help='default 0')
    parser.add_argument(
        '--workers', type=int, help='processes; default: all usable CPUs'
    )
    parser.add_argument(
        '--video', action='store_true', help='also write mp4 with sound'
    )
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
