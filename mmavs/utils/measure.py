"""Seconds and bytes of a piece of work, on CPU and GPU."""

import gc
import re
import time
from pathlib import Path
from typing import Callable, Dict, List

import torch

_STATUS = Path('/proc/self/status')
_CLEAR = Path('/proc/self/clear_refs')


def peak_memory(work: Callable[[], object], device: torch.device) -> int:
    """Bytes that a piece of work holds at its peak, above what is held now.

    On a GPU this is what PyTorch's allocator handed out; on a CPU the
    resident memory of the process, which needs Linux. Freed CPU memory may
    stay resident and be used again, so measure each piece of work in a fresh
    process.

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
        warm_up (int): Runs of each that do not count. Defaults to 1.

    Returns:
        dict[str, list[float]]: Seconds of each run.
    """
    seconds: Dict[str, List[float]] = {name: [] for name in works}
    for turn in range(warm_up + repeats):
        for name, work in works.items():
            elapsed = _time(work, device)
            if turn >= warm_up:
                seconds[name].append(elapsed)
    return seconds


def _time(work: Callable[[], object], device: torch.device) -> float:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    work()
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _resident(field: str) -> int:
    """Read VmRSS or VmHWM of this process, in bytes."""
    match = re.search(rf'{field}:\s+(\d+) kB', _STATUS.read_text())
    return int(match[1]) * 1024
