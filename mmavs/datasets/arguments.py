"""Arguments that the scripts which make data sets share."""

import argparse
from typing import Sequence, Tuple


def split_count(text: str) -> Tuple[str, int]:
    """Turn 'train=1000' into ('train', 1000).

    Raises:
        argparse.ArgumentTypeError: It is not of that form.
    """
    split, _, number = text.partition('=')
    if split not in ('train', 'val', 'test') or not number.isdigit():
        raise argparse.ArgumentTypeError(
            f'{text!r} is not of the form train=1000, val=100 or test=200'
        )
    return split, int(number)


def add_set_arguments(
    parser: argparse.ArgumentParser, settings: Sequence[str]
) -> None:
    """Add what a made set is planned by, but its size and place."""
    parser.add_argument(
        '--settings', nargs='+', choices=settings, default=['ms3']
    )
    parser.add_argument(
        '--clips',
        nargs='+',
        type=split_count,
        metavar='SPLIT=N',
        help='clips of each split; default train=400 val=60 test=100',
    )
    parser.add_argument('--seed', type=int, help='default 0')
    parser.add_argument(
        '--workers', type=int, help='processes; default: all usable CPUs'
    )
    parser.add_argument(
        '--video', action='store_true', help='also write mp4 with sound'
    )
