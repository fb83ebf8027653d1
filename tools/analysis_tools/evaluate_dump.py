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
tools/test.py --out DIR --soft-masks (--soft).
"""

import argparse
import json
from itertools import chain
from pathlib import Path
from typing import List, Union

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.command_line import run_script
from mmavs.commands import in_commands, program
from mmavs.evaluation import AVSMetric, AVSSMetric
from mmavs.evaluation.metrics.clip_metric import ClipMetric
from mmavs.evaluation.metrics.entries import draw_table, name_unscored
from mmavs.evaluation.predictions import (
    add_source,
    open_predictions,
    source_files,
)
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.output_folder import OutputFolder
from mmavs.files.whole_files import write_text

DECIDED = (
    'class labels and black and white masks are decided already. Fix: leave '
    '--threshold out; it belongs to dumps of one channel and to --soft'
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog=program(),
        description=in_commands(__doc__),
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add_source(parser)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        '--semantic', action='store_true', help='class labels (AVSS)'
    )
    kind.add_argument(
        '--soft', action='store_true', help='grey masks are probabilities'
    )
    add_protocols(parser)
    parser.add_argument('--report', metavar='DIR', help='csv and picture')
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='remove what an earlier run wrote to --report',
    )
    parser.add_argument('--json', metavar='FILE', help='write the table too')
    return parser.parse_args()


def clips_per_batch(text: str) -> Union[int, str]:
    """Read a group's size."""
    if text == 'all' or (text.isdigit() and int(text) > 0):
        return text if text == 'all' else int(text)
    raise argparse.ArgumentTypeError(f"1, 2, 4 ... or 'all', not {text!r}")


def probability(text: str) -> float:
    """Read a threshold."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(
            f'a number of at least 0 and below 1, not {text!r}'
        )
    return value


def add_protocols(parser: argparse.ArgumentParser) -> None:
    """Add what chooses a row of the table; by default all are printed."""
    parser.add_argument('--protocol', choices=('avsbench', 'dataset'))
    parser.add_argument(
        '--clips-per-batch',
        type=clips_per_batch,
        help="binary avsbench: 1, 2, 4 ... or 'all'",
    )
    parser.add_argument('--background', help='all, without, released')
    parser.add_argument(
        '--padded-frames', type=int, help='semantic avsbench: 10, or 0'
    )
    parser.add_argument(
        '--absent-classes',
        choices=('zero', 'skip'),
        default='zero',
        help='semantic: a class that occurs nowhere counts as 0, as released '
        '(the default), or is left out of the mean',
    )
    parser.add_argument(
        '--threshold',
        type=probability,
        help='of a dump or of --soft masks: probability above which a pixel '
        'sounds; by default that of the dump, else 0.5 as in all protocols. '
        'Another one than 0.5 is printed beside the figures',
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
    absent = args.absent_classes
    metrics = []
    if args.protocol != 'dataset':
        metrics += [
            AVSSMetric(
                background=side, padded_frames=frames, absent_classes=absent
            )
            for frames in padding
            for side in sides
        ]
    if args.protocol != 'avsbench':
        metrics += [
            AVSSMetric(
                protocol='dataset', background=side, absent_classes=absent
            )
            for side in sides
            if side != 'released' or args.background
        ]
    return metrics


def evaluate(args: argparse.Namespace) -> List[dict]:
    """Measure every clip once and score it under each protocol."""
    decided = args.semantic or (is_folder(args) and not args.soft)
    if args.threshold is not None and decided:
        raise ValueError(DECIDED)
    if args.report:
        OutputFolder(args.report).check(args.overwrite)
    samples, meta = open_predictions(args)
    first = next(samples)
    semantic = args.semantic or not is_binary(first)
    metrics = semantic_metrics(args) if semantic else binary_metrics(args)
    if not metrics:
        raise ValueError('--clips-per-batch belongs to --protocol avsbench')
    if args.threshold is not None and semantic:
        raise ValueError(DECIDED)
    cut = {} if args.threshold is None else dict(threshold=args.threshold)
    measure: ClipMetric = metrics[0]
    for metric in metrics:
        metric.dataset_meta = meta
    try:
        for sample in chain([first], samples):
            measure.process(None, [dict(sample, **cut)])
        rows = [row for m in metrics for row in m.summarize(measure.results)]
    except ValueError as error:
        raise ValueError(f'{args.predictions}: {error}') from None
    unscored = name_unscored(measure.results)
    if unscored:
        print(unscored)
    if args.report:
        OutputFolder(args.report).claim(args.overwrite)
        measure.report_dir = args.report
        measure.write_report()
    return rows


def is_binary(sample: dict) -> bool:
    """Whether a clip has logits of one channel, or of two classes."""
    return 'seg_logits' in sample and sample['seg_logits']['data'].shape[1] < 3


def is_folder(args: argparse.Namespace) -> bool:
    """Whether masks are scored, not a dump."""
    return Path(args.predictions).is_dir()


def main() -> None:
    args = parse_args()
    keep_inputs(source_files(args), [args.json], [args.report])
    rows = evaluate(args)
    print(draw_table(rows))
    if not (args.soft or args.semantic) and is_folder(args):
        print(
            'masks have one threshold: mFscore of avsbench is not comparable '
            'with that of probabilities'
        )
    if args.json:
        write_text(args.json, json.dumps(rows, indent=2))


if __name__ == '__main__':
    run_script(main)
