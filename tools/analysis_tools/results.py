"""Run the comparisons of docs/en/results.md, and write that page.

    python tools/analysis_tools/results.py ms3 --seeds 0 --jobs 2
    python tools/analysis_tools/results.py --page-only

configs/synthetic/comparisons.yaml lists the tables. Every run leaves one small
file under docs/en/results/, and is not done again where that is there: a table
is carried on from a clone. Rows that were not run are listed as such.
"""

import argparse
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Dict, Optional

from mmengine.config import DictAction

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.deaf_oracle import deaf_oracle
from mmavs.analysis.results_page import (
    Records,
    draw_plots,
    is_trained,
    write_tables,
)
from mmavs.analysis.results_store import (
    Row,
    config_digest,
    read_record,
    read_run,
    write_run,
)
from mmavs.command_line import run_script
from mmavs.datasets.synthetic import ensure_synthetic
from mmavs.datasets.synthetic.generate import Plan
from mmavs.engine.run_config import load_config
from mmavs.files.whole_files import write_text
from mmavs.utils import register_all_modules

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / 'configs/synthetic/comparisons.yaml'
STORE = ROOT / 'docs/en/results'
PAGE = ROOT / 'docs/en/results.md'
PLOTS = ROOT / 'docs/en/_static'
DATA = 'data/synthetic-64px'
CLIPS = dict(train=1000, val=40, test=200)
SIZE = 64
BEGIN, END = '<!-- tables -->\n', '<!-- end of tables -->\n'


def parse_args(tables: Dict[str, dict]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        'tables',
        nargs='*',
        metavar='TABLE',
        help=f'default: all, {", ".join(tables)}',
    )
    parser.add_argument(
        '--seeds', nargs='+', type=int, help='default: those of each table'
    )
    parser.add_argument(
        '--jobs', type=int, default=1, help='runs at a time, of a core each'
    )
    parser.add_argument(
        '--page-only', action='store_true', help='run nothing, write the page'
    )
    args = parser.parse_args()
    unknown = [name for name in args.tables if name not in tables]
    if unknown:
        parser.error(f'no table {unknown}; there are {", ".join(tables)}')
    return args


def read_tables(path: Path = TABLES) -> Dict[str, dict]:
    """Read the tables, with their rows as :class:`Row`."""
    from mmengine.fileio import load

    tables = load(str(path))
    for table in tables.values():
        shared = tuple(table.get('options', ()))
        rows = {}
        for name, text in table['rows'].items():
            stem, _, options = text.partition('::')
            config = f'configs/synthetic/{stem}.py'
            rows[name] = Row(config, tuple(options.split())), shared
        table['rows'] = rows
    return tables


def run_table(table: dict, args: argparse.Namespace) -> int:
    """Train and test what is missing of a table; return an exit code."""
    setting = table['setting']
    clips = table.get('clips', CLIPS)
    ensure_synthetic(ROOT / DATA, setting, clips, size=SIZE)
    rows = [row.text for row, _ in table['rows'].values()]
    seeds = args.seeds or table['seeds']
    command = [sys.executable, 'tools/analysis_tools/compare.py', *rows]
    command += ['--seeds', *map(str, seeds), '--jobs', str(args.jobs)]
    store = store_of(table)
    command += ['--work-dir', f'work_dirs/results/{store.name}']
    command += ['--results', str(store)]
    if table.get('options'):
        command += ['--options', *table['options']]
    return subprocess.run(command, cwd=ROOT).returncode


def store_of(table: dict) -> Path:
    """Name the folder of a table's runs."""
    return STORE / table.get('store', table['setting'])


def records_of(table: dict) -> Records:
    """Find the kept runs of each row that are of its config as it is now."""
    found = {}
    for name, (row, shared) in table['rows'].items():
        folder = store_of(table)
        paths = sorted(folder.glob(f'{glob_safe(row.slug)}_[0-9]*.json'))
        found[name] = [r for p in paths if (r := current(p, row, shared))]
    return found


def glob_safe(text: str) -> str:
    """Escape what glob reads as a pattern."""
    from glob import escape

    return escape(text)


def current(path: Path, row: Row, shared: tuple) -> Optional[dict]:
    """Read a run, or say that its config has changed since."""
    record = read_record(path)
    try:
        return read_run(path, digest_of(row, shared, record['seed']))
    except ValueError as error:
        print(f'left out: {error}', file=sys.stderr)
        return None


@cache
def digest_of(row: Row, shared: tuple, seed: int) -> str:
    """Name the config of a run as it is now; a row may be in two tables."""
    options = [f'randomness.seed={seed}', *shared, *row.options]
    plain = [option for option in options if '*' not in option]
    parser = argparse.ArgumentParser()
    parser.add_argument('--options', nargs='*', action=DictAction)
    merged = parser.parse_args(['--options', *plain]).options
    return config_digest(load_config(str(ROOT / row.config), merged))


def oracle(setting: str) -> dict:
    """Give the record of the oracle that hears nothing, computed once."""
    path = STORE / setting / 'oracle.json'
    if not path.exists():
        plan = Plan(setting, {'test': CLIPS['test']}, SIZE, 0, False)
        write_run(path, oracle_record(deaf_oracle(plan), plan))
    return read_record(path)


def oracle_record(figures: dict, plan: Plan) -> dict:
    """Put an oracle's figures into the form of a run."""
    quiet = dict(silent_mIoU=100 - figures['sounding'], RA=0.0)
    unfit = dict(figures, FPR=figures['sounding'], **quiet)
    sounds = dict(own=figures, mute=unfit, noise=unfit, swap=figures)
    sounds.update(offscreen=unfit, mix=figures)
    return dict(
        digest='',
        command=f'mmavs.analysis.deaf_oracle.deaf_oracle({plan})',
        figures=dict(sounds=sounds, robustness=0.0),
        validation=[],
    )


def known_of(tables: Dict[str, dict]) -> Dict[str, Records]:
    """Find what each table shows: an oracle, its kept runs, and others'."""
    found = {key: records_of(table) for key, table in tables.items()}
    known = {}
    for key, table in tables.items():
        rows = dict(found[key])
        if table.get('oracle'):
            name = 'oracle: every outline, no sound'
            rows = {name: [oracle(table['setting'])], **rows}
        for name, other in table.get('also', {}).items():
            rows[name] = found[other][name]
        known[key] = rows
    return known


def picture_of(key: str) -> Path:
    """Name the plot of a table."""
    return PLOTS / f'results_{key}.png'


def page_of(tables: Dict[str, dict], known: Dict[str, Records]) -> str:
    """Write the page anew between its marks."""
    parts = []
    for key, table in tables.items():
        records, seeds = known[key], len(table['seeds'])
        reported = table.get('reported')
        text = write_tables(key, table['title'], records, seeds, reported)
        parts.append(text)
        if is_trained(records):
            alt = f'{table["title"]}: J, J against false positives, curves'
            parts.append(f'![{alt}](_static/{picture_of(key).name})\n')
    head, rest = PAGE.read_text().split(BEGIN)
    _, tail = rest.split(END)
    return head + BEGIN + '\n'.join(['', *parts, '']) + END + tail


def write_page(tables: Dict[str, dict]) -> None:
    """Write the page and its plots."""
    known = known_of(tables)
    for key, records in known.items():
        if is_trained(records):
            draw_plots(records, picture_of(key))
    write_text(PAGE, page_of(tables, known))
    print(f'written: {PAGE}')


def main() -> int:
    tables = read_tables()
    args = parse_args(tables)
    register_all_modules()
    code = 0
    if not args.page_only:
        for key in args.tables or tables:
            code = max(code, run_table(tables[key], args))
            write_page(tables)
    else:
        write_page(tables)
    return code


if __name__ == '__main__':
    run_script(main)
