"""Compose an AVSBench of photographs and recordings that you have.

    python tools/dataset_converters/compose_clips.py --out data/composed \
        --objects cutouts --sounds recordings --backgrounds photographs \
        --settings ms3 --clips train=1000 val=100 test=200 --size 224

Cut-outs of objects move on backgrounds while recordings of some of them are
heard; masks are those of what sounds. Any of these sources go together:

    --objects DIR --sounds DIR     DIR/CLASS/*.png with alpha,
                                   DIR/CLASS/*.{wav,ogg,mp3,flac}
    --tuxpaint [DIR]               Tux Paint's stamps, pictures and sounds
    --coco INSTANCES IMAGES        objects cut out of photographs
    --esc50 CSV DIR, --vggsound CSV DIR, --fsd50k CSV DIR

Beside the sets, SOURCES.csv names every file with its licence, LEFT_OUT.csv
what was not used and why. A run that was stopped is carried on by the same
command; a folder that this tool did not make is never touched.
"""

import argparse
import time
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from mmavs.analysis.deaf_oracle import score_deaf
from mmavs.command_line import run_script
from mmavs.commands import in_commands, program
from mmavs.datasets.arguments import add_set_arguments
from mmavs.datasets.composed import (
    Item,
    LeftOut,
    Material,
    ensure_composed,
    gather,
)
from mmavs.datasets.composed.coco import read_coco
from mmavs.datasets.composed.own_folders import NOT_STATED, read_folders
from mmavs.datasets.composed.sound_libraries import LIBRARIES, read_library
from mmavs.datasets.composed.tuxpaint import FOLDER, read_stamps
from mmavs.datasets.synthetic import SETTINGS

_MOST_LINES = 12  # of what was left out, on the screen
_ROLES = {'objects': 'picture', 'sounds': 'sound', 'backgrounds': 'background'}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog=program(),
        description=in_commands(__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--out', type=Path, default='data/composed')
    _add_sources(parser.add_argument_group('sources'))
    parser.add_argument(
        '--size', type=int, default=224, help='shorter side of a frame'
    )
    add_set_arguments(parser, SETTINGS)
    return parser.parse_args()


def _add_sources(group: argparse._ArgumentGroup) -> None:
    for name in _ROLES:
        group.add_argument(
            f'--{name}', type=Path, nargs='+', default=[], metavar='DIR'
        )
    group.add_argument(
        '--licence',
        default=NOT_STATED,
        help='of those folders, for SOURCES.csv',
    )
    group.add_argument(
        '--tuxpaint', type=Path, nargs='?', const=FOLDER, metavar='DIR'
    )
    group.add_argument(
        '--coco', type=Path, nargs=2, metavar=('INSTANCES', 'IMAGES')
    )
    for name in LIBRARIES:
        group.add_argument(
            f'--{name}', type=Path, nargs=2, metavar=('CSV', 'DIR')
        )
    group.add_argument(
        '--classes',
        nargs='+',
        metavar='CLASS',
        help='take these alone; default: all with pictures and recordings',
    )
    group.add_argument(
        '--per-class',
        type=int,
        default=500,
        help='pictures, and recordings, of a class at most; default 500',
    )


def read_sources(
    args: argparse.Namespace,
) -> Tuple[List[Item], List[LeftOut]]:
    """List the files of all sources that were given."""
    found = []
    for name, role in _ROLES.items():
        for folder in getattr(args, name):
            found.append(read_folders(role, folder, args.licence))
    if args.tuxpaint:
        found.append(read_stamps(args.tuxpaint))
    if args.coco:
        found.append(read_coco(*args.coco))
    for name in LIBRARIES:
        if getattr(args, name):
            found.append(read_library(name, *getattr(args, name)))
    if not found:
        raise ValueError(
            'no source given. Fix: add --objects with --sounds, --tuxpaint, '
            'or --coco with a library of sounds; and --backgrounds.'
        )
    items = [item for part, _ in found for item in part]
    left_out = [line for _, part in found for line in part]
    return only_classes(items, args.classes), left_out


def only_classes(
    items: List[Item], classes: Optional[Sequence[str]]
) -> List[Item]:
    """Keep backgrounds, and files of some classes; None keeps all.

    Raises:
        ValueError: A class that no source has.
    """
    if classes is None:
        return items
    known = {item.kind for item in items} - {''}
    unknown = sorted(set(classes) - known)
    if unknown:
        raise ValueError(
            f'--classes: no source has {unknown}. Fix: take some of '
            f'{sorted(known)}'
        )
    return [item for item in items if item.kind in {'', *classes}]


def print_material(material: Material, out: Path) -> None:
    """Say what there is, and what was left out."""
    pictures, sounds = (
        sum(
            len(
                {
                    name
                    for part in getattr(kind, role).values()
                    for name in part
                }
            )
            for kind in material.classes
        )
        for role in ('pictures', 'sounds')
    )
    backgrounds = sum(map(len, material.backgrounds.values()))
    print(
        f'{len(material.classes)} classes: {pictures} pictures, {sounds} '
        f'recordings; {backgrounds} backgrounds. Files and licences: '
        f'{out / "SOURCES.csv"}'
    )
    lines = (out / 'LEFT_OUT.csv').read_text(encoding='utf-8').splitlines()[1:]
    if lines:
        print(f'{len(lines)} left out, see {out / "LEFT_OUT.csv"}:')
    for line in lines[:_MOST_LINES]:
        print(f'  {line}')
    if len(lines) > _MOST_LINES:
        print(f'  and {len(lines) - _MOST_LINES} more')


def main() -> None:
    """Gather the material, compose every setting that was asked for."""
    args = parse_args()
    if args.size < 32:
        raise ValueError(f'--size must be at least 32, got {args.size}')
    items, left_out = read_sources(args)
    material = gather(
        items, left_out, args.out, args.size, args.per_class, args.workers
    )
    print_material(material, args.out)
    for setting in args.settings:
        start = time.perf_counter()
        folder = ensure_composed(
            args.out,
            setting,
            material,
            clips=dict(args.clips) if args.clips else None,
            size=args.size,
            seed=args.seed,
            video=args.video,
            workers=args.workers,
        )
        seconds = time.perf_counter() - start
        deaf = score_deaf(folder, material, workers=args.workers)
        print(
            f'{setting}: {folder} ({seconds:.1f} s)\n'
            f'  an oracle that sees all outlines and hears nothing: J '
            f'{deaf.mIoU:.1f}, F {deaf.mFscore:.1f} on {deaf.clips} clips of '
            f'{deaf.split}'
        )


if __name__ == '__main__':
    run_script(main)
