"""Instances in one map and one picture."""

import numpy as np
import torch
from mmengine.structures import InstanceData

from mmavs.structures import AVSDataSample
from mmavs.visualization import AVSLocalVisualizer
from mmavs.visualization.instances import (
    draw_instances,
    instance_map,
    instance_regions,
)
from mmavs.visualization.paint import palette_for

CLASSES = ('dog', 'cat', 'guitar')


def instances(probabilities=(0.9, 0.2), size=32):
    """A dog on the left; a guitar on the right that overlaps it."""
    masks = torch.zeros(2, size, size, dtype=torch.bool)
    masks[0, :, : size // 2] = True
    masks[1, :, size // 4 :] = True
    return InstanceData(
        masks=masks,
        labels=torch.tensor([0, 2]),
        scores=torch.tensor([0.8, 0.7]),
        sounding_probs=torch.tensor(probabilities),
    )


def test_the_most_probable_lies_on_top():
    canvas = instance_map(instances((0.9, 0.2)))
    assert canvas.dtype == np.uint8
    assert canvas[0, [0, 8, 15, 16, 31]].tolist() == [1, 1, 1, 3, 3]
    canvas = instance_map(instances((0.2, 0.9)))
    assert canvas[0, [0, 7, 8, 15, 31]].tolist() == [1, 1, 3, 3, 3]


def test_silent_ones_are_left_out_on_request():
    canvas = instance_map(instances((0.9, 0.5)), threshold=0.5)
    assert sorted(np.unique(canvas)) == [0, 1]
    assert not instance_map(instances((0.1, 0.2)), threshold=0.5).any()


def test_regions_name_category_and_probability():
    dog, guitar = instance_regions(instances(), CLASSES, 0.5)
    assert dog == (1, 'dog 90%', True)
    assert guitar == (3, 'guitar 20%', False)


def test_each_sounding_instance_has_its_colour():
    image = np.full((32, 32, 3), 100, np.uint8)
    picture = draw_instances(image, instances((0.9, 0.8)), CLASSES)
    assert picture.shape == (224, 224, 3)
    palette = palette_for(4)
    for column, value in ((50, 1), (180, 3)):
        expected = 0.4 * 100 + 0.6 * np.array(palette[value])
        difference = np.abs(picture[150, column] - expected)
        assert difference.max() <= 1
    assert not np.array_equal(palette[1], palette[3])


def test_silent_instances_are_outlined_only():
    image = np.full((224, 224, 3), 100, np.uint8)
    picture = draw_instances(image, instances((0.9, 0.2), 224), CLASSES)
    assert (picture[150, 170:200] == 100).all()  # inside the guitar
    assert not (picture[150, 223] == 100).all()  # its outline


def test_nothing_found():
    none = instances()[torch.zeros(0, dtype=torch.long)]
    image = np.full((20, 30, 3), 7, np.uint8)
    assert (draw_instances(image, none, CLASSES) == 7).all()
    assert not instance_map(none).any()


def test_clips_with_instances_get_a_row():
    visualizer = AVSLocalVisualizer()
    images = [np.full((32, 32, 3), 100, np.uint8)] * 2
    sample = AVSDataSample(metainfo=dict(num_frames=2, categories=CLASSES))
    plain = visualizer.add_clip('clip', images, sample)
    sample.pred_instances = [instances(), instances((0.1, 0.2))]
    shown = visualizer.add_clip('clip', images, sample)
    assert shown.shape[0] > plain.shape[0] + 128
    row = shown[plain.shape[0] :]
    dog, background = np.array(palette_for(2)[1]), 100
    expected = (0.4 * background + 0.6 * dog).round()
    painted = (np.abs(row - expected) <= 1).all(-1)
    left, right = painted[:, :128].mean(), painted[:, 132:260].mean()
    assert left > 0.15 and right == 0  # it sounds in the first frame alone
