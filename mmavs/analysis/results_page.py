"""Tables and plots of kept runs."""

import functools
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean
from typing import Dict, List, Optional, Sequence

from mmavs.audio.sounds import SOUNDS, UNFITTING
from mmavs.files.whole_files import whole_file

from .results_store import flat_figures, last_quarter_gain

NOT_RUN = 'not run'
Records = Dict[str, List[dict]]


def write_tables(
    keys: str,
    title: str,
    records: Records,
    wanted: int,
    reported: Optional[Dict[str, float]] = None,
) -> str:
    """Write what is known of a comparison, in Markdown.

    Args:
        keys (str): Names of the table, and of those that run rows of it,
            for its command.
        title (str): Its heading.
        records (dict[str, list[dict]]): Runs of each row, see
            :func:`~mmavs.analysis.results_store.write_run`.
        wanted (int): Seeds of the full table.
        reported (dict[str, float], optional): J of rows in their paper, in
            percent; a column beside ours.

    Returns:
        str: Heading, command, and two tables: J and F under every sound; and
        false-positive rate, RA, instances found (of rows that tell them
        apart), robustness and what the last quarter gained.
    """
    command = f'python tools/analysis_tools/results.py {keys} --jobs 2'
    lines = [f'## {title}', '', '```bash', command, '```', '']
    if not any(records.values()):
        rows = ', '.join(records)
        return '\n'.join([*lines, f'Not run: {rows}.', ''])
    lines += [*_budget(records), 'J / F under each sound:', '']
    paper = ['J, paper'] if reported else []
    lines += _head(['', *paper, 'seeds', *SOUNDS, 'constant', 'switching'])
    for name, runs in records.items():
        known = [str(reported.get(name, '-'))] if reported else []
        lines.append(_row([name, *known], runs, wanted, _scores))
    lines += ['', 'FPR / RA where nothing is right, and what joins all:', '']
    counted = ['instances'] if _counts_instances(records) else []
    ends = [*counted, 'robustness', 'last quarter']
    lines += _head(['', 'seeds', *UNFITTING, *ends])
    cells_of = functools.partial(_silence, counted=bool(counted))
    for name, runs in records.items():
        lines.append(_row([name], runs, wanted, cells_of))
    return '\n'.join([*lines, ''])


def _head(names: Sequence[str]) -> List[str]:
    return [f'| {" | ".join(names)} |', '|---' * len(names) + '|']


def _row(first: List[str], runs: List[dict], wanted: int, cells_of) -> str:
    if not runs:
        return f'| {" | ".join([*first, NOT_RUN])} |'
    seeds = [run['seed'] for run in runs if 'seed' in run]
    wanted = max(wanted, len(seeds))  # another table may run more
    shown = f'{len(seeds)} of {wanted}' if seeds else '-'
    return f'| {" | ".join([*first, shown, *cells_of(runs)])} |'


def _scores(runs: List[dict]) -> List[str]:
    flat = [flat_figures(run) for run in runs]
    fronts = ['' if sound == 'own' else f'{sound} ' for sound in SOUNDS]
    cells = [_pair(flat, f'{front}J', f'{front}F') for front in fronts]
    groups = ('constant', 'switching')
    return cells + [_pair(flat, f'J_{g}', f'F_{g}') for g in groups]


def _counts_instances(records: Records) -> bool:
    runs = (run for of_row in records.values() for run in of_row)
    return any('I' in flat_figures(run) for run in runs)


def _silence(runs: List[dict], counted: bool) -> List[str]:
    flat = [flat_figures(run) for run in runs]
    cells = [_pair(flat, f'{s} FPR', f'{s} RA') for s in UNFITTING]
    if counted:
        cells.append(spread([figures.get('I') for figures in flat]))
    gains = [last_quarter_gain(run['validation']) for run in runs]
    joined = spread([figures.get('robustness') for figures in flat])
    return [*cells, joined, spread(gains)]


def _pair(flat: List[dict], first: str, second: str) -> str:
    cells = [spread([f.get(key) for f in flat]) for key in (first, second)]
    return '-' if cells == ['-', '-'] else ' / '.join(cells)


def spread(values: Sequence[Optional[float]]) -> str:
    """Write 'mean ± half the range' of the seeds; '-' if one is absent."""
    if any(value is None for value in values):
        return '-'
    if len(values) == 1:
        return f'{values[0]:.1f}'
    return f'{mean(values):.1f} ± {(max(values) - min(values)) / 2:.1f}'


def _budget(records: Records) -> List[str]:
    """Say how long the rows were trained, and how many runs on what.

    The budget of most runs comes first; to others, their rows are named.
    """
    devices, rows = defaultdict(Counter), defaultdict(dict)
    for name, runs in records.items():
        for run in runs:
            if 'budget' in run:
                key = ', '.join(f'{k} {v}' for k, v in run['budget'].items())
                devices[key][run['device']] += 1
                rows[key][name] = None
    order = sorted(devices, key=lambda key: -devices[key].total())
    found = []
    for key in order:
        on = ', '.join(f'{n} on {where}' for where, n in devices[key].items())
        prefix = f'{", ".join(rows[key])}: ' if found else ''
        found.append(f'{prefix}{key} (runs: {on})')
    return [f'Budget: {"; ".join(found)}.', ''] if found else []


def is_trained(records: Records) -> bool:
    """Tell whether any row has a training to draw."""
    return any(run['validation'] for runs in records.values() for run in runs)


def draw_plots(records: Records, path: Path) -> None:
    """Draw J with its spread, J against FPR under silence, and training.

    Args:
        records (dict[str, list[dict]]): See :func:`write_tables`.
        path (Path): Picture.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    drawn = {name: runs for name, runs in records.items() if runs}
    figure = Figure(figsize=(15, 4), layout='constrained')
    bars, points, curves = figure.subplots(1, 3)
    colors = colormaps['tab10' if len(drawn) <= 10 else 'tab20'].colors
    for place, (name, runs) in enumerate(drawn.items()):
        flat = [flat_figures(run) for run in runs]
        found = [figures['J'] for figures in flat]
        middle, color = mean(found), colors[place % len(colors)]
        ends = [[middle - min(found)], [max(found) - middle]]
        spans = dict(xerr=ends, capsize=3) if len(found) > 1 else {}
        bars.barh(place, middle, color=color, **spans)
        rates = [figures.get('mute FPR') for figures in flat]
        if None not in rates:
            points.plot(found, rates, 'o', color=color, label=name)
        for run in runs:
            steps = [step for step, _ in run['validation']]
            values = [value for _, value in run['validation']]
            curves.plot(steps, values, color=color, linewidth=1)
    bars.set_yticks(range(len(drawn)), list(drawn))
    bars.invert_yaxis()
    bars.set_xlabel('J under own sound, %')
    points.set(xlabel='J under own sound, %', ylabel='FPR under mute, %')
    curves.set(xlabel='epoch', ylabel='J of validation, %')
    figure.legend(loc='outside right center', fontsize=8)
    with whole_file(path) as partial:
        figure.savefig(partial, format='png', dpi=100)
