"""Reports: order, categories, and a picture also of odd sets."""

import csv

import pytest
from PIL import Image

from mmavs.evaluation.report import group_by_category, write_report

NAN = float('nan')


def clip(name, j, category=None, group=None):
    return dict(
        clip_id=name, category=category, group=group, frames=5, J=j, F=j / 2
    )


def test_worst_first_and_nothing_to_score_last(tmp_path):
    clips = [clip('a', 50.0), clip('b', NAN), clip('c', 1 / 3)]
    files = write_report(tmp_path / 'report', clips)
    assert [path.name for path in files] == [
        'per_clip.csv',
        'distribution.png',
    ]
    with files[0].open() as file:
        rows = list(csv.DictReader(file))
    assert [row['clip_id'] for row in rows] == ['c', 'a', 'b']
    assert rows[0]['J'] == '0.3333' and rows[0]['category'] == ''


def test_categories_are_averaged():
    clips = [
        clip('a', 10.0, 'dog'), clip('b', 30.0, 'dog'), clip('c', 5.0, 'cat')
    ]  # fmt: skip
    assert group_by_category(clips) == [
        dict(category='cat', count=1, J=5.0, F=2.5),
        dict(category='dog', count=2, J=20.0, F=10.0),
    ]
    assert group_by_category([clip('a', 1.0)]) == []


@pytest.mark.parametrize('number', [0, 3, 71])
def test_picture(tmp_path, number):
    clips = [clip('a', 50.0, group='x'), clip('b', NAN, group='y')]
    rows = [
        dict(category=str(i), count=1, J=float(i) if i else NAN, F=0.0)
        for i in range(number)
    ]
    picture = write_report(tmp_path, clips, rows, title='avsbench')[-1]
    width, height = Image.open(picture).size
    assert height == (840 if number else 420)
    assert width == max(960, round(0.22 * 120 * number))
