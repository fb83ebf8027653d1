"""The same work for many clips, in several processes, with progress."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Callable, Iterator, Optional, Sequence, Tuple

from mmavs.processors import usable_processors


def run_all(
    work: Callable,
    items: Sequence,
    title: str,
    workers: Optional[int] = None,
    progress: bool = True,
) -> Iterator[Tuple[int, object]]:
    """Apply a function to all items, in whatever order they get done.

    Args:
        work (callable): Takes one item; a function of a module (it travels to
            other processes).
        items (Sequence): The items.
        title (str): Beside the progress bar.
        workers (int, optional): Processes; 1 works in this one. Defaults to
            the usable CPUs.
        progress (bool): Show a bar.

    Yields:
        tuple: Index of the item, and what ``work`` gave.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    workers = min(workers or usable_processors(), len(items))
    with Progress(*columns, disable=not progress) as bar:
        task = bar.add_task(title, total=len(items))
        for done in _run(work, items, workers):
            bar.advance(task)
            yield done


def _run(work: Callable, items: Sequence, workers: int) -> Iterator[tuple]:
    if workers <= 1:
        for index, item in enumerate(items):
            yield index, work(item)
        return
    # Forked workers start at once; PyTorch's threads do not survive a fork,
    # so each worker keeps to one, as those of a data loader do.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context(
        'fork' if 'fork' in methods else None
    )
    pool = ProcessPoolExecutor(workers, context, initializer=_one_thread)
    try:
        futures = {pool.submit(work, item): i for i, item in enumerate(items)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        # Also after Ctrl-C: do not start what is still waiting.
        pool.shutdown(wait=True, cancel_futures=True)


def _one_thread() -> None:
    """A process a core is parallel enough."""
    import cv2
    import torch

    cv2.setNumThreads(0)
    torch.set_num_threads(1)
