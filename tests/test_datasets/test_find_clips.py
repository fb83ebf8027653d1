"""Clips by their id, in one data set or several."""

import pytest

from mmavs.datasets.find_clips import find_clips


class Clips(list):
    """A data set whose clips are their ids."""

    def get_data_info(self, index):
        return dict(clip_id=self[index])


A, B = Clips(['a0', 'a1', 'twice']), Clips(['twice', 'b1'])


def test_wanted_clips_come_in_the_order_asked_for():
    found = find_clips([A, B], ['b1', 'a0', 'twice'])
    assert [(data is A, index) for data, index in found] == [
        (False, 1),
        (True, 0),
        (True, 2),  # the first of that name
    ]


def test_without_ids_the_first_come():
    assert find_clips([A, B]) == [(A, 0)]
    assert find_clips([A, B], None, 4)[-1] == (B, 0)
    assert len(find_clips([A, B], num=9)) == 5


def test_absent_clips_are_all_named():
    message = (
        "no clip 'x', 'y' in this split. Fix: take one of its 4 clips: a0, "
        'a1, twice, b1, ...'
    )
    with pytest.raises(ValueError) as caught:
        find_clips([A, B], ['x', 'a0', 'y'])
    assert str(caught.value) == message
