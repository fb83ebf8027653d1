"""A model, a video, and a page that serves them."""

import numpy as np
import pytest
import torch

from mmavs.apis import init_model
from mmavs.testing.media import write_test_video


def noise(folder, name, seconds):
    draw = np.random.default_rng(0)
    return write_test_video(
        folder / name,
        draw.integers(0, 255, (6 * seconds, 40, 56, 3), np.uint8),
        fps=6,
        sound=draw.uniform(-0.5, 0.5, (1, 16000 * seconds)),
    )


@pytest.fixture(scope='session')
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp('videos')
    return {n: noise(folder, f'v{n}.mp4', n) for n in (2, 3, 40)}


@pytest.fixture(scope='session')
def film_weights(tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'film.pth'
    torch.manual_seed(0)
    model = init_model('film_tiny_ms3', 'random', 'cpu')
    torch.save(dict(state_dict=model.state_dict()), path)
    return path
