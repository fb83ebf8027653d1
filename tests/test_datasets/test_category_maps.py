"""AVSS classes and model scores as category maps of MS3."""

import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmavs.datasets import S4_CATEGORIES
from mmavs.datasets.avss_classes import AVSS_CLASSES
from mmavs.datasets.category_maps import (
    UNKNOWN,
    avss_lookup,
    find_avss_labels,
    map_from_avss,
    map_from_scores,
)
from mmavs.datasets.masks import category_map_path
from mmavs.datasets.synthetic import ensure_synthetic
from mmavs.datasets.transforms import LoadCategoryMap

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools/dataset_converters/ms3_categories.py'
DOG = 1 + S4_CATEGORIES.index('dog_barking')
GUITAR = 1 + S4_CATEGORIES.index('playing_acoustic_guitar')


def test_lookup():
    lookup = avss_lookup()
    assert lookup.shape == (71,) and lookup[0] == 0
    assert lookup[AVSS_CLASSES.index('dog')] == DOG
    assert lookup[AVSS_CLASSES.index('accordion')] == UNKNOWN
    assert set(range(1, 24)) <= set(lookup.tolist())


def test_labels_of_another_size_and_outline():
    labels = np.zeros((40, 60), np.uint8)
    labels[:, 4:30] = AVSS_CLASSES.index('dog')
    labels[:, 30:50] = AVSS_CLASSES.index('guitar')
    mask = np.ones((20, 20), bool)
    mask[0] = False
    result = map_from_avss(labels, mask)
    assert not result[0].any()
    # 60 columns become 20: the dog's begin at 1.3, the guitar's at 10
    assert (result[1:, 2:9] == DOG).all()
    assert (result[1:, 11:16] == GUITAR).all()
    # the mask goes beyond the label map: the nearest class is meant
    assert (result[1:, 0] == DOG).all() and (result[1:, 19] == GUITAR).all()


def test_too_far_from_any_label_or_of_no_category():
    labels = np.zeros((40, 40), np.uint8)
    labels[:, :5] = AVSS_CLASSES.index('accordion')
    mask = np.ones((40, 40), bool)
    assert (map_from_avss(labels, mask) == UNKNOWN).all()
    labels[:, :5] = AVSS_CLASSES.index('dog')
    result = map_from_avss(labels, mask)
    assert (result[:, :12] == DOG).all()
    assert (result[:, 14:] == UNKNOWN).all()
    assert (map_from_avss(labels * 0, mask) == UNKNOWN).all()


def test_scores():
    scores = np.zeros((23, 2, 2))
    scores[DOG - 1, 0], scores[GUITAR - 1, 1] = 0.2, 0.9
    mask = np.array([[True, True], [True, False]])
    assert map_from_scores(scores, mask).tolist() == [[DOG, DOG], [GUITAR, 0]]


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the tool in this process; give what it prints."""

    def call(*arguments):
        argv = ['ms3_categories.py', *map(str, arguments)]
        monkeypatch.setattr(sys, 'argv', argv)
        runpy.run_path(str(TOOL), run_name='__main__')
        return capsys.readouterr().out

    return call


def synthetic(folder, setting, number):
    return ensure_synthetic(
        folder, setting, dict(train=number), 48, workers=1, progress=False
    )


def test_tool_agrees_with_the_synthetic_truth(tmp_path, run):
    """The synthetic v1m clips show what the synthetic MS3 clips show."""
    # a folder above may be named as the folder of the masks
    ms3 = synthetic(tmp_path / 'my_gt_masks', 'ms3', 2)
    avss = synthetic(tmp_path, 'avss', 6)
    assert list(find_avss_labels(avss)) == [
        'ms3_train_00000',
        'ms3_train_00001',
    ]
    maps = sorted((ms3 / 'ms3_data/gt_categories').rglob('*.png'))
    truth = np.stack([cv2.imread(str(path), -1) for path in maps])
    for path in maps:
        path.unlink()
    arguments = ('--data-root', ms3, '--avss', avss, '--splits', 'train')
    assert '2 clips by label maps' in run(*arguments)
    made = np.stack([cv2.imread(str(path), -1) for path in maps])
    assert ((made > 0) == (truth > 0)).all()
    known = (truth > 0) & (made != UNKNOWN)
    assert known.sum() > 0.9 * (truth > 0).sum() > 100
    assert (made[known] == truth[known]).mean() > 0.95
    assert '2 clips kept' in run(*arguments)


def test_maps_lie_beside_the_masks():
    path = category_map_path('/x/gt_masks/y/gt_masks/train/a/a_1.png')
    assert path == Path('/x/gt_masks/y/gt_categories/train/a/a_1.png')
    path = category_map_path('masks/a.png', 'masks', 'names')
    assert path == Path('names/a.png')
    assert category_map_path('/x/old_gt_masks/gt_masks') is None


def test_a_mask_is_not_taken_for_its_map(tmp_path):
    """In a layout of one's own the folders have other names."""
    path = tmp_path / 'masks/a.png'
    path.parent.mkdir()
    cv2.imwrite(str(path), np.ones((4, 4), np.uint8))
    results = dict(seg_map_path=str(path), ori_shape=(4, 4), seg_fields=[])
    with pytest.raises(ValueError, match='no folder .gt_masks.*masks=...'):
        LoadCategoryMap()(results)
    with pytest.raises(FileNotFoundError, match='gt_categories/a.png'):
        LoadCategoryMap(masks='masks')(results)
    path = tmp_path / 'gt_categories/a.png'
    path.parent.mkdir()
    cv2.imwrite(str(path), np.full((4, 4), DOG, np.uint8))
    results = LoadCategoryMap(masks='masks')(results)
    assert (results['gt_category_map'] == DOG).all()


def test_tool_asks_a_model_for_the_rest(tmp_path, run, capsys):
    ms3 = synthetic(tmp_path, 'ms3', 2)
    avss = synthetic(tmp_path, 'avss', 3)
    with pytest.raises(SystemExit):
        run('--data-root', ms3, '--avss', avss, '--splits', 'train')
    said = capsys.readouterr().err
    assert '1 of 2 train clips' in said and 'add --model' in said


def test_tool_wants_a_source(run, capsys):
    with pytest.raises(SystemExit):
        run()
    assert 'where categories are from' in capsys.readouterr().err
