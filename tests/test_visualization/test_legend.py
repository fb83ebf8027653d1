"""The legend of an overlay, and lines that can be seen."""

import cv2
import numpy as np
import pytest

from mmavs.visualization.legend import draw_legend
from mmavs.visualization.regions import Region
from mmavs.visualization.sheets import line_width, overlay

PALETTE = [[0, 0, 0], [200, 30, 30], [30, 200, 30], [30, 30, 200]]


def blank(height=360, width=640):
    return np.full((height, width, 3), 120, np.uint8)


def rows_of(colour, image):
    return np.flatnonzero((image == colour).all(-1).any(1))


def test_a_patch_of_each_colour_beside_its_name():
    regions = [Region(3, 'violin'), Region(1, 'cat'), Region(3, 'violin')]
    image = draw_legend(blank(), regions, PALETTE)
    first, second = rows_of(PALETTE[1], image), rows_of(PALETTE[3], image)
    assert len(first) == len(second) > 8  # a patch is as high as letters
    assert first[-1] < second[0]  # in the order of values
    assert not len(rows_of(PALETTE[2], image))
    left = np.flatnonzero((image == PALETTE[1]).all(-1).any(0))
    written = np.flatnonzero((image > 200).all(-1).any(0))
    assert left[-1] < written[0]
    assert written[-1] < 640 / 3
    assert (image[200:] == 120).all()


def test_a_silent_one_is_outlined():
    image = draw_legend(blank(), [Region(1, 'cat', False)], PALETTE)
    assert not len(rows_of(PALETTE[1], image))
    ring = (image == (190, 190, 190)).all(-1)
    ys, xs = np.nonzero(ring)
    assert not ring[(ys.min() + ys.max()) // 2, (xs.min() + xs.max()) // 2]


@pytest.mark.parametrize('regions', [[], [Region(1, 'a long name' * 9)]])
def test_it_is_left_out_where_it_would_hide_much(regions):
    assert np.array_equal(draw_legend(blank(), regions, PALETTE), blank())


@pytest.mark.parametrize(
    'height, width', [(224, 1), (360, 1), (720, 2), (1080, 4), (2160, 7)]
)
def test_lines_grow_with_the_picture(height, width):
    assert line_width(np.zeros((height, 2 * height, 3))) == width


def test_the_contour_of_a_large_picture_is_wider():
    found = []
    for side in (200, 900):
        mask = np.zeros((side, side), np.uint8)
        mask[side // 4 : -side // 4, side // 4 : -side // 4] = 1
        image = overlay(np.zeros((side, side, 3), np.uint8), mask, PALETTE)
        white = (image == 255).all(-1)[side // 2]
        found.append(white[: side // 2].sum())
    assert found[0] == 1 and 3 <= found[1] <= 5


def test_text_grows_with_the_picture():
    small, large = (
        draw_legend(blank(*size), [Region(1, 'cat')], PALETTE)
        for size in ((360, 640), (720, 1280))
    )
    heights = [len(rows_of(PALETTE[1], image)) for image in (small, large)]
    assert heights[1] == pytest.approx(2 * heights[0], abs=2)
    assert cv2.absdiff(large[:40, :40], blank(40, 40)).any()
