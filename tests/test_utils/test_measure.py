"""Seconds and bytes."""

import sys
import time

import pytest
import torch

from mmavs.utils.measure import interleave, peak_memory

CPU = torch.device('cpu')
linux = pytest.mark.skipif(
    not sys.platform.startswith('linux'), reason='/proc is of Linux'
)


@linux
def test_peak_counts_what_is_freed_again():
    def work():
        block = torch.ones(64, 2**20)  # 256 MiB of float32
        del block
        return torch.ones(16, 2**20)

    peak = peak_memory(work, CPU) / 2**20
    assert 250 < peak < 290


@linux
def test_peak_is_above_what_is_held():
    held = torch.ones(64, 2**20)
    assert peak_memory(lambda: None, CPU) < 2**24
    assert held[0, 0] == 1


def test_interleave():
    calls = []

    def work(name, seconds):
        def run():
            calls.append(name)
            time.sleep(seconds)

        return run

    works = dict(short=work('short', 0.0), long=work('long', 0.02))
    seconds = interleave(works, repeats=3, device=CPU, warm_up=1)
    assert calls == ['short', 'long'] * 4
    assert [len(runs) for runs in seconds.values()] == [3, 3]
    assert min(seconds['long']) >= 0.02 > min(seconds['short'])
