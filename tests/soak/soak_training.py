"""Train a small model for long: memory and open handles stay as they are.

``make soak`` trains FiLM on a tiny synthetic MS3 for 2,000 iterations: 50
epochs, a checkpoint after each, an evaluation after every fifth. It prints
what the process and its loaders' workers hold, and fails (exit code 1) where
they hold more in the last quarter than in the second (the first one warms up).
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import List, NamedTuple

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console
from rich.table import Table

from mmavs.testing import tiny_avsbench
from mmavs.utils import register_all_modules

CONFIG = 'configs/synthetic/film_tiny_ms3.py'
ROOT = Path(__file__).resolve().parents[2]
EPOCH = 40  # iterations
MAX_GROWTH_MB = 16.0  # a batch kept every 10 iterations would be 100 MB
MAX_MORE_HANDLES = 0


class Footprint(NamedTuple):
    """What is held after an iteration.

    Attributes:
        iteration (int): Iterations done.
        megabytes (float): Resident memory of the process and its workers.
        handles (int): Their open files, pipes and sockets.
        seconds (float): Since the start.
    """

    iteration: int
    megabytes: float
    handles: int
    seconds: float


class Watch(Hook):
    """Take the footprint every so many iterations.

    Args:
        interval (int): Iterations in between.
    """

    priority = 'VERY_LOW'  # after evaluation and checkpoints

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self.start = time.time()
        self.rows: List[Footprint] = []

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Look at this process and the workers it has started."""
        if not self.every_n_train_iters(runner, self.interval):
            return
        workers = [child.pid for child in multiprocessing.active_children()]
        pids = [os.getpid(), *workers]
        self.rows.append(
            Footprint(
                runner.iter + 1,
                sum(map(resident_megabytes, pids)),
                sum(len(os.listdir(f'/proc/{pid}/fd')) for pid in pids),
                time.time() - self.start,
            )
        )


def resident_megabytes(pid: int) -> float:
    """Read a process's resident memory in MB (10^6 bytes)."""
    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


def growth(rows: List[Footprint]) -> List[str]:
    """Compare the last quarter with the second.

    Args:
        rows (list[Footprint]): In order, four at least.

    Returns:
        list[str]: What has grown beyond the bounds; empty if nothing has.
    """
    quarter = len(rows) // 4
    before, after = rows[quarter : 2 * quarter], rows[-quarter:]
    more = median(row.megabytes for row in after) - median(
        row.megabytes for row in before
    )
    handles = max(row.handles for row in after) - max(
        row.handles for row in before
    )
    found = []
    if more > MAX_GROWTH_MB:
        found.append(
            f'memory grew by {more:.1f} MB from the second quarter to the '
            f'last; {MAX_GROWTH_MB:g} MB are allowed'
        )
    if handles > MAX_MORE_HANDLES:
        found.append(
            f'{handles} handles more are open in the last quarter than in '
            f'the second; {MAX_MORE_HANDLES} are allowed'
        )
    return found


def prepare(folder: Path, epochs: int) -> Config:
    """Make a tiny data set, and a config that trains on it."""
    root = tiny_avsbench(folder, 'ms3', dict(train=2 * EPOCH, val=4, test=1))
    config = Config.fromfile(ROOT / CONFIG)
    config.merge_from_dict(
        dict(
            train_dataloader=dict(
                batch_size=2, dataset=dict(data_root=f'{root}/')
            ),
            val_dataloader=dict(dataset=dict(data_root=f'{root}/')),
            train_cfg=dict(max_epochs=epochs, val_interval=5),
            param_scheduler=[],
            log_level='WARNING',
            work_dir=str(folder / 'work'),
        )
    )
    for loader in (config.train_dataloader, config.val_dataloader):
        loader.dataset.pipeline[1].cache_dir = str(folder / 'cache')
    for part in ('dataloader', 'cfg', 'evaluator'):
        config[f'test_{part}'] = None
    return config


def main() -> int:
    """Train, print the table; 1 if something has grown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--epochs', type=int, default=50)
    epochs = parser.parse_args().epochs
    register_all_modules()
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner.from_cfg(prepare(Path(folder), epochs))
        watch = Watch(interval=epochs * EPOCH // 20)
        runner.register_hook(watch)
        runner.train()
    table = Table(title=CONFIG)
    for name in ('iteration', 'RSS, MB', 'handles', 'seconds'):
        table.add_column(name, justify='right')
    for row in watch.rows:
        table.add_row(
            str(row.iteration),
            f'{row.megabytes:.1f}',
            str(row.handles),
            f'{row.seconds:.0f}',
        )
    Console().print(table)
    found = growth(watch.rows)
    print('\n'.join(found) or 'memory and open handles stayed as they were')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
