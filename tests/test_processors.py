"""How many threads a run gets."""

import os

import pytest

from mmavs.processors import threads_of_a_run, usable_processors


def test_the_user_says_how_many_threads_a_run_has(monkeypatch):
    """On a busy processor two threads of one run wait for each other."""
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    assert threads_of_a_run(1) == threads_of_a_run(8) == 3


def test_runs_share_the_processors_that_they_may_use(monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr('mmavs.processors.usable_processors', lambda: 5)
    assert [threads_of_a_run(runs) for runs in (1, 2, 8)] == [5, 2, 1]


@pytest.mark.skipif(
    not hasattr(os, 'sched_setaffinity'), reason='Linux tells and sets them'
)
def test_a_process_may_use_fewer_than_there_are():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert usable_processors() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert usable_processors() == len(before)
