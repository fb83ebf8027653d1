"""A video of noise."""

import numpy as np

from mmavs.testing.media import write_test_video


def noise_video(path, seconds, fps=6, size=(40, 56), **options):
    generator = np.random.default_rng(0)
    pictures = generator.integers(
        0, 255, (int(seconds * fps), *size, 3), np.uint8
    )
    sound = generator.uniform(-0.5, 0.5, (1, int(seconds * 16000)))
    return write_test_video(path, pictures, fps, sound=sound, **options)
