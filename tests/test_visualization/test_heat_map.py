"""Heat maps over frames."""

import numpy as np

from mmavs.visualization.heat_map import heat_overlay


def test_range_is_that_of_the_clip():
    images = [np.zeros((8, 8, 3), np.uint8)] * 2
    maps = np.zeros((2, 2, 2), np.float32)
    maps[0, 0, 0], maps[1] = -4.0, -2.0  # low -4, high 0
    first, second = heat_overlay(images, maps, alpha=1.0)
    assert first.shape == (8, 8, 3) and first.dtype == np.uint8
    # inferno: black at the low end, pale yellow at the high end
    assert first[0, 0].sum() < 20 < 400 < first[7, 7].sum()
    # the middle of the clip's range everywhere, one colour
    assert (second == second[0, 0]).all()
    assert 100 < second[0, 0].sum() < 500


def test_opacity_and_constant_maps():
    image = np.full((4, 4, 3), 200, np.uint8)
    maps = np.ones((1, 2, 2), np.float32)
    untouched = heat_overlay([image], maps, alpha=0.0)[0]
    assert (untouched == 200).all()
    half = heat_overlay([image], maps, alpha=0.5)[0]
    assert (np.abs(half.astype(int) - 100) < 5).all()  # black below 200
