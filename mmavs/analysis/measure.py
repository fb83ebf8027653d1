"""Seconds and bytes of a piece of work, on CPU and GPU."""

import gc
import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Callable, Dict, List, NamedTuple, Sequence

import torch
from torch import nn

_STATUS = Path('/proc/self/status')
_CLEAR = Path('/proc/self/clear_refs')
_CPUINFO = Path('/proc/cpuinfo')


class Spread(NamedTuple):
    """What several runs gave.

    Attributes:
        median (float): Half of the runs took longer.
        low (float): The shortest.
        high (float): The longest.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, runs: Sequence[float]) -> 'Spread':
        """Summarise runs."""
        return cls(median(runs), min(runs), max(runs))

    def __str__(self) -> str:
        """Give milliseconds of a spread of seconds: median (range)."""
        middle, low, high = (f'{1e3 * value:.1f}' for value in self)
        span = '' if self.low == self.high else f' ({low}..{high})'
        return f'{middle}{span} ms'


def machine_name(device: torch.device) -> str:
    """Name the GPU or, as far as the system tells, the CPU."""
    if device.type == 'cuda':
        return torch.cuda.get_device_name(device)
    found = None
    if _CPUINFO.is_file():
        found = re.search(r'model name\s*: (.+)', _CPUINFO.read_text())
    return found[1] if found else platform.processor() or platform.machine()


def peak_memory(work: Callable[[], object], device: torch.device) -> int:
    """Bytes that a piece of work holds at its peak, above what is held now.

    On a GPU this is what PyTorch's allocator handed out; on a CPU the
    resident memory of the process, which needs Linux. Freed CPU memory may
    stay resident and be used again, so measure each piece of work in a fresh
    process (:func:`in_fresh_process`).

    Args:
        work (callable): Run once.
        device (torch.device): Where it runs.

    Returns:
        int: Bytes.

    Raises:
        OSError: On a CPU, without Linux's ``/proc``.
    """
    gc.collect()
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    _CLEAR.write_text('5')  # lets the high-water mark start again
    before = _resident('VmRSS')
    work()
    return max(0, _resident('VmHWM') - before)


def in_fresh_process(words: Sequence[str], what: str) -> int:
    """Run a script that prints a number of bytes last, in its own process.

    Args:
        words (Sequence[str]): The script and its arguments.
        what (str): For the message.

    Returns:
        int: The number.

    Raises:
        RuntimeError: The script failed; the message ends with its own.
    """
    # Freed blocks go back to the system at once, so that resident memory is
    # what is held.
    env = dict(
        os.environ, MALLOC_MMAP_THRESHOLD_='262144', MALLOC_ARENA_MAX='1'
    )
    done = subprocess.run(
        [sys.executable, *words], env=env, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f'measuring {what} failed:\n{done.stderr[-2000:]}')
    return json.loads(done.stdout.strip().splitlines()[-1])


def interleave(
    works: Dict[str, Callable[[], object]],
    repeats: int,
    device: torch.device,
    warm_up: int = 1,
) -> Dict[str, List[float]]:
    """Time pieces of work in turn, so that all meet the same machine.

    Args:
        works (dict[str, callable]): By name.
        repeats (int): Runs of each that count.
        device (torch.device): Where they run.
        warm_up (int): Runs of each that do not count.

    Returns:
        dict[str, list[float]]: Seconds of each run.
    """
    seconds: Dict[str, List[float]] = {name: [] for name in works}
    for turn in range(warm_up + repeats):
        for name, work in works.items():
            start = _now(device)
            work()
            elapsed = _now(device) - start
            if turn >= warm_up:
                seconds[name].append(elapsed)
    return seconds


def shares(
    parts: Dict[str, Sequence[nn.Module]],
    work: Callable[[], object],
    repeats: int,
    device: torch.device,
) -> Dict[str, float]:
    """Share of the seconds of a piece of work that parts of a model take.

    A GPU is waited for before and after every part.

    Args:
        parts (dict[str, Sequence[nn.Module]]): Modules by the name of their
            part; none lies inside another.
        work (callable): Runs them.
        repeats (int): Runs that count, after one that does not.
        device (torch.device): Where it runs.

    Returns:
        dict[str, float]: Of the medians, summing to 1; what no part does is
        'other'.
    """
    clock = dict.fromkeys(parts, 0.0)
    runs: Dict[str, List[float]] = {name: [] for name in [*parts, 'other']}
    handles = [
        handle
        for name, modules in parts.items()
        for module in modules
        for handle in _clocked(module, clock, name, device)
    ]
    for turn in range(1 + repeats):
        clock.update(dict.fromkeys(parts, 0.0))
        start = _now(device)
        work()
        whole = _now(device) - start
        if turn:
            for name, seconds in clock.items():
                runs[name].append(seconds)
            runs['other'].append(whole - sum(clock.values()))
    for handle in handles:
        handle.remove()
    middle = {name: median(seconds) for name, seconds in runs.items()}
    return {name: m / sum(middle.values()) for name, m in middle.items()}


def _clocked(
    module: nn.Module, clock: Dict[str, float], name: str, device: torch.device
) -> list:
    """Let a module add its seconds to ``clock[name]``."""

    def enter(*_) -> None:
        clock[name] -= _now(device)

    def leave(*_) -> None:
        clock[name] += _now(device)

    return [
        module.register_forward_pre_hook(enter),
        module.register_forward_hook(leave),
    ]


def _now(device: torch.device) -> float:
    """Seconds on the clock once the device has done all its work."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _resident(field: str) -> int:
    """Read VmRSS or VmHWM of this process, in bytes."""
    match = re.search(rf'{field}:\s+(\d+) kB', _STATUS.read_text())
    return int(match[1]) * 1024
