"""Segment a long video: it needs no more memory than a short one.

``make soak`` writes two videos of 10 seconds and of 5 minutes (128 x 96
pixels, 10 pictures a second), segments each in a process of its own with
every output, and prints the most memory that the process held. It fails (exit
code 1) where the long one needs much more.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np

MAX_MORE_MB = 32.0  # every picture kept would be 106 MB
SECONDS = (10, 300)


def write_video(path: Path, seconds: int) -> None:
    """Write a bright square that moves over noise, with a sound."""
    from fractions import Fraction

    from mmavs.media.sound_sources import SampledSound
    from mmavs.media.video_writer import VideoWriter

    draw = np.random.default_rng(0)
    ground = draw.integers(0, 120, (96, 128, 3), np.uint8)

    def pieces():
        for _ in range(seconds):
            yield draw.uniform(-0.5, 0.5, 16000).astype(np.float32)

    sound = SampledSound('noise', pieces, 16000)
    with VideoWriter(path, (96, 128), Fraction(10), sound) as writer:
        for i in range(10 * seconds):
            image = ground.copy()
            left = 2 * i % 100
            image[30:60, left : left + 28] = 230
            writer.write(image, i / 10, 0.1)


def segment(folder: str, seconds: int) -> tuple:
    """Segment a video in this process, and say what it took at most."""
    import torch

    from mmavs.apis import AVSInferencer, init_model

    torch.set_num_threads(1)
    folder = Path(folder)
    model = init_model('film_tiny_ms3', 'random', 'cpu')
    before = peak_mb()
    summary = AVSInferencer(model)(
        folder / f'{seconds}.mp4',
        out_video=folder / f'o{seconds}.mp4',
        out_alpha=folder / f'a{seconds}.webm',
        out_dir=folder / f'm{seconds}',
        out_json=folder / f's{seconds}.json',
        progress=False,
    )
    return len(summary['masks']), before, peak_mb()


def peak_mb() -> float:
    """Give the most memory that this process held so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == 'darwin' else 2**10)


def main(seconds=SECONDS) -> int:
    """Compare videos of two lengths."""
    context = multiprocessing.get_context('spawn')
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for length in seconds:
            write_video(Path(folder) / f'{length}.mp4', length)
            with context.Pool(1) as pool:  # a process of its own
                masks, before, peak = pool.apply(segment, (folder, length))
            print(
                f'{length:4d} s: {masks} masks, {peak:.0f} MB at most, of '
                f'which {before:.0f} MB before the first picture'
            )
            peaks.append(peak)
    return int(peaks[1] - peaks[0] > MAX_MORE_MB)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args()
    sys.exit(main())
