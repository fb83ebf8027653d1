"""Train and test several configs under one budget, and tabulate.

    python tools/analysis_tools/compare.py \
        configs/synthetic/tpavi_tiny_ms3.py \
        configs/synthetic/nosound_tiny_ms3.py \
        "configs/synthetic/tpavi_tiny_ms3.py::model.neck.1.window=5" \
        --seeds 0 1 --jobs 2

A row is a config file, or a config file with options behind ``::`` (as for
--cfg-options, separated by blanks). In a row's options ``{seed}`` is the seed,
and a path with ``*`` the best checkpoint of its folder, if that fits, or the
last that fits, so that a row can start from another:

    "avis_tiny_s4.py::load_from=work_dirs/compare/STAGE1_{seed}/best_*.pth"

Every run is kept under the work dir and not done again, so an interrupted
comparison is carried on. A run is known by its whole config, options and all:
one of another config is not taken for it, and a work dir whose run started
from other weights is refused. Its figures, under every sound (--sounds), are
one small file of --results; with that file alone, as in a clone, a run is done
as well. Who calls for a run that another process does waits for it. Where
another row starts from its weights, --weights trains it all the same.
Runs share the cores, or have as many threads as OMP_NUM_THREADS says.
``--costs`` adds the parameters that take part in a clip, and the median
seconds of a training step, of the machine it ran on.
"""

import argparse
import glob
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean, median
from typing import List, Optional

import torch
from filelock import FileLock
from mmengine.config import Config
from mmengine.device import get_device

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.complexity import clip_complexity
from mmavs.analysis.measure import machine_name
from mmavs.analysis.results_page import spread
from mmavs.analysis.results_store import (
    Row,
    config_with,
    flat_figures,
    lineage,
    options_of,
    read_run,
    run_digest,
    validation_curve,
    write_run,
)
from mmavs.audio.sounds import SOUNDS, UNFITTING
from mmavs.command_line import MISTAKE, run_script
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.text_files import read_json
from mmavs.files.whole_files import write_text
from mmavs.media.listing import natural_key
from mmavs.processors import threads_of_a_run
from mmavs.utils import register_all_modules
from mmavs.weights.work_dir import DONE, best_checkpoint, note_run

ROOT = Path(__file__).resolve().parents[2]
LINEAGE = 'lineage.txt'  # in a work dir: what its weights come from
GROUPS = ('', '_constant', '_switching')


def resolve(option: str) -> str:
    """Put the best or last path that fits into an option.

    Raises:
        FileNotFoundError: No path fits, or none is at ``load_from``: said
            before a work dir is noted as that of a run.
    """
    key, _, value = option.partition('=')
    if '*' in value:
        paths = glob.glob(value, root_dir=ROOT)
        value = choose(paths) if paths else value
    if ('*' in value or key == 'load_from') and not (ROOT / value).exists():
        raise FileNotFoundError(
            f'no file fits {value} of {option}. Fix: run the row that '
            'makes it first.'
        )
    return f'{key}={value}'


def choose(paths: List[str]) -> str:
    """Take the best of a training, or else the one of the highest number."""
    last = max(paths, key=natural_key)
    folder = ROOT / Path(last).parent
    if (folder / 'last_checkpoint').is_file():
        best = best_checkpoint(folder).resolve()
        return next((p for p in paths if (ROOT / p).resolve() == best), last)
    return last


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
        '--results',
        type=Path,
        help='default: results below --work-dir',
    )
    parser.add_argument(
        '--sounds',
        nargs='+',
        choices=tuple(SOUNDS),
        default=list(SOUNDS),
        help='what test clips hear; default: all',
    )
    parser.add_argument(
        '--weights',
        action='store_true',
        help='train also what has figures and no checkpoint here',
    )
    parser.add_argument(
        '--jobs', type=int, default=1, help='runs at a time, of a core each'
    )
    parser.add_argument(
        '--metrics', nargs='+', default=['J', 'F'], help='columns'
    )
    parser.add_argument(
        '--costs', action='store_true', help='add parameters and seconds'
    )
    parser.add_argument('--out', type=Path, help='also write the table here')
    args = parser.parse_args()
    args.results = args.results or args.work_dir / 'results'
    return args


def run_alone(row: Row, seed: int, args: argparse.Namespace) -> dict:
    """Do a run, or wait for whoever is doing it and take what they kept."""
    kept = kept_run(row, seed, args)
    if kept and not args.weights:
        return kept
    args.work_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(args.work_dir / f'.{row.run_name(seed)}.lock'):
        kept = kept_run(row, seed, args)
        if kept and not args.weights:
            return kept
        return run(row, seed, kept, args)


def run(
    row: Row, seed: int, kept: Optional[dict], args: argparse.Namespace
) -> dict:
    """Train and test once, unless it is done; return the record."""
    folder = args.work_dir.absolute() / row.run_name(seed)
    digest = run_digest(row, seed, args.options)
    wanted = options_of(row, seed, args.options)
    options = [resolve(option) for option in wanted]
    config = config_with(row.config, options)
    if config.get('load_from'):
        config.load_from = str(ROOT / config.load_from)
    note_run(folder, config)
    start = lineage_of(config)
    write_text(folder / LINEAGE, lineage(digest, start))
    threads = threads_of_a_run(args.jobs)
    source = str(Path(row.config).absolute())  # tools run in the root
    words = ['--work-dir', str(folder), '--cfg-options', *options]
    if not (folder / DONE).exists():
        call(folder, threads, 'train', source, '--resume', *words)
        (folder / DONE).touch()
    if kept:
        return kept
    words[1] = str(folder / 'test')
    best = str(best_checkpoint(folder))
    heard = ['--show-worst', '0', '--sounds', *args.sounds]
    call(folder, threads, 'test', source, best, *heard, *words)
    newest = max(
        (folder / 'test').glob('*/sounds.json'),
        key=lambda path: path.stat().st_mtime,
    )
    record = dict(
        row=row.name,
        command=f'tools/train.py {row.config} --cfg-options '
        + ' '.join(options),
        digest=digest,
        **(dict(starts_from=start) if start else {}),
        seed=seed,
        budget=budget(config),
        device=device_name(),
        threads=threads,
        figures=read_json(newest, 'remove it and call again.'),
        validation=validation_curve(folder),
    )
    write_run(args.results / f'{folder.name}.json', record)
    print(f'{row.name} seed {seed}: {flat_figures(record)}', flush=True)
    return record


def device_name() -> str:
    """Name the card that a run takes, or 'cpu'."""
    device = torch.device(get_device())
    return machine_name(device) if device.type == 'cuda' else device.type


def lineage_of(config: Config) -> Optional[str]:
    """Read what names the weights that a run starts from, if it is known."""
    if not config.get('load_from'):
        return None
    note = Path(config.load_from).parent / LINEAGE
    return note.read_text().strip() if note.is_file() else None


def kept_run(row: Row, seed: int, args: argparse.Namespace) -> Optional[dict]:
    """Read what is kept of a run, if anything is.

    Raises:
        ValueError: It is of another config, or of fewer sounds.
    """
    path = args.results / f'{row.run_name(seed)}.json'
    record = read_run(path, run_digest(row, seed, args.options))
    heard = record['figures']['sounds'] if record else args.sounds
    missing = [sound for sound in args.sounds if sound not in heard]
    if missing:
        raise ValueError(
            f'{path} keeps no figures under {", ".join(missing)}. Fix: remove '
            'the file to run it anew (it is not trained again where its work '
            f'dir is there), or ask for --sounds {" ".join(heard)}'
        )
    return record


def budget(config: Config) -> dict:
    """Say how long a config trains."""
    kept = ('max_epochs', 'max_iters', 'by_epoch')
    train = config.train_cfg
    found = {key: train[key] for key in kept if key in train}
    return dict(found, batch_size=config.train_dataloader.batch_size)


def call(folder: Path, threads: int, tool: str, *arguments: str) -> None:
    """Run a tool; its output goes to a log in the folder.

    Raises:
        ValueError: The tool says that the user made a mistake.
        SystemExit: It failed otherwise.
    """
    env = dict(os.environ, OMP_NUM_THREADS=str(threads))
    log = folder / f'{tool}.log'
    with log.open('a') as file:
        code = subprocess.run(
            [sys.executable, f'tools/{tool}.py', *arguments],
            cwd=ROOT,
            env=env,
            stdout=file,
            stderr=subprocess.STDOUT,
        ).returncode
    if code == MISTAKE:
        raise ValueError(f'{log.read_text().splitlines()[-1]} (in {log})')
    if code:
        raise SystemExit(f'{tool} failed, see {log}')


def parameters(row: Row, options: List[str]) -> int:
    """Count what takes part in a clip of a row's model."""
    cost = clip_complexity(config_with(row.config, options))
    return sum(cost.parameters.values())


def seconds_a_step(folder: Path) -> Optional[float]:
    """Median over the logs of a training; None where there are none."""
    logs = sorted(folder.glob('*/vis_data/scalars.json'))
    times = []
    for log in logs:
        # a run that was stopped may leave half a line, which lacks its brace
        lines = [x for x in log.read_text().splitlines() if x.endswith('}')]
        steps = [json.loads(line) for line in lines]
        times += [step['time'] for step in steps if 'lr' in step]
    return median(times) if times else None


def costs(row: Row, args: argparse.Namespace) -> List[str]:
    """Cells of ``--costs``: parameters in millions, seconds per step."""
    folders = [args.work_dir / row.run_name(seed) for seed in args.seeds]
    seconds = [seconds_a_step(folder) for folder in folders]
    options = options_of(row, args.seeds[0], args.options)
    millions = parameters(row, options) / 1e6
    step = '-' if None in seconds else f'{mean(seconds):.2f}'
    return [f'{millions:.2f}', step]


def table(results: dict, args: argparse.Namespace) -> str:
    """Mean and, from two seeds on, deviation; Markdown."""
    keys = [metric + group for group in GROUPS for metric in args.metrics]
    keys += [f'{sound} FPR' for sound in UNFITTING] + ['robustness']
    keys = [
        k for k in keys if any(k in f for r in results.values() for f in r)
    ]
    titles = keys + (['parameters (M)', 's a step'] if args.costs else [])
    lines = [
        '| model | ' + ' | '.join(titles) + ' |',
        '|---|' + '---|' * len(titles),
    ]
    for row, figures in results.items():
        cells = [spread([f.get(k) for f in figures]) for k in keys]
        cells += costs(row, args) if args.costs else []
        lines.append(f'| {row.name} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + (
        f'\n\nSeeds {args.seeds}; mean ± half the range.'
    )


def main() -> None:
    args = parse_args()
    keep_inputs([row.config for row in args.rows], [args.out])
    register_all_modules()
    tasks = [(row, seed) for seed in args.seeds for row in args.rows]
    for task in tasks:  # before any is run: a mistake costs no training
        kept_run(*task, args)
    with ThreadPoolExecutor(args.jobs) as pool:
        futures = [pool.submit(run_alone, *task, args) for task in tasks]
        figures = [future.result() for future in futures]
    results = {row: [] for row in args.rows}
    for (row, _), figure in zip(tasks, figures):
        results[row].append(flat_figures(figure))
    text = table(results, args)
    print(text)
    if args.out:
        write_text(args.out, text + '\n')


if __name__ == '__main__':
    run_script(main)
