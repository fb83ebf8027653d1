"""Download the pretrained weights that configs name into ``pretrained/``."""

import argparse
from pathlib import Path

import mmavs  # noqa: F401
from mmavs.utils.command_line import run_script
from mmavs.utils.weights import WEIGHTS


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


def main() -> None:
    from torch.hub import download_url_to_file

    args = parse_args()
    unknown = [name for name in args.names if name not in WEIGHTS]
    if unknown:
        raise ValueError(
            f'no address known for {unknown}. Fix: of {sorted(WEIGHTS)}.'
        )
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    for name in args.names:
        if (folder / name).exists():
            print(f'{folder / name}: already there')
            continue
        # written under another name first, so a broken download leaves none
        download_url_to_file(WEIGHTS[name], str(folder / name))
        print(f'{folder / name}: done')


if __name__ == '__main__':
    run_script(main)
