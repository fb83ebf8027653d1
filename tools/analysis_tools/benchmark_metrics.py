"""Time the metrics against the loops they replace.

    python tools/analysis_tools/benchmark_metrics.py [--device cuda]

On one clip each: the F curve of 5 frames of 224 x 224 against a loop over 255
thresholds, and class counts of 10 frames of 224 x 224 with 71 classes against
three histograms a frame, as published code counts. Both ways are written from
the formulas (mmavs.analysis.naive.metrics); their results are compared before
they are timed. Runs of the two alternate; median and range.
"""

import argparse
from typing import Dict, List, Tuple

import torch
from prettytable import PrettyTable

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.measure import Spread, interleave
from mmavs.analysis.naive.metrics import metric_forms
from mmavs.command_line import run_script

CLIPS = ((2, 5), (71, 10))  # classes and frames: MS3 and AVSS
Row = Tuple[str, Dict[str, Spread], float]


def benchmark(device: str, repeats: int, size: int = 224) -> List[Row]:
    """Compare the results of both ways, then time them.

    Returns:
        list[tuple]: Name, seconds by form, largest difference.

    Raises:
        ArithmeticError: The two ways differ.
    """
    rows = []
    for num_classes, num_frames in CLIPS:
        name, works = metric_forms(num_classes, num_frames, device, size)
        ours, loop = (works[form]().cpu() for form in ('mmavs', 'naive'))
        difference = float((ours - loop).abs().max())
        if not difference < 1e-6:
            raise ArithmeticError(f'{name}: results differ by {difference}')
        runs = interleave(works, repeats, torch.device(device))
        seconds = {form: Spread.of(times) for form, times in runs.items()}
        rows.append((name, seconds, difference))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--threads', type=int, default=1, help='on the CPU')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    table = PrettyTable(['', 'loop', 'mmavs', 'times faster'])
    for name, seconds, _ in benchmark(args.device, args.repeats):
        ours, loop = seconds['mmavs'], seconds['naive']
        ratio = f'{loop.median / ours.median:.1f}'
        table.add_row([name, loop, ours, ratio])
    print(
        f'PyTorch {torch.__version__}, {args.device}, '
        f'{torch.get_num_threads()} CPU threads, median (range) of '
        f'{args.repeats}'
    )
    print(table)


if __name__ == '__main__':
    run_script(main)
