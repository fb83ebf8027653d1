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
from glob import escape
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

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
    lineage,
    read_record,
    read_run,
    run_digest,
    write_run,
)
from mmavs.command_line import run_script
from mmavs.datasets.synthetic import ensure_synthetic
from mmavs.datasets.synthetic.generate import Plan
from mmavs.files.whole_files import write_text
from mmavs.utils import register_all_modules

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / 'configs/synthetic/comparisons.yaml'
STORE = ROOT / 'docs/en/results'
PAGE = ROOT / 'docs/en/results.md'
PLOTS = ROOT / 'docs/en/_static'
WORK = Path('work_dirs/results')
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


def run_table(tables: Dict[str, dict], key: str, args) -> int:
    """Train and test what is missing of a table; return an exit code."""
    table = tables[key]
    seeds = args.seeds or table['seeds']
    trained = set()
    for seed in seeds:
        for row, _ in table['rows'].values():
            if path_of(table, row, seed).exists():
                continue
            code = train_start(tables, row, seed, trained)
            if code:
                return code
    rows = [row for row, _ in table['rows'].values()]
    return run_rows(table, rows, seeds, '--jobs', str(args.jobs))


def run_rows(table: dict, rows: List[Row], seeds: List[int], *more) -> int:
    """Call compare.py with rows of a table; return its exit code."""
    clips = table.get('clips', CLIPS)
    ensure_synthetic(ROOT / DATA, table['setting'], clips, size=SIZE)
    command = [sys.executable, 'tools/analysis_tools/compare.py']
    command += [row.text for row in rows]
    store = store_of(table)
    command += ['--seeds', *map(str, seeds), '--results', str(store)]
    command += ['--work-dir', str(WORK / store.name), *more]
    if table.get('options'):
        command += ['--options', *table['options']]
    return subprocess.run(command, cwd=ROOT).returncode


def train_start(
    tables: Dict[str, dict], row: Row, seed: int, trained: set
) -> int:
    """Train what a row starts from, even if its figures are kept.

    A clone has figures and no checkpoints. Where they are here, nothing is
    trained again.
    """
    start = start_of(tables, row, seed)
    if start is None:
        return 0
    folder = WORK / store_of(start.table).name / start.row.run_name(start.seed)
    if folder in trained:
        return 0
    trained.add(folder)
    code = train_start(tables, start.row, start.seed, trained)
    return code or run_rows(
        start.table, [start.row], [start.seed], '--weights'
    )


class Start(NamedTuple):
    """The run from whose weights another starts."""

    table: dict
    row: Row
    shared: tuple
    seed: int


def start_of(tables: Dict[str, dict], row: Row, seed: int) -> Optional[Start]:
    """Find the run that a row's ``load_from`` names, if it names one.

    Raises:
        ValueError: No table has it.
    """
    key = 'load_from='
    path = next((o for o in row.options if o.startswith(key)), None)
    if path is None:
        return None
    folder = Path(path[len(key) :].replace('{seed}', str(seed))).parent
    number = folder.name.rpartition('_')[2]
    for table in tables.values():
        for start, shared in table['rows'].values():
            place = WORK / store_of(table).name / start.run_name(number)
            if place == folder:
                return Start(table, start, shared, int(number))
    raise ValueError(
        f'no table has a row that makes {folder}, from which {row.name} '
        f'starts. Fix: add it to {TABLES}'
    )


def path_of(table: dict, row: Row, seed: int) -> Path:
    """Name the file of a run."""
    return store_of(table) / f'{row.run_name(seed)}.json'


def store_of(table: dict) -> Path:
    """Name the folder of a table's runs."""
    return STORE / table.get('store', table['setting'])


def records_of(tables: Dict[str, dict], key: str) -> Records:
    """Find the kept runs of each row that are of its config as it is now."""
    found = {}
    table = tables[key]
    for name, (row, shared) in table['rows'].items():
        pattern = f'{escape(row.slug)}_[0-9]*.json'
        paths = sorted(store_of(table).glob(pattern))
        runs = [current(tables, path, row, shared) for path in paths]
        found[name] = [run for run in runs if run]
    return found


def current(
    tables: Dict[str, dict], path: Path, row: Row, shared: tuple
) -> Optional[dict]:
    """Read a run, or say that its config, or that of its start, changed."""
    seed = read_record(path)['seed']
    try:
        record = read_run(path, digest_of(row, shared, seed))
    except ValueError as error:
        print(f'left out: {error}', file=sys.stderr)
        return None
    start = start_of(tables, row, seed)
    if start and record.get('starts_from') != lineage_of(tables, start):
        print(
            f'left out: {path} starts from weights of {start.row.name}, or '
            'of what that started from, as they were before. Fix: remove the '
            'file to run it anew',
            file=sys.stderr,
        )
        return None
    return record


def lineage_of(tables: Dict[str, dict], run: Start) -> str:
    """Name the weights of a run by the configs as they are now."""
    start = start_of(tables, run.row, run.seed)
    digest = digest_of(run.row, run.shared, run.seed)
    return lineage(digest, lineage_of(tables, start) if start else None)


@cache
def digest_of(row: Row, shared: tuple, seed: int) -> str:
    """Name the config of a run as it is now; a row may be in two tables."""
    here = row._replace(config=str(ROOT / row.config))
    return run_digest(here, seed, shared)


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
        figures=dict(sounds=sounds),
        validation=[],
    )


def known_of(tables: Dict[str, dict]) -> Dict[str, Records]:
    """Find what each table shows: an oracle, its kept runs, and others'."""
    found = {key: records_of(tables, key) for key in tables}
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
        keys = ' '.join([key, *table.get('also', {}).values()])
        reported = table.get('reported')
        text = write_tables(keys, table['title'], records, seeds, reported)
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
            code = run_table(tables, key, args) or code
            write_page(tables)
    else:
        write_page(tables)
    return code


if __name__ == '__main__':
    run_script(main)
