"""What `make soak` calls growth."""

from soak_training import Footprint, growth


def rows(megabytes, handles):
    return [
        Footprint(100 * i, mb, n, 0.0)
        for i, (mb, n) in enumerate(zip(megabytes, handles))
    ]


def test_a_warm_up_and_ups_and_downs_are_no_growth():
    flat = rows(
        [400, 700, 800, 810, 800, 805, 803, 808], [40, 50, 57, 45, 57, 45] * 2
    )
    assert growth(flat) == []


def test_memory_that_creeps_is_named():
    (found,) = growth(rows(range(800, 880, 10), [50] * 8))
    assert found.startswith('memory grew by 40.0 MB')


def test_a_handle_left_open_is_named():
    (found,) = growth(rows([800] * 8, [50, 50, 51, 50, 51, 52, 52, 50]))
    assert found.startswith('1 handles more')
