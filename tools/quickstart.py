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
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import Callable, Dict, Optional, Tuple

import mmavs  # noqa: F401
from mmavs.command_line import run_script
from mmavs.datasets.synthetic import ensure_synthetic
from mmavs.engine.run_config import load_config
from mmavs.files.text_files import read_json
from mmavs.processors import threads_of_a_run
from mmavs.weights.work_dir import DONE, best_checkpoint, note_run

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
Show = Callable[[float], None]
# epoch (none of a test), step, steps, as mmengine writes them
_COUNT = re.compile(
    r'Epoch\((?:train|test)\) +(?:\[(\d+)\])?\[ *(\d+)/(\d+)\]'
)
COLUMNS = ('mIoU', 'mFscore', 'mIoU_constant', 'mIoU_switching')


def run(
    tool: str, *arguments: str, log: Path, show: Show, epochs: int = 1
) -> None:
    """Run a tool of this project with the current interpreter.

    Args:
        log (Path): File that its output goes to.
        show (callable): Takes the share that is done, 0 to 1.
        epochs (int): Of a training.

    Raises:
        SystemExit: It fails; says where the log is and how it ends.
    """
    # both models train at a time, each on its share of the cores
    threads = threads_of_a_run(len(MODELS))
    env = dict(os.environ, OMP_NUM_THREADS=str(threads))
    command = [sys.executable, f'tools/{tool}.py', *arguments]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('w') as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=file, stderr=subprocess.STDOUT
        )
        while True:
            try:
                code = process.wait(timeout=1)
                break
            except subprocess.TimeoutExpired:
                show(share_done(log.read_text(errors='replace'), epochs))
    if code:
        last = '\n'.join(log.read_text().splitlines()[-15:])
        raise SystemExit(f'{tool} failed, see {log}:\n{last}')
    show(1.0)


def share_done(text: str, epochs: int) -> float:
    """Tell from the log of a training or a test how much of it is done."""
    counts = _COUNT.findall(text)
    if not counts:
        return 0.0
    epoch, step, steps = counts[-1]
    share = int(step) / int(steps)
    if not epoch:  # a test
        return share
    return (int(epoch) - 1 + share) / epochs


def train(config: str, work_dir: Path, show: Show) -> Path:
    """Train unless it is done already; return the best checkpoint."""
    loaded = load_config(ROOT / config, OPTIONS)
    note_run(work_dir, loaded)
    done = work_dir / DONE
    if not done.exists():
        # no half-trained weights in the way of a fresh run
        folder = ('--work-dir', str(work_dir), '--resume')
        options = [f'{key}={value}' for key, value in OPTIONS.items()]
        log = work_dir / 'train.log'
        words = (config, *folder, '--cfg-options', *options)
        epochs = loaded.train_cfg.max_epochs
        run('train', *words, log=log, show=show, epochs=epochs)
        done.touch()
    show(1.0)
    return best_checkpoint(work_dir)


def train_and_test(
    config: str, pictures: Optional[Path], shows: Tuple[Show, Show]
) -> dict:
    """Train and test one model; return its metrics."""
    work_dir = ROOT / WORK / Path(config).stem
    checkpoint = train(config, work_dir, shows[0])
    out = work_dir / 'test'
    draw = ('--show-dir', str(pictures), '--overwrite') if pictures else ()
    arguments = (config, str(checkpoint), '--work-dir', str(out), *draw)
    run('test', *arguments, log=work_dir / 'test.log', show=shows[1])
    newest = max(out.glob('*/*.json'), key=lambda path: path.stat().st_mtime)
    return read_json(newest, 'remove it and call again.')


def run_both(pictures: Path) -> Dict[str, dict]:
    """Train and test both models at a time, a line for each phase."""
    from rich import progress as bars

    columns = (
        bars.TextColumn('  {task.description}'),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        bars.TimeElapsedColumn(),
    )
    with bars.Progress(*columns) as bar, ThreadPoolExecutor() as pool:
        shows = {}
        for phase, name in product(('train', 'test'), MODELS):
            task = bar.add_task(f'{phase} {name:<13}', total=1, start=False)
            shows[name, phase] = partial(_advance, bar, task)
        runs = {
            name: pool.submit(
                train_and_test,
                config,
                pictures if name == 'with sound' else None,
                (shows[name, 'train'], shows[name, 'test']),
            )
            for name, config in MODELS.items()
        }
        return {name: future.result() for name, future in runs.items()}


def _advance(bar, task: int, share: float) -> None:
    bar.start_task(task)
    bar.update(task, completed=share)


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
    pictures = WORK / 'pictures'
    print(f'[2/3] train and test; logs in {WORK}/*/*.log', flush=True)
    results = run_both(ROOT / pictures)
    print('[3/3] results\n')
    print(table(results))
    drawn = sorted((ROOT / pictures).glob('*.png'))
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
