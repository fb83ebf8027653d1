"""From photographs and recordings to a model that hears animals, on a CPU.

Fetches Tux Paint's stamps and photographs of MATE's backgrounds (both GPL-2,
as Debian packages them), composes clips of them, trains one small model with
sound and the same model without, and tests both; the first also under
silence and under sounds of what it does not see.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Optional

import mmavs  # noqa: F401
from mmavs.command_line import run_script
from mmavs.datasets.composed.tuxpaint import FOLDER as STAMPS
from mmavs.files.text_files import read_json
from mmavs.weights.work_dir import best_checkpoint

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / 'data/photo-112px'
SOURCES = ROOT / 'data/photo-sources'
WORK = ROOT / 'work_dirs/photo'
# of Debian, by the option that stands for one, and the folder that counts
PACKAGES = {
    'stamps': ('tuxpaint-stamps-default', STAMPS),
    'backgrounds': (
        'mate-backgrounds',
        Path('/usr/share/backgrounds/mate/nature'),
    ),
}
MODELS = {
    'with sound': 'configs/photo/film_lite0_ms3.py',
    'without sound': 'configs/photo/nosound_lite0_ms3.py',
}
# of the stamps those whose recordings differ most
CLASSES = (
    'bear blackbird camera cello chimpanzee crow cuckoo cymbal dog dolphin '
    'donkey drum-kit elephant fire-engine frog goose horse koala lark lion '
    'mouse owl penguin rabbit rooster saw seagull squirrel toilet tom-tom '
    'toucan turkey violin whale zebra'
).split()
CLIPS = ('train=1200', 'val=40', 'test=200')
SOUNDS = ('own', 'mute', 'swap')


def find_source(option: str, given: Optional[Path]) -> Path:
    """Give the folder of stamps or backgrounds; fetch it if need be.

    Raises:
        FileNotFoundError: It is not here, and apt cannot fetch it.
        OSError: It cannot be unpacked.
    """
    package, usual = PACKAGES[option]
    if given is not None:
        if not given.is_dir():
            raise FileNotFoundError(
                f'--{option}: {given} is not a folder. Fix: name one, or '
                f'leave --{option} out, and apt-get fetches {package}.'
            )
        return given
    if usual.is_dir():
        return usual
    unpacked = SOURCES / package
    if not unpacked.is_dir():
        _fetch(package, unpacked, f'give --{option} DIR, its {usual}')
    return unpacked / usual.relative_to('/')


def _fetch(package: str, target: Path, fix: str) -> None:
    """Unpack a package of Debian's below data/, without root."""
    if not (shutil.which('apt-get') and shutil.which('dpkg-deb')):
        raise FileNotFoundError(
            f"Debian's package {package} is not installed here, nor is "
            f'apt-get, which would fetch it. Fix: {fix}.'
        )
    partial = target.with_name(f'.{package}')
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    print(f'fetching {package} into {target}', flush=True)
    got = subprocess.run(['apt-get', 'download', package], cwd=partial)
    files = list(partial.glob('*.deb'))
    if got.returncode or not files:
        raise FileNotFoundError(
            f'apt-get download {package} failed, see above. Fix: run '
            f'"apt-get update" as root, or {fix}.'
        )
    if subprocess.run(['dpkg-deb', '-x', *files, partial]).returncode:
        raise OSError(
            f'dpkg-deb cannot unpack {files[0]}, see above. Fix: make room, '
            f'or {fix}.'
        )
    files[0].unlink()
    partial.rename(target)


def run(tool: str, *arguments: str) -> None:
    """Run a tool of this project; its output is shown.

    Raises:
        SystemExit: It fails.
    """
    command = [sys.executable, f'tools/{tool}.py', *arguments]
    if subprocess.run(command, cwd=ROOT, env=os.environ).returncode:
        raise SystemExit(f'{tool} failed, see above')


def train(config: str, epochs: int) -> Path:
    """Train unless it is done already; return the best checkpoint."""
    work_dir = WORK / f'{Path(config).stem}_{epochs}e'
    done = work_dir / 'done'
    if not done.exists():
        run(
            'train',
            config,
            *('--work-dir', str(work_dir), '--resume', '--cfg-options'),
            f'train_cfg.max_epochs={epochs}',
            f'param_scheduler.1.end={epochs}',
        )
        done.touch()
    return best_checkpoint(work_dir)


def test(config: str, checkpoint: Path, sounds: tuple) -> dict:
    """Test a model under sounds; return the figures of each."""
    out = checkpoint.parent / 'test'
    words = (config, str(checkpoint), '--work-dir', str(out))
    run('test', *words, '--sounds', *sounds, '--show-worst', '6')
    newest = max(
        out.rglob('sounds.json'), key=lambda path: path.stat().st_mtime
    )
    return read_json(newest, 'remove it and call again.')['sounds']


def table(results: dict) -> str:
    """Lay out J, F and the share of pixels masked where nothing sounds."""
    lines = [f'{"model, sound":<24}{"J":>8}{"F":>8}{"FPR":>8}']
    for model, figures in results.items():
        for sound, values in figures.items():
            cells = (values.get(name) for name in ('J', 'F', 'FPR'))
            row = ''.join(
                '       -' if c is None else f'{c:8.1f}' for c in cells
            )
            lines.append(f'{model + ", " + sound:<24}{row}')
    return '\n'.join(lines)


def missed(results: dict) -> List[str]:
    """Say which expectations of a model that listens were missed."""
    heard, deaf = (results[name] for name in MODELS)
    own = heard['own']
    gaps = (
        ('J above that without sound', own['J'] - deaf['own']['J'], 15),
        ('F above that without sound', own['F'] - deaf['own']['F'], 20),
        (
            'J above that under swapped sound',
            own['J'] - heard['swap']['J'],
            20,
        ),
        ('percent left alone under silence', 100 - heard['mute']['FPR'], 90),
    )
    return [
        f'{name}: {gap:.1f}, expected {least} at least'
        for name, gap, least in gaps
        if gap < least
    ]


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--stamps', type=Path, metavar='DIR')
    parser.add_argument('--backgrounds', type=Path, metavar='DIR')
    parser.add_argument(
        '--epochs', type=int, default=8, help='of 150 steps; default 8'
    )
    return parser.parse_args()


def main() -> None:
    """Do all of it, or what is left of it."""
    args = parse_args()
    start = time.perf_counter()
    stamps = find_source('stamps', args.stamps)
    backgrounds = find_source('backgrounds', args.backgrounds)
    print('[1/3] clips', flush=True)
    run(
        'dataset_converters/compose_clips',
        *('--out', str(DATA), '--size', '112', '--classes', *CLASSES),
        *('--tuxpaint', str(stamps), '--backgrounds', str(backgrounds)),
        *('--licence', 'GPL-2 (MATE backgrounds)', '--clips', *CLIPS),
    )
    print('[2/3] train and test with sound and without', flush=True)
    results = {}
    for name, config in MODELS.items():
        checkpoint = train(config, args.epochs)
        sounds = SOUNDS if name == 'with sound' else SOUNDS[:1]
        results[name] = test(config, checkpoint, sounds)
    print('[3/3] results\n')
    print(table(results))
    print(f'\npictures below {WORK}; {time.perf_counter() - start:.0f} s')
    if missed(results):
        raise SystemExit('; '.join(missed(results)))


if __name__ == '__main__':
    run_script(main)
