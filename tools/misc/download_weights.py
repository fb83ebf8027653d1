"""Download the pretrained weights that configs name into ``pretrained/``.

Each is compared with the digits of its hash in its name. Exit code 1 if one
could not be had, 2 if a name is not known.
"""

import argparse
import sys
from pathlib import Path

from mmavs.command_line import run_script
from mmavs.compat.downloads import digits_in
from mmavs.files.fetching import fetch
from mmavs.weights.addresses import WEIGHTS


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'names',
        nargs='*',
        default=sorted(WEIGHTS),
        help=f'which of {", ".join(sorted(WEIGHTS))}; all by default',
    )
    parser.add_argument('--out', default='pretrained', help='folder')
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    unknown = [name for name in args.names if name not in WEIGHTS]
    if unknown:
        raise ValueError(
            f'no address known for {unknown}. Fix: of {sorted(WEIGHTS)}.'
        )
    folder = Path(args.out)
    failed = []
    for name in args.names:
        if (folder / name).exists():
            print(f'{folder / name}: already there')
            continue
        try:
            fetch(WEIGHTS[name], folder / name, digits_in(name) or '')
        except RuntimeError as error:
            print(f'error: {error}', file=sys.stderr)
            failed.append(name)
            continue
        print(f'{folder / name}: done')
    return 1 if failed else 0


if __name__ == '__main__':
    run_script(main)
