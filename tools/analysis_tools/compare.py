"""Train and test several configs under one budget, and tabulate.

    python tools/analysis_tools/compare.py \
        configs/synthetic/tpavi_tiny_ms3.py \
        configs/synthetic/nosound_tiny_ms3.py \
        "configs/synthetic/tpavi_tiny_ms3.py::model.neck.1.window=5" \
        --seeds 0 1 --jobs 2

A row is a config file, or a config file with options behind ``::`` (as for
--cfg-options, separated by blanks). Every run is kept under the work dir and
not done again, so an interrupted comparison is carried on.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean
from typing import List, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
METRICS = ('mIoU', 'mFscore')
GROUPS = ('', '_constant', '_switching')


class Row(NamedTuple):
    """One line of the table.

    Attributes:
        config (str): Config file.
        options (tuple[str]): What --cfg-options gets.
    """

    config: str
    options: tuple

    @property
    def name(self) -> str:
        """str: Config and options, as the table shows them."""
        return ' '.join((Path(self.config).stem, *self.options))

    @property
    def slug(self) -> str:
        """str: The name as a folder."""
        return re.sub(r'[^\w.=+-]+', '_', self.name)


def parse_row(text: str) -> Row:
    config, _, options = text.partition('::')
    if not Path(config).is_file():
        raise argparse.ArgumentTypeError(f'no config at {config}')
    return Row(config, tuple(options.split()))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('rows', nargs='+', type=parse_row)
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1])
    parser.add_argument(
        '--options', nargs='+', default=[], help='--cfg-options of every row'
    )
    parser.add_argument('--work-dir', default='work_dirs/compare', type=Path)
    parser.add_argument(
        '--jobs', type=int, default=1, help='runs at a time, of a core each'
    )
    parser.add_argument('--out', type=Path, help='also write the table here')
    return parser.parse_args()


def run(row: Row, seed: int, args: argparse.Namespace) -> dict:
    """Train and test once, unless it is done; return the figures."""
    folder = args.work_dir / f'{row.slug}_{seed}'
    threads = max(1, (os.cpu_count() or 1) // args.jobs)
    result = folder / 'result.json'
    if not result.exists():
        folder.mkdir(parents=True, exist_ok=True)
        options = [f'randomness.seed={seed}', *args.options, *row.options]
        options.insert(0, '--cfg-options')
        call(folder, threads, 'train', row.config, *options)
        checkpoint = sorted(folder.glob('best_*.pth'))[-1]
        call(folder, threads, 'test', row.config, str(checkpoint), *options)
        newest = max(folder.glob('*/*.json'), key=lambda p: p.stat().st_mtime)
        figures = json.loads(newest.read_text())
        result.write_text(json.dumps(figures, indent=1))
        print(f'{row.name} seed {seed}: {figures}', flush=True)
    return json.loads(result.read_text())


def call(folder: Path, threads: int, tool: str, *arguments: str) -> None:
    """Run a tool; its output goes to a log in the folder."""
    env = dict(os.environ, OMP_NUM_THREADS=str(threads))
    with (folder / f'{tool}.log').open('w') as log:
        code = subprocess.run(
            [sys.executable, f'tools/{tool}.py', *arguments]
            + ['--work-dir', str(folder)],
            cwd=ROOT,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
        ).returncode
    if code:
        raise SystemExit(f'{tool} failed, see {folder / tool}.log')


def table(rows: List[Row], results: dict, seeds: List[int]) -> str:
    """Mean and, from two seeds on, deviation; Markdown."""
    keys = [metric + group for group in GROUPS for metric in METRICS]
    keys = [
        k for k in keys if any(k in f for r in results.values() for f in r)
    ]
    lines = [
        '| model | ' + ' | '.join(keys) + ' |',
        '|---|' + '---|' * len(keys),
    ]
    for row in rows:
        cells = [spread([f.get(k) for f in results[row]]) for k in keys]
        lines.append(f'| {row.name} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + f'\n\nSeeds {seeds}; mean ± half the range.'


def spread(values: list) -> str:
    """'mean ± half the range' of the seeds; '-' if a figure is absent."""
    if any(value is None for value in values):
        return '-'
    if len(values) == 1:
        return f'{values[0]:.1f}'
    return f'{mean(values):.1f} ± {(max(values) - min(values)) / 2:.1f}'


def main() -> None:
    args = parse_args()
    tasks = [(row, seed) for seed in args.seeds for row in args.rows]
    with ThreadPoolExecutor(args.jobs) as pool:
        futures = [pool.submit(run, row, seed, args) for row, seed in tasks]
        figures = [future.result() for future in futures]
    results = {row: [] for row in args.rows}
    for (row, _), figure in zip(tasks, figures):
        results[row].append(figure)
    text = table(args.rows, results, args.seeds)
    print(text)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text + '\n')


if __name__ == '__main__':
    main()
