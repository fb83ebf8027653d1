"""Seconds and bytes."""

import subprocess
import sys

import pytest
import torch

from mmavs.analysis import measure
from mmavs.analysis.measure import (
    Spread,
    in_fresh_process,
    interleave,
    peak_memory,
    shares,
)

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


class Clock:
    """Stands for ``time``: work advances it by what it takes."""

    def __init__(self):
        self.seconds = 100.0

    def perf_counter(self):
        return self.seconds

    def work(self, seconds):
        def run(*_):
            self.seconds += seconds

        return run


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(measure, 'time', clock)
    return clock


def test_interleave(clock):
    calls = []

    def called(name, seconds):
        def run():
            calls.append(name)
            clock.work(seconds * len(calls))()

        return run

    works = dict(short=called('short', 1.0), long=called('long', 10.0))
    seconds = interleave(works, repeats=3, device=CPU, warm_up=1)
    assert calls == ['short', 'long'] * 4
    assert seconds == dict(short=[3.0, 5.0, 7.0], long=[40.0, 60.0, 80.0])


def test_spread_of_runs():
    spread = Spread.of([0.3, 0.1, 0.0004, 0.2, 5.0])
    assert spread == (0.2, 0.0004, 5.0)
    assert str(spread) == '200.0 (0.4..5000.0) ms'
    assert str(Spread.of([0.2])) == '200.0 ms'


def test_shares_of_parts(clock):
    """Two necks are one part; what no part does is left over."""
    seconds = dict(backbone=6.0, neck_0=1.0, neck_1=1.0, head=0.0)
    modules = {}
    for name, spent in seconds.items():
        modules[name] = torch.nn.Identity()
        modules[name].forward = clock.work(spent)

    def work():
        for module in modules.values():
            module(torch.zeros(1))
        clock.work(2.0)()

    parts = dict(
        backbone=[modules['backbone']],
        neck=[modules['neck_0'], modules['neck_1']],
        head=[modules['head']],
    )
    found = shares(parts, work, 3, CPU)
    assert found == dict(backbone=0.6, neck=0.2, head=0.0, other=0.2)
    assert not any(m._forward_hooks for m in modules.values())


def test_machine_name(monkeypatch, tmp_path):
    info = tmp_path / 'cpuinfo'
    info.write_text('processor\t: 0\nmodel name\t: Fast CPU\ncache\t: 1\n')
    monkeypatch.setattr(measure, '_CPUINFO', info)
    assert measure.machine_name(CPU) == 'Fast CPU'
    info.unlink()
    monkeypatch.setattr(measure.platform, 'processor', lambda: '')
    monkeypatch.setattr(measure.platform, 'machine', lambda: 'arm64')
    assert measure.machine_name(CPU) == 'arm64'


def test_fresh_process(monkeypatch):
    """The script's last line is the number; its failure is told."""
    started = []

    def run(words, **options):
        started.append(words[1:])
        return subprocess.CompletedProcess(
            words, len(started) - 1, '{"noise"}\n17\n', 'no memory left'
        )

    monkeypatch.setattr(measure.subprocess, 'run', run)
    assert in_fresh_process(['x.py', '--size', '96'], 'a step') == 17
    assert started == [['x.py', '--size', '96']]
    with pytest.raises(RuntimeError, match='a step fai(?s:.*)no memory'):
        in_fresh_process(['x.py'], 'a step')
