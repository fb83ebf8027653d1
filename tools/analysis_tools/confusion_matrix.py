"""Draw which class is taken for which, from predictions on disk.

    python tools/analysis_tools/confusion_matrix.py work_dirs/x/test.pkl \
        work_dirs/x/confusion

    python tools/analysis_tools/confusion_matrix.py PREDICTED_MASKS OUT \
        --gt data/avsbench/AVSBench-semantic --size 224 224 \
        --clips data/avsbench/AVSBench-semantic/metadata.csv --split test

Writes confusion_matrix.png (each row, a true class, sums to 100 %),
confusion_matrix.csv (pixels) and most_confused.csv (the largest errors by
name).
"""

import argparse
import csv
from pathlib import Path
from typing import Iterator, List, Sequence, Tuple

import numpy as np

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.command_line import run_script
from mmavs.evaluation import confusion_counts
from mmavs.evaluation.predictions import (
    add_source,
    open_predictions,
    source_files,
)
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.output_folder import OutputFolder
from mmavs.files.whole_files import whole_file


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add_source(parser)
    parser.add_argument('save_dir', help='folder for picture and csv files')
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='remove what an earlier run wrote there',
    )
    parser.add_argument('--title', default='Pixels of a true class, %')
    parser.add_argument(
        '--color-theme', default='viridis', help='a colour map of matplotlib'
    )
    parser.add_argument(
        '--without-background',
        action='store_true',
        help='draw the other classes alone; the csv files stay complete',
    )
    args = parser.parse_args()
    args.semantic, args.soft = True, False
    return args


def sum_pairs(samples: Iterator[dict], num_classes: int) -> np.ndarray:
    """Count pairs of labels over all clips.

    Returns:
        np.ndarray: (K, K) int64, rows true, columns predicted.

    Raises:
        ValueError: A clip has no predicted labels, or labels of no class.
    """
    total = np.zeros((num_classes + 1, num_classes + 1), np.int64)
    unlabelled = 0
    for sample in samples:
        if 'pred_sem_seg' not in sample:
            raise ValueError(f'clip {sample["clip_id"]}: no pred_sem_seg')
        if 'gt_sem_seg' not in sample:
            unlabelled += 1
            continue
        pairs = confusion_counts(
            sample['pred_sem_seg']['data'][:, 0],
            sample['gt_sem_seg']['data'][:, 0],
            num_classes,
        )
        total += pairs.sum(0).numpy()
        strange = int(pairs[:, -1].sum() + pairs[:, :-1, -1].sum())
        if strange:
            raise ValueError(
                f'clip {sample["clip_id"]}: {strange} pixels, true or '
                f'predicted, are none of the {num_classes} classes. Fix: '
                'name all classes in the file of --classes'
            )
    if unlabelled:
        print(f'{unlabelled} clips have no ground truth and are left out')
    return total[:-1, :-1]


def share_of_truth(pairs: np.ndarray) -> np.ndarray:
    """Turn counts into percent of each true class; absent classes are 0."""
    return 100 * pairs / np.maximum(pairs.sum(axis=1, keepdims=True), 1)


def most_confused(
    pairs: np.ndarray, names: Sequence[str], number: int = 50
) -> List[Tuple[str, str, int, float]]:
    """List the largest errors: true class, taken for, pixels, percent."""
    shares = share_of_truth(pairs)
    errors = pairs * (1 - np.eye(len(pairs), dtype=np.int64))
    order = np.argsort(-errors, axis=None, kind='stable')[:number]
    found = []
    for true, predicted in zip(*np.unravel_index(order, errors.shape)):
        if errors[true, predicted]:
            found.append(
                (
                    names[true],
                    names[predicted],
                    int(errors[true, predicted]),
                    float(shares[true, predicted]),
                )
            )
    return found


def draw(
    path: Path,
    shares: np.ndarray,
    names: Sequence[str],
    title: str,
    color_theme: str,
) -> None:
    """Draw the matrix; small ones get their numbers written in."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    side = max(5, 0.24 * len(names))
    figure = Figure(figsize=(side + 1, side), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap=color_theme, vmin=0, vmax=100)
    figure.colorbar(image, ax=axes, shrink=0.8)
    places = range(len(names))
    axes.set_xticks(places, names, rotation=90, fontsize=7)
    axes.set_yticks(places, names, fontsize=7)
    axes.set_xlabel('predicted')
    axes.set_ylabel('true')
    axes.set_title(title)
    if len(names) <= 20:
        for row in places:
            for column in places:
                axes.text(
                    column,
                    row,
                    f'{shares[row, column]:.0f}',
                    ha='center',
                    va='center',
                    fontsize=7,
                    color='white' if shares[row, column] < 60 else 'black',
                )
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=120)


def write_csv(path: Path, header: Sequence, rows: Sequence[Sequence]) -> None:
    """Write rows under a header."""
    with whole_file(path) as partial, partial.open('w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def main() -> None:
    args = parse_args()
    keep_inputs(source_files(args), folders=[args.save_dir])
    folder = OutputFolder(args.save_dir)
    folder.check(args.overwrite)
    samples, meta = open_predictions(args)
    names = meta['classes']
    pairs = sum_pairs(samples, len(names))
    folder.claim(args.overwrite)
    write_csv(
        folder.file('confusion_matrix.csv'),
        ['true \\ predicted', *names],
        [[name, *row.tolist()] for name, row in zip(names, pairs)],
    )
    errors = most_confused(pairs, names)
    write_csv(
        folder.file('most_confused.csv'),
        ['true', 'predicted', 'pixels', 'percent of true'],
        [(a, b, count, f'{share:.2f}') for a, b, count, share in errors],
    )
    first = 1 if args.without_background else 0
    draw(
        folder.file('confusion_matrix.png'),
        share_of_truth(pairs)[first:, first:],
        names[first:],
        args.title,
        args.color_theme,
    )
    for true, predicted, count, share in errors[:10]:
        print(f'{true} taken for {predicted}: {count} pixels, {share:.1f} %')
    print(f'written to {folder.path}')


if __name__ == '__main__':
    run_script(main)
