"""Score predictions on disk, under any protocol, without a model.

A dump of tools/test.py, which holds its ground truth:

    python tools/analysis_tools/evaluate_dump.py work_dirs/x/test.pkl

Masks in a folder, made by any code, beside a folder of ground truth:

    python tools/analysis_tools/evaluate_dump.py PREDICTIONS \
        --gt data/avsbench/Multi-sources/ms3_data/gt_masks/test \
        --clips data/avsbench/Multi-sources/ms3_meta_data.csv --split test

    python tools/analysis_tools/evaluate_dump.py PREDICTIONS --semantic \
        --gt data/avsbench/AVSBench-semantic --size 224 224 \
        --clips data/avsbench/AVSBench-semantic/metadata.csv --split test

A dump is opened without running anything that may be in it. --clips gives the
order in which clips are grouped. F of masks is the F of a single threshold;
F over 255 thresholds needs a dump, or probabilities written by
test_evaluator.soft_masks=True (--soft).
"""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Iterator, List, Optional

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.evaluation import AVSMetric, AVSSMetric
from mmavs.evaluation.dump_reader import read_dump
from mmavs.evaluation.mask_folders import (
    find_clips,
    pair_clips,
    read_names,
    read_samples,
)
from mmavs.evaluation.mask_readers import (
    read_binary,
    read_labels,
    read_soft,
)
from mmavs.evaluation.metrics.clip_metric import ClipMetric
from mmavs.evaluation.metrics.entries import draw_table


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('predictions', help='a .pkl, or a folder of masks')
    parser.add_argument('--gt', help='folder of ground truth masks')
    parser.add_argument(
        '--clips', help='csv or text file: which clips, in dataset order'
    )
    parser.add_argument('--split', help='rows of the csv to take')
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        '--semantic', action='store_true', help='class labels (AVSS)'
    )
    kind.add_argument(
        '--soft', action='store_true', help='grey masks are probabilities'
    )
    parser.add_argument(
        '--classes',
        help='text file, one class a line, background first; default: the '
        '71 of AVSBench-semantic',
    )
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        metavar=('WIDTH', 'HEIGHT'),
        help='resize ground truth (nearest) to the size of the predictions',
    )
    add_protocols(parser)
    parser.add_argument('--report', metavar='DIR', help='csv and picture')
    parser.add_argument('--json', metavar='FILE', help='write the table too')
    return parser.parse_args()


def add_protocols(parser: argparse.ArgumentParser) -> None:
    """Add what chooses a row of the table; by default all are printed."""
    parser.add_argument('--protocol', choices=('avsbench', 'dataset'))
    parser.add_argument(
        '--clips-per-batch',
        type=lambda text: text if text == 'all' else int(text),
        help="binary avsbench: 1, 2, 4 ... or 'all'",
    )
    parser.add_argument('--background', help='all, without, released')
    parser.add_argument(
        '--padded-frames', type=int, help='semantic avsbench: 10, or 0'
    )


def binary_metrics(args: argparse.Namespace) -> List[AVSMetric]:
    """List the wanted binary protocols, or all of them."""
    groups = (
        [args.clips_per_batch] if args.clips_per_batch else [1, 2, 4, 'all']
    )
    metrics = []
    if args.protocol != 'dataset':
        metrics += [AVSMetric(clips_per_batch=group) for group in groups]
    if args.protocol != 'avsbench' and not args.clips_per_batch:
        sides = [args.background] if args.background else ['without', 'all']
        metrics += [
            AVSMetric(protocol='dataset', background=side) for side in sides
        ]
    return metrics


def semantic_metrics(args: argparse.Namespace) -> List[AVSSMetric]:
    """List the wanted semantic protocols, or all of them."""
    sides = (
        [args.background]
        if args.background
        else ['all', 'without', 'released']
    )
    padding = [10, None]
    if args.padded_frames is not None:
        padding = [args.padded_frames or None]
    metrics = []
    if args.protocol != 'dataset':
        metrics += [
            AVSSMetric(background=side, padded_frames=frames)
            for frames in padding
            for side in sides
        ]
    if args.protocol != 'avsbench':
        metrics += [
            AVSSMetric(protocol='dataset', background=side)
            for side in sides
            if side != 'released' or args.background
        ]
    return metrics


def read_classes(path: Optional[str]) -> dict:
    """Give names and colours of the classes."""
    from mmavs.datasets.avss_classes import AVSS_CLASSES, voc_palette

    names = AVSS_CLASSES
    if path:
        lines = Path(path).read_text().splitlines()
        names = tuple(line.strip() for line in lines if line.strip())
    return dict(classes=names, palette=voc_palette(len(names)))


def open_predictions(args: argparse.Namespace, meta: dict) -> Iterator[dict]:
    """Yield clips from a dump or from folders."""
    path = Path(args.predictions)
    if path.suffix in ('.pkl', '.pickle'):
        return iter(read_dump(path))
    if not path.is_dir():
        raise FileNotFoundError(
            f'{path} is neither a .pkl nor a folder of masks'
        )
    if args.gt is None:
        raise ValueError(
            'masks are scored against ground truth. Mend: give its folder '
            'with --gt'
        )
    names = read_names(args.clips, args.split) if args.clips else None
    pairs = pair_clips(find_clips(path), find_clips(args.gt), names)
    read_truth = partial(
        read_labels if args.semantic else read_binary, size=args.size
    )
    read_prediction = read_soft if args.soft else read_binary
    if args.semantic:
        read_truth = partial(read_truth, **meta)
        read_prediction = partial(read_labels, **meta)
    return read_samples(
        pairs, read_prediction, read_truth, args.semantic, find_groups(args.gt)
    )


def find_groups(folder: str) -> dict:
    """Look up 'constant' or 'switching' of synthetic clips."""
    from mmavs.datasets.synthetic import read_side_file

    path = Path(folder).resolve()
    for root in (path, *path.parents):
        side = read_side_file(root)
        if side:
            return {
                name: clip.get('group')
                for name, clip in side.get('clips', {}).items()
            }
    return {}


def evaluate(args: argparse.Namespace) -> List[dict]:
    """Measure every clip once and score it under each protocol."""
    meta = read_classes(args.classes)
    samples = open_predictions(args, meta)
    first = next(samples)
    semantic = args.semantic or 'seg_logits' not in first
    metrics = semantic_metrics(args) if semantic else binary_metrics(args)
    if not metrics:
        raise ValueError('--clips-per-batch belongs to --protocol avsbench')
    measure: ClipMetric = metrics[0]
    for metric in metrics:
        metric.dataset_meta = meta
    measure.process(None, [first])
    for sample in samples:
        measure.process(None, [sample])
    rows = [row for m in metrics for row in m.summarize(measure.results)]
    if args.report:
        measure.report_dir = args.report
        measure.write_report()
    return rows


def main() -> None:
    args = parse_args()
    try:
        rows = evaluate(args)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'{type(error).__name__}: {error}') from None
    print(draw_table(rows))
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=2))


if __name__ == '__main__':
    main()
