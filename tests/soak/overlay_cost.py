"""What it costs to fit the overlay's masks to what moves.

``python tests/soak/overlay_cost.py MODEL WIDTH HEIGHT`` segments 10 seconds of
a moving disc with an overlay, at 25 pictures a second and with random weights:
once with one mask a second on screen, once with six that are fitted. It
prints the processor's seconds per second of video, and their ratio.
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from mmavs.apis import AVSInferencer, init_model, run
from mmavs.testing.media import write_test_video

SECONDS, FPS = 10, 25


def moving_disc(width: int, height: int) -> np.ndarray:
    """Give (n, H, W, 3) uint8."""
    draw = np.random.default_rng(0)
    ground = draw.integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    ground = cv2.resize(ground, (width, height))
    pictures = np.stack([ground] * SECONDS * FPS)
    for i, picture in enumerate(pictures):
        centre = int(width * (0.1 + 0.08 * i / FPS)), height // 2
        cv2.circle(picture, centre, height // 6, (250, 250, 250), -1)
    return pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('model')
    parser.add_argument('width', type=int)
    parser.add_argument('height', type=int)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    inferencer = AVSInferencer(init_model(args.model, 'random', 'cpu'))
    with tempfile.TemporaryDirectory() as folder:
        video = write_test_video(
            Path(folder) / 'in.mp4',
            moving_disc(args.width, args.height),
            fps=FPS,
            sound=np.random.default_rng(0).uniform(-0.5, 0.5, (1, 160000)),
        )
        taken = {1: [], 6: []}
        for masks in (1, 6, 1, 6, 1, 6):  # the first ones warm up
            run.OVERLAY_FPS = masks
            before = time.process_time()
            inferencer(
                video,
                out_video=Path(folder) / 'o.mp4',
                overwrite=True,
                progress=False,
            )
            taken[masks].append((time.process_time() - before) / SECONDS)
    alone, fitted = (min(seconds[1:]) for seconds in taken.values())
    print(f'{alone:.3f} s and {fitted:.3f} s: {fitted / alone:.2f} times')


if __name__ == '__main__':
    main()
