"""One process a case, forked from a parent in which everything is imported.

A fork costs milliseconds where an import of PyTorch costs seconds, and a case
can neither hang, crash nor eat the memory of any other.
"""

import contextlib
import hashlib
import os
import resource
import signal
import sys
import time
import traceback
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, NamedTuple, Tuple

import numpy as np
import torch

from mmavs.command_line import mistake
from mmavs.warn_once import WarnOnce

SECONDS = 20  # of processor time; a whole case takes one or two
WALL_SECONDS = 180  # for what waits and does not compute
MEMORY = 3 << 30  # bytes beyond what the parent has mapped
FILE_SIZE = 256 << 20
_TEXT = 20_000  # characters of a message that are kept


class Told(Exception):
    """A door said what is wrong by printing it."""


class Outcome(NamedTuple):
    """How a case ended.

    Attributes:
        end (str): 'value', 'error' (a message made for users), 'raw' (any
            other exception), 'hang' or 'killed'.
        text (str): The value's digest, the message, or the traceback.
        said (str): What was printed on the way.
    """

    end: str
    text: str
    said: str


Job = Tuple[Any, Callable[[], Any], Path]  # name, work, folder


def run_all(
    jobs: Iterable[Job], workers: int, seconds: int = SECONDS
) -> Iterator[Tuple[Any, Outcome]]:
    """Run each job in a process of its own.

    Args:
        jobs (Iterable[Job]): The folder is where a process stands and leaves
            ``said`` and ``outcome``.
        workers (int): Processes at a time.
        seconds (int): Of processor time that each may take.

    Yields:
        tuple[Any, Outcome]: A job's name and how it ended, as they come.
    """
    waiting, running = iter(jobs), {}
    while True:
        for job in islice(waiting, workers - len(running)):
            running[_fork(job[1], job[2], seconds)] = (job, time.monotonic())
        if not running:
            return
        yield from _ended(running)
        time.sleep(0.01)


def _ended(running: Dict[int, Tuple[Job, float]]) -> Iterator:
    for pid, (job, start) in list(running.items()):
        done, status = os.waitpid(pid, os.WNOHANG)
        if not done:
            if time.monotonic() - start > WALL_SECONDS:
                os.kill(pid, signal.SIGKILL)
            continue
        del running[pid]
        late = time.monotonic() - start > WALL_SECONDS
        yield job[0], _outcome(job[2], status, late)


def _outcome(folder: Path, status: int, late: bool) -> Outcome:
    said = (folder / 'said').read_text('utf-8', 'replace')
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return Outcome(
            'hang' if late or name == 'SIGXCPU' else 'killed', name, said
        )
    try:
        end, _, text = (folder / 'outcome').read_text().partition('\n')
    except FileNotFoundError:
        return Outcome('killed', f'status {status}', said)
    return Outcome(end, text, said)


def _fork(work: Callable[[], Any], folder: Path, seconds: int) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        _limit(seconds)
        os.chdir(folder)
        with open('said', 'wb') as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        _forget_warnings()
        text = _attempt(work)
        sys.stdout.flush()
        sys.stderr.flush()
        (folder / 'outcome').write_text(text, 'utf-8', 'replace')
    finally:
        os._exit(0)


def _forget_warnings() -> None:
    """Let this case say what another said: processes share the flags."""
    for name, module in list(sys.modules.items()):
        if name.partition('.')[0] == 'mmavs':
            for key, value in list(vars(module).items()):
                if isinstance(value, WarnOnce):
                    setattr(module, key, WarnOnce())


def _attempt(work: Callable[[], Any]) -> str:
    try:
        return f'value\n{digest(work())}'
    except Told:
        sys.stdout.flush()
        sys.stderr.flush()
        said = Path('said').read_text('utf-8', 'replace')
        return f'error\n{said[-_TEXT:]}'
    except BaseException as error:
        message = None
        if isinstance(error, Exception):
            message = mistake(error)
        if message is not None:
            return f'error\n{message[:_TEXT]}'
        return f'raw\n{traceback.format_exc()[-_TEXT:]}'


def _limit(seconds: int) -> None:
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    mapped = pages * resource.getpagesize()
    spent = round(time.process_time())
    for kind, limit in (
        (resource.RLIMIT_AS, mapped + MEMORY),
        (resource.RLIMIT_CPU, spent + seconds),
        (resource.RLIMIT_FSIZE, FILE_SIZE),
        (resource.RLIMIT_CORE, 0),
    ):
        # over the soft limit of time comes SIGXCPU, over the hard one SIGKILL
        resource.setrlimit(kind, (limit, limit + 5))


def digest(value: Any) -> str:
    """Name a value by its content: arrays, plain values, and containers."""
    found = hashlib.sha256()
    for part in _parts(value):
        found.update(part)
    return found.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, torch.Tensor):
        value = value.detach().contiguous()
        if value.dtype == torch.bfloat16:
            value = value.float()
        value = value.numpy()
    if isinstance(value, np.ndarray):
        yield f'{value.dtype} {value.shape} '.encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            yield f'{key}: '.encode()
            yield from _parts(value[key])
    elif isinstance(value, (list, tuple)):
        yield f'{len(value)} '.encode()
        for item in value:
            yield from _parts(item)
    else:
        yield f'{type(value).__name__} {value!r} '.encode()


@contextlib.contextmanager
def arguments(*words: Any) -> Iterator[None]:
    """Set the command line of a script that is called in this process."""
    before = sys.argv
    sys.argv = [str(word) for word in words]
    try:
        yield
    finally:
        sys.argv = before
