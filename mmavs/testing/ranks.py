"""Ranks without a launcher, for tests."""

import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, List

import torch
from torch import distributed
from torch.multiprocessing import start_processes

PATIENCE = timedelta(seconds=60)  # with a rank that does not come


def on_ranks(function: Callable[[], Any], world_size: int = 2) -> List[Any]:
    """Call a function on several ranks at once, and collect what they give.

    The ranks are forked from this process, so they start at once and know all
    that it knows, and meet on the CPU (gloo). A Runner made on them takes
    ``launcher='pytorch'``.

    Args:
        function (callable): Takes nothing; ``mmengine.dist`` tells it which
            rank it is on. What it gives is saved by :func:`torch.save`.
        world_size (int): How many.

    Returns:
        list: What each rank gave, in their order.

    Raises:
        ProcessRaisedException: A rank failed; with its traceback.
    """
    with tempfile.TemporaryDirectory() as folder:
        start_processes(
            _one_rank,
            (function, world_size, Path(folder)),
            nprocs=world_size,
            start_method='fork',
        )
        return [
            torch.load(Path(folder, f'{rank}.pth'), weights_only=True)
            for rank in range(world_size)
        ]


def _one_rank(
    rank: int, function: Callable[[], Any], world_size: int, folder: Path
) -> None:
    torch.set_num_threads(1)  # threads do not survive a fork
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world_size)
    )
    distributed.init_process_group(
        'gloo',
        init_method=f'file://{folder}/meet',
        timeout=PATIENCE,
        rank=rank,
        world_size=world_size,
    )
    torch.save(function(), folder / f'{rank}.pth')
    distributed.destroy_process_group()
