"""From nothing to a trained, tested and drawn model, in minutes on a CPU.

Makes a synthetic AVSBench in which sound decides what is segmented, trains
one small model with sound and the same model without, tests both, and draws.
Fails unless the model with sound reaches J 0.70 and the one without stays at
least 0.20 below: it must have learned to listen.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import mmavs  # noqa: F401
from mmavs.datasets.synthetic import ensure_synthetic

ROOT = Path(__file__).resolve().parents[1]
DATA = 'data/synthetic-96px'
WORK = Path('work_dirs/quickstart')
MODELS = {
    'with sound': 'configs/synthetic/film_tiny_ms3.py',
    'without sound': 'configs/synthetic/nosound_tiny_ms3.py',
}
CLIPS = {'train': 1000, 'val': 40, 'test': 200}
# more steps than the configs' own budget: clear of the floor below
BUDGET = (
    '--cfg-options',
    'train_cfg.max_epochs=4',
    'param_scheduler.1.end=4',
    'train_dataloader.dataset.indices=900',
)
MIN_J, MIN_GAP = 70.0, 20.0  # percent
COLUMNS = ('mIoU', 'mFscore', 'mIoU_constant', 'mIoU_switching')


def run(*arguments: str) -> None:
    """Run a tool of this project with the current interpreter."""
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True)


def train(config: str, work_dir: Path) -> Path:
    """Train unless it is done already; return the best checkpoint."""
    done = work_dir / 'done'
    if not done.exists():
        # no half-trained weights in the way of a fresh run
        folder = ('--work-dir', str(work_dir), '--resume')
        run('tools/train.py', config, *folder, *BUDGET)
        done.touch()
    return sorted(work_dir.glob('best_mIoU_*.pth'))[-1]


def test(config: str, checkpoint: Path, work_dir: Path, *more: str) -> dict:
    """Test a checkpoint and read its metrics back."""
    out = work_dir / 'test'
    run(
        'tools/test.py', config, str(checkpoint), '--work-dir', str(out), *more
    )
    newest = max(out.glob('*/*.json'), key=lambda path: path.stat().st_mtime)
    return json.loads(newest.read_text())


def table(results: dict) -> str:
    """Lay the metrics out, one model a row."""
    lines = [f'{"test":<15}' + ''.join(f'{c:>17}' for c in COLUMNS)]
    for name, metrics in results.items():
        values = ''.join(f'{metrics[c]:>17.2f}' for c in COLUMNS)
        lines.append(f'{name:<15}{values}')
    return '\n'.join(lines)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--again', action='store_true', help='train anew, even if trained'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    start = time.perf_counter()
    print('[1/4] synthetic data', flush=True)
    ensure_synthetic(ROOT / DATA, 'ms3', CLIPS, size=96)
    results, pictures = {}, ROOT / WORK / 'pictures'
    for step, (name, config) in enumerate(MODELS.items(), 2):
        print(f'[{step}/4] train and test {name}: {config}', flush=True)
        work_dir = ROOT / WORK / Path(config).stem
        if args.again:
            shutil.rmtree(work_dir, ignore_errors=True)
        checkpoint = train(config, work_dir)
        draw = ('--show-dir', str(pictures)) if step == 2 else ()
        results[name] = test(config, checkpoint, work_dir, *draw)
    print('[4/4] results\n')
    print(table(results))
    drawn = sorted(pictures.glob('*.png'))
    print(f'\n{len(drawn)} pictures, worst first, in {pictures}')
    print(f'{time.perf_counter() - start:.0f} s')
    check(results)


def check(results: dict) -> None:
    """Exit with an error unless the model has learned to listen."""
    heard, deaf = (results[name]['mIoU'] for name in MODELS)
    if heard < MIN_J or heard - deaf < MIN_GAP:
        raise SystemExit(
            f'expected J of at least {MIN_J} with sound and {MIN_GAP} less '
            f'without; got {heard:.2f} and {deaf:.2f}'
        )


if __name__ == '__main__':
    main()
