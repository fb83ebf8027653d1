"""Score one fixed set of predictions under every protocol.

    python tools/analysis_tools/compare_protocols.py

The predictions are the same in every row; only the way of averaging differs.
The set is made from a fixed seed: binary clips of which some seconds, and one
whole clip, are silent; semantic clips of five and of ten seconds, in which a
region is now and then given another class.
"""

import argparse
from typing import List, Tuple

import numpy as np

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.command_line import run_script
from mmavs.evaluation import evaluate_binary, evaluate_semantic
from mmavs.evaluation.metrics.entries import draw_table

SIDE = 64
NUM_CLASSES = 8
Clip = Tuple[np.ndarray, np.ndarray]

BINARY = (
    ('1 clip per batch (AVS-BG, CATR, COMBO, AVIS)', dict(clips_per_batch=1)),
    ('2 clips (AVSegFormer, AVSAC)', dict(clips_per_batch=2)),
    ('4 clips (TPAVI)', dict(clips_per_batch=4)),
    ('all clips', dict(clips_per_batch='all')),
    ('dataset, sounding pixels', dict(protocol='dataset')),
    (
        'dataset, with background (CAVP)',
        dict(protocol='dataset', background='all'),
    ),
)
SEMANTIC = (
    ('padded to 10 (AVSBench, AVSegFormer)', dict()),
    ('real frames (COMBO)', dict(padded_frames=None)),
    ('padded, "noBg" as released', dict(background='released')),
    ('padded, without background', dict(background='without')),
    ('dataset (CAVP, DDESeg)', dict(protocol='dataset')),
    (
        'dataset, without background',
        dict(protocol='dataset', background='without'),
    ),
)


def disc(x: float, y: float, radius: float) -> np.ndarray:
    """Distance inside the edge of a disc, (SIDE, SIDE), negative outside."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return radius - np.hypot(rows - y, columns - x)


def binary_example() -> List[Clip]:
    """Make 16 clips of 5 frames: logits and masks."""
    rng = np.random.RandomState(0)
    clips = []
    for i in range(16):
        skill = rng.uniform(0.5, 1.0)  # clips differ in difficulty
        scale = rng.uniform(0.15, 0.6)  # and in confidence
        bias = rng.uniform(-2, 2)
        logits, masks = [], []
        for t in range(5):
            x, y = rng.uniform(15, 49, size=2)
            inside = disc(x + 2 * t, y, rng.uniform(4, 22))
            silent = i == 5 or rng.rand() < 0.15
            masks.append((inside > 0) & (not silent))
            wrong = disc(*rng.uniform(10, 54, size=2), 10)
            field = skill * inside + (1 - skill) * wrong + bias
            field -= 20 * silent * skill
            logits.append(scale * field + rng.randn(SIDE, SIDE))
        clips.append(
            (np.float32(np.stack(logits)), np.stack(masks).astype(np.uint8))
        )
    return clips


def semantic_example() -> List[Clip]:
    """Make 16 clips of 5 or 10 frames: predicted and true labels."""
    rng = np.random.RandomState(1)
    clips = []
    for i in range(16):
        label = rng.randint(1, NUM_CLASSES)
        predicted, true = [], []
        for t in range(10 if i % 2 else 5):
            x, y = rng.uniform(15, 49, size=2)
            radius = rng.uniform(6, 18)
            true.append((disc(x + t, y, radius) > 0) * label)
            shifted = disc(x + t + rng.randn() * 3, y, radius + rng.randn())
            given = label if rng.rand() < 0.7 else rng.randint(NUM_CLASSES)
            predicted.append((shifted > 0) * given)
        clips.append((np.stack(predicted), np.stack(true)))
    return clips


def rows_of(protocols, evaluate) -> List[dict]:
    """Score one set under each protocol; rows of the table."""
    rows = []
    for name, options in protocols:
        scores = evaluate(**options)
        rows.append(dict(protocol=name, J=scores['mIoU'], F=scores['mFscore']))
    return rows


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    ).parse_args()
    clips = binary_example()
    print('binary, 16 clips of 5 frames')
    print(draw_table(rows_of(BINARY, lambda **o: evaluate_binary(clips, **o))))
    labels = semantic_example()
    print(f'semantic, 16 clips of 5 or 10 frames, {NUM_CLASSES} classes')
    print(
        draw_table(
            rows_of(
                SEMANTIC,
                lambda **o: evaluate_semantic(labels, NUM_CLASSES, **o),
            )
        )
    )


if __name__ == '__main__':
    run_script(main)
