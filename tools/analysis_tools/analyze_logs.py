"""Draw curves of loss and J from the logs of training runs.

    python tools/analysis_tools/analyze_logs.py work_dirs/film_tiny_ms3 \
        work_dirs/nosound_tiny_ms3 --keys loss mIoU --out curves.png

A run is its work dir, resumed parts in one curve, or a scalars.json below
vis_data. One panel a key, one line a run. Prints the best validation and the
time of a step.
"""

import argparse
import json
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

from mmavs.command_line import run_script
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.text_files import read_text
from mmavs.files.whole_files import whole_file

Curve = List[Tuple[int, float]]
BOOKKEEPING = ('step', 'iter', 'epoch')


class Run(NamedTuple):
    """One run.

    Attributes:
        name (str): For the legend.
        curves (dict): Of each key its (training step, value) pairs.
        epochs (dict): Training step to epoch.
    """

    name: str
    curves: Dict[str, Curve]
    epochs: Dict[int, int]


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('runs', nargs='+', help='work dirs or .json logs')
    parser.add_argument(
        '--keys', nargs='+', default=['loss', 'mIoU'], help='what to draw'
    )
    parser.add_argument('--legend', nargs='+', help='a name for each run')
    parser.add_argument('--title', default='')
    parser.add_argument(
        '--smooth', type=int, default=1, help='running mean of so many values'
    )
    parser.add_argument('--out', default='curves.png', help='picture')
    args = parser.parse_args()
    if args.legend and len(args.legend) != len(args.runs):
        parser.error('--legend needs one name for each run')
    return args


def find_logs(path: Path) -> List[Path]:
    """Find the logs of a run, oldest first.

    Raises:
        FileNotFoundError: There is none.
    """
    logs = (
        [path]
        if path.is_file()
        else sorted(path.glob('*/vis_data/scalars.json'))
        or sorted(path.glob('vis_data/scalars.json'))
    )
    if not logs:
        raise FileNotFoundError(
            f'no log in {path}. Fix: give a work dir of tools/train.py (with '
            '<time>/vis_data/scalars.json), or the .json itself'
        )
    return logs


def read_run(path: Path, name: str) -> Run:
    """Read a run.

    A validation is logged with its epoch as step; it is placed at the
    training step that came before it. Where a resumed part repeats steps, the
    later values stand.

    Raises:
        FileNotFoundError: No log.
        ValueError: A line that is not a row of numbers, or no line at all.
    """
    values: Dict[str, Dict[int, float]] = {}
    epochs: Dict[int, int] = {}
    step = 0
    for log in find_logs(path):
        for number, line in enumerate(read_text(log).splitlines(), start=1):
            row = read_row(line, f'{log}, line {number}')
            if 'iter' in row:
                step = row['step']
                epochs[step] = row.get('epoch', 0)
            for key, value in row.items():
                timing = key in ('time', 'data_time') and 'iter' not in row
                if key not in BOOKKEEPING and not timing:
                    values.setdefault(key, {})[step] = value
    if not values:
        raise ValueError(f'{path} logs no value. Fix: give the log of a run.')
    curves = {key: sorted(curve.items()) for key, curve in values.items()}
    return Run(name, curves, epochs)


def read_row(line: str, place: str) -> Dict[str, float]:
    """Read one line of a log.

    Raises:
        ValueError: It is damaged, or not a row of numbers.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f'{place} is not JSON ({error}). Fix: a run that was killed may '
            'leave half a line; delete it'
        ) from None
    numbers = isinstance(row, dict) and all(
        isinstance(value, (int, float)) for value in row.values()
    )
    if not numbers or ('iter' in row and 'step' not in row):
        raise ValueError(
            f'{place} is not a row of numbers with a step. Fix: delete it'
        )
    return row


def smooth(values: List[float], width: int) -> List[float]:
    """Take the mean of each value and those before it."""
    windows = [
        values[max(0, i + 1 - width) : i + 1] for i in range(len(values))
    ]
    return [sum(window) / len(window) for window in windows]


def draw(
    path: Path, runs: List[Run], keys: List[str], width: int, title: str
) -> None:
    """Draw one panel a key.

    Raises:
        ValueError: No run has the key; those there are are listed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6 * len(keys), 4), layout='constrained')
    FigureCanvasAgg(figure)
    for place, key in enumerate(keys, start=1):
        if not any(key in run.curves for run in runs):
            known = sorted({name for run in runs for name in run.curves})
            raise ValueError(f'no run has {key!r}. Fix: one of {known}')
        axes = figure.add_subplot(1, len(keys), place)
        for run in runs:
            curve = run.curves.get(key, [])
            steps = [step for step, _ in curve]
            values = smooth([value for _, value in curve], width)
            marker = 'o' if len(values) < 50 else None
            axes.plot(
                steps, values, label=run.name, marker=marker, markersize=3
            )
        axes.set_xlabel('training step')
        axes.set_ylabel(key)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=120)


def describe(run: Run) -> str:
    """Say in one line how the run went."""
    words = [run.name]
    if 'mIoU' in run.curves:
        curve = run.curves['mIoU']
        step, best = max(curve, key=lambda point: point[1])
        words.append(
            f'best J {best:.2f} at step {step} '
            f'(epoch {run.epochs.get(step, "?")}), last {curve[-1][1]:.2f}'
        )
    if 'loss' in run.curves:
        curve = run.curves['loss']
        words.append(f'loss {curve[0][1]:.3f} to {curve[-1][1]:.3f}')
    if 'time' in run.curves:
        times = [value for _, value in run.curves['time']]
        words.append(f'{sum(times) / len(times):.3f} s a step')
    return ', '.join(words)


def main() -> None:
    args = parse_args()
    logs = [log for run in args.runs for log in find_logs(Path(run))]
    keep_inputs(logs, [args.out])
    names = args.legend or [
        Path(run).name if Path(run).is_dir() else str(run) for run in args.runs
    ]
    runs = [read_run(Path(run), name) for run, name in zip(args.runs, names)]
    draw(Path(args.out), runs, args.keys, args.smooth, args.title)
    for run in runs:
        print(describe(run))
    print(f'written to {args.out}')


if __name__ == '__main__':
    run_script(main)
