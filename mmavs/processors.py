"""How many processors there are to use."""

import os


def usable_processors() -> int:
    """Count those that this process may use, which may be fewer than all."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_of_a_run(runs: int) -> int:
    """Share them between runs at a time, unless the user has said it.

    Threads that wait for each other on a busy processor waste most of it.

    Args:
        runs (int): At a time.

    Returns:
        int: ``OMP_NUM_THREADS`` if set, else a run's share, at least 1.
    """
    told = os.environ.get('OMP_NUM_THREADS')
    return int(told) if told else max(1, usable_processors() // runs)
