"""Per-clip and per-category scores as csv, and a picture of them."""

import csv
from pathlib import Path
from typing import List, Optional, Sequence, Union

from mmavs.files.output_folder import OutputFolder
from mmavs.files.whole_files import whole_file

CLIP_COLUMNS = ('clip_id', 'category', 'group', 'frames', 'J', 'F')
CATEGORY_COLUMNS = ('category', 'count', 'J', 'F')


def write_report(
    folder: Union[str, Path],
    per_clip: Sequence[dict],
    per_category: Sequence[dict] = (),
    title: str = '',
) -> List[Path]:
    """Write ``per_clip.csv``, ``per_category.csv`` and ``distribution.png``.

    Args:
        folder (str or Path): Where to; made if absent.
        per_clip (Sequence[dict]): Of each clip its ``clip_id``, ``category``,
            ``group``, ``frames``, and ``J`` and ``F`` in percent. Written
            worst first.
        per_category (Sequence[dict]): Of each category its ``category``,
            ``count`` (clips, or frames of a semantic class), ``J``, ``F``.
        title (str): Of the picture; say the protocol.

    Returns:
        list[Path]: The files.
    """
    folder = OutputFolder(folder)
    # NaN (nothing to score) goes last
    worst_first = sorted(
        per_clip, key=lambda clip: (clip['J'] != clip['J'], clip['J'])
    )
    files = [folder.file('per_clip.csv')]
    _write_csv(files[0], CLIP_COLUMNS, worst_first)
    if per_category:
        files.append(folder.file('per_category.csv'))
        _write_csv(files[-1], CATEGORY_COLUMNS, per_category)
    files.append(folder.file('distribution.png'))
    draw_distribution(files[-1], per_clip, per_category, title)
    return files


def group_by_category(per_clip: Sequence[dict]) -> List[dict]:
    """Average clips of one category; none if no clip names one."""
    names = sorted({c['category'] for c in per_clip if c.get('category')})
    rows = []
    for name in names:
        members = [clip for clip in per_clip if clip['category'] == name]
        rows.append(
            dict(
                category=name,
                count=len(members),
                J=sum(clip['J'] for clip in members) / len(members),
                F=sum(clip['F'] for clip in members) / len(members),
            )
        )
    return rows


def _write_csv(
    path: Path, columns: Sequence[str], rows: Sequence[dict]
) -> None:
    with whole_file(path) as partial, partial.open('w', newline='') as file:
        writer = csv.DictWriter(file, columns, extrasaction='ignore')
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {
                    key: f'{value:.4f}' if isinstance(value, float) else value
                    for key, value in row.items()
                }
            )


def draw_distribution(
    path: Path,
    per_clip: Sequence[dict],
    per_category: Sequence[dict] = (),
    title: str = '',
) -> None:
    """Draw histograms of J and F over clips, and J of each category.

    Args:
        path (Path): PNG to write.
        per_clip (Sequence[dict]): See :func:`write_report`.
        per_category (Sequence[dict]): See :func:`write_report`.
        title (str): Of the picture.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = 2 if per_category else 1
    width = max(8, 0.22 * len(per_category))
    figure = Figure(figsize=(width, 3.5 * rows), layout='constrained')
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(rows, 2)
    groups = sorted({clip['group'] for clip in per_clip if clip.get('group')})
    for place, score in enumerate('JF'):
        axes = figure.add_subplot(grid[0, place])
        _histogram(axes, per_clip, score, groups or [None])
    if per_category:
        axes = figure.add_subplot(grid[1, :])
        known = [row for row in per_category if row['J'] == row['J']]
        known.sort(key=lambda row: row['J'])
        axes.bar([r['category'] for r in known], [r['J'] for r in known])
        axes.margins(x=0.01)
        axes.tick_params(axis='x', rotation=90, labelsize=7)
        axes.set_ylabel('J (%)')
    figure.suptitle(title)
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=120)


def _histogram(
    axes, per_clip: Sequence[dict], score: str, groups: List[Optional[str]]
) -> None:
    """Stack one histogram a group, with the mean of all clips."""
    # NaN, nothing to score, is equal to nothing
    known = [clip for clip in per_clip if clip[score] == clip[score]]
    values = [
        [clip[score] for clip in known if clip.get('group') == group]
        for group in groups
    ]
    axes.hist(values, bins=range(0, 101, 5), stacked=True, label=groups)
    known = [clip[score] for clip in known]
    mean = sum(known) / max(1, len(known))
    axes.axvline(mean, color='black', linestyle='--', linewidth=1)
    axes.set_xlabel(f'{score} of a clip (%), mean {mean:.2f}')
    axes.set_ylabel('clips')
    if groups != [None]:
        axes.legend()
