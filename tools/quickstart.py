"""From nothing to a trained, tested and drawn model, in minutes on a CPU.

Makes a synthetic AVSBench in which sound decides what is segmented, trains
one small model with sound and, beside it, the same model without, tests both,
and draws.
Fails unless the model with sound reaches J 0.65 and the one without stays at
least 0.15 below: it must have learned to listen. (An oracle that knows every
outline and hears nothing reaches 0.57.)
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Optional

import mmavs  # noqa: F401
from mmavs.command_line import run_script
from mmavs.datasets.synthetic import ensure_synthetic
from mmavs.engine.run_config import load_config
from mmavs.files.text_files import read_json
from mmavs.weights.work_dir import best_checkpoint, note_run

ROOT = Path(__file__).resolve().parents[1]
DATA = 'data/synthetic-64px'
WORK = Path('work_dirs/quickstart')
MODELS = {
    'with sound': 'configs/synthetic/film_tiny_ms3.py',
    'without sound': 'configs/synthetic/nosound_tiny_ms3.py',
}
CLIPS = {'train': 1000, 'val': 40, 'test': 200}
# the runs of docs/en/results.md
OPTIONS = {'randomness.seed': 0}
MIN_J, MIN_GAP = 65.0, 15.0  # percent
COLUMNS = ('mIoU', 'mFscore', 'mIoU_constant', 'mIoU_switching')


def run(tool: str, *arguments: str, log: Optional[Path] = None) -> None:
    """Run a tool of this project with the current interpreter.

    Args:
        log (Path, optional): File its output goes to, instead of the console.

    Raises:
        SystemExit: It fails; says where the log is and how it ends.
    """
    # both models train at a time, each on its share of the cores
    threads = max(1, (os.cpu_count() or 1) // len(MODELS))
    env = dict(os.environ, OMP_NUM_THREADS=str(threads))
    command = [sys.executable, f'tools/{tool}.py', *arguments]
    if log is None:
        if subprocess.run(command, cwd=ROOT, env=env).returncode:
            raise SystemExit(f'{tool} failed, see above')
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('w') as file:
        code = subprocess.run(
            command, cwd=ROOT, env=env, stdout=file, stderr=subprocess.STDOUT
        ).returncode
    if code:
        last = '\n'.join(log.read_text().splitlines()[-15:])
        raise SystemExit(f'{tool} failed, see {log}:\n{last}')


def train(config: str, work_dir: Path, log: Optional[Path]) -> Path:
    """Train unless it is done already; return the best checkpoint."""
    note_run(work_dir, load_config(ROOT / config, OPTIONS))
    done = work_dir / 'done'
    if not done.exists():
        # no half-trained weights in the way of a fresh run
        folder = ('--work-dir', str(work_dir), '--resume')
        options = [f'{key}={value}' for key, value in OPTIONS.items()]
        run('train', config, *folder, '--cfg-options', *options, log=log)
        done.touch()
    return best_checkpoint(work_dir)


def train_and_test(
    config: str, pictures: Optional[Path], log: Optional[Path]
) -> dict:
    """Train and test one model; return its metrics."""
    work_dir = ROOT / WORK / Path(config).stem
    checkpoint = train(config, work_dir, log)
    out = work_dir / 'test'
    draw = ('--show-dir', str(pictures), '--overwrite') if pictures else ()
    arguments = (config, str(checkpoint), '--work-dir', str(out), *draw)
    run('test', *arguments, log=log and log.with_name('test.log'))
    newest = max(out.glob('*/*.json'), key=lambda path: path.stat().st_mtime)
    return read_json(newest, 'remove it and call again.')


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
    if args.again:
        shutil.rmtree(ROOT / WORK, ignore_errors=True)
    print('[1/3] synthetic data', flush=True)
    ensure_synthetic(ROOT / DATA, 'ms3', CLIPS, size=64)
    pictures = ROOT / WORK / 'pictures'
    log = ROOT / WORK / 'without_sound' / 'train.log'
    print('[2/3] train and test with sound, shown here, and without, in', log)
    sys.stdout.flush()
    with ThreadPoolExecutor() as pool:
        runs = {
            'with sound': pool.submit(
                train_and_test, MODELS['with sound'], pictures, None
            ),
            'without sound': pool.submit(
                train_and_test, MODELS['without sound'], None, log
            ),
        }
        results = {name: future.result() for name, future in runs.items()}
    print('[3/3] results\n')
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
    run_script(main)
