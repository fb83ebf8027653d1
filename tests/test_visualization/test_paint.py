"""Regions painted over a picture."""

import numpy as np

from mmavs.visualization.paint import Region, paint_regions, palette_for

PALETTE = [[0, 0, 0], [200, 0, 0], [0, 200, 0]]


def squares():
    """Region 1 on the left, region 2 on the right."""
    labels = np.zeros((60, 100), np.uint8)
    labels[20:50, 10:40] = 1
    labels[20:50, 60:90] = 2
    return labels


def test_sounding_is_painted_silent_only_outlined():
    image = np.full((60, 100, 3), 100, np.uint8)
    painted = paint_regions(
        image,
        squares(),
        [Region(1), Region(2, sounding=False)],
        PALETTE,
        alpha=0.5,
    )
    assert (painted[30:40, 20:30] == [150, 50, 50]).all()
    assert (painted[30:40, 70:80] == 100).all()  # inside, untouched
    assert (painted[20, 60:90] != 100).all()  # its outline
    assert (painted[:15] == 100).all() and (image == 100).all()


def test_unlisted_values_stay_unpainted():
    image = np.full((60, 100, 3), 100, np.uint8)
    painted = paint_regions(image, squares(), [], PALETTE)
    assert np.array_equal(painted, image)


def test_small_labels_are_enlarged():
    image = np.zeros((60, 100, 3), np.uint8)
    labels = np.array([[1, 0]], np.uint8)
    painted = paint_regions(image, labels, [Region(1)], PALETTE, alpha=1.0)
    assert (painted[5:55, 5:45] == [200, 0, 0]).all()
    assert (painted[5:55, 55:95] == 0).all()


def test_names_are_written_inside_the_picture():
    image = np.full((60, 100, 3), 100, np.uint8)
    labels = np.zeros((60, 100), np.uint8)
    labels[:5, 90:] = 1  # top right corner: no room above or to the right
    named = paint_regions(image, labels, [Region(1, 'violin')], PALETTE)
    plain = paint_regions(image, labels, [Region(1)], PALETTE)
    changed = (named != plain).any(axis=2)
    assert changed.sum() > 50
    assert changed[:30].sum() == changed.sum()


def test_palette_has_a_colour_for_every_value():
    palette = palette_for(24)
    assert len(palette) == 24 and palette[0] == [0, 0, 0]
    assert len({tuple(colour) for colour in palette}) == 24
    assert len(palette_for(200)) == 200
