"""Time the metrics against the loops they replace.

    python tools/analysis_tools/benchmark_metrics.py [--device cuda]

On one clip each: the F curve of 5 frames of 224 x 224 against a loop over 255
thresholds, and class counts of 10 frames of 224 x 224 with 71 classes against
three histograms a frame, as published code counts. Both ways are written here
from the formulas; their results are compared before they are timed.
"""

import argparse
import time
from typing import Callable, List, Tuple

import torch
from prettytable import PrettyTable
from torch import Tensor

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.evaluation import confusion_counts, f_measure_curve

NUM_CLASSES = 71


def threshold_loop(probability: Tensor, target: Tensor) -> Tensor:
    """F at 255 thresholds, one frame and one threshold after another."""
    thresholds = torch.linspace(0, 1, 255)
    target = target.float()
    curves = probability.new_zeros(len(target), 255)
    for n, (frame, truth) in enumerate(zip(probability, target)):
        for i, threshold in enumerate(thresholds.tolist()):
            positive = (frame >= threshold).float()
            hits = (positive * truth).sum()
            precision = hits / (positive.sum() + 1e-20)
            recall = hits / (truth.sum() + 1e-20)
            curves[n, i] = 1.3 * precision * recall
            curves[n, i] /= 0.3 * precision + recall
    return curves.nan_to_num(0)


def curve(probability: Tensor, target: Tensor) -> Tensor:
    """The same from mmavs; frames without sound are NaN there."""
    return f_measure_curve(probability, target, from_logits=False)


def frame_histograms(labels: Tensor, target: Tensor) -> Tensor:
    """Hits, predicted and true pixels of each class, frame after frame."""
    counts = []
    for predicted, truth in zip(labels + 1, target + 1):
        predicted = predicted.float() * (truth > 0).float()
        hits = predicted * (predicted == truth).float()
        counts.append(
            torch.stack(
                [
                    torch.histc(
                        part.float().cpu(),
                        bins=NUM_CLASSES,
                        min=1,
                        max=NUM_CLASSES,
                    )
                    for part in (hits, predicted, truth)
                ]
            )
        )
    return torch.stack(counts, dim=1)


def counts_of_pairs(labels: Tensor, target: Tensor) -> Tensor:
    """The same counts from the one histogram of mmavs."""
    pairs = confusion_counts(labels, target, NUM_CLASSES)[:, :-1, :-1]
    hits = pairs.diagonal(dim1=1, dim2=2)
    return torch.stack([hits, pairs.sum(1), pairs.sum(2)])


def blobs(frames: int, labels: int, device: str) -> Tuple[Tensor, Tensor]:
    """Make label maps of a few smooth regions, and a shifted copy."""
    generator = torch.Generator().manual_seed(0)
    seeds = torch.rand(frames, labels, 7, 7, generator=generator)
    maps = torch.nn.functional.interpolate(seeds, (224, 224), mode='bicubic')
    target = maps.argmax(1)
    return target.roll(9, dims=-1).to(device), target.to(device)


def timed(function: Callable, args: tuple, repeats: int) -> float:
    """Best milliseconds of one call: what other processes add is left out."""
    cuda = args[0].is_cuda
    durations = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        function(*args)
        if cuda:
            torch.cuda.synchronize()
        durations.append(1e3 * (time.perf_counter() - start))
    return min(durations[1:])


def benchmark(device: str, repeats: int) -> List[Tuple[str, float, float]]:
    """Compare the results of both ways, then time them.

    Returns:
        list[tuple]: Name, milliseconds of the loop, milliseconds of mmavs.
    """
    labels, target = blobs(5, 2, device)
    ramp = torch.linspace(0, 1, labels.numel(), device=device)
    binary = (0.5 * labels + 0.5 * ramp.view(labels.shape), target)
    semantic = blobs(10, NUM_CLASSES, device)
    rows = []
    for name, slow, fast, inputs in (
        ('F curve, 5 frames', threshold_loop, curve, binary),
        (
            'class counts, 10 frames',
            frame_histograms,
            counts_of_pairs,
            semantic,
        ),
    ):
        difference = (slow(*inputs).cpu() - fast(*inputs).cpu()).abs().max()
        assert difference < 1e-6, f'{name}: results differ by {difference}'
        before = timed(slow, inputs, max(3, repeats // 4))
        rows.append((name, before, timed(fast, inputs, repeats)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--repeats', type=int, default=20)
    parser.add_argument('--threads', type=int, default=1, help='on the CPU')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    table = PrettyTable(['', 'loop, ms', 'mmavs, ms', 'times faster'])
    for name, before, after in benchmark(args.device, args.repeats):
        table.add_row(
            [name, f'{before:.2f}', f'{after:.2f}', f'{before / after:.1f}']
        )
    print(
        f'PyTorch {torch.__version__}, {args.device}, '
        f'{torch.get_num_threads()} CPU threads, best of {args.repeats}'
    )
    print(table)


if __name__ == '__main__':
    main()
