"""A CPU rank ends in good order, whatever its threads still hold."""

import sys

import pytest
from fresh_python import free_port, run_python

# The thread that did the broadcast must give back its tensor, for which it
# needs the interpreter; with this switch interval, it gets none until the
# process ends. Where the group outlives that, Python aborts or hangs.
RANK = """
import atexit, sys, time
from pathlib import Path
import torch
import mmavs
from mmengine.dist import init_dist
from mmengine.model import MMDistributedDataParallel
from torch.distributed import broadcast


@atexit.register  # before the rank's own: so it runs after it
def count_threads():
    names = [p.read_text() for p in Path('/proc/self/task').glob('*/comm')]
    print('gloo threads:', sum('gloo' in name for name in names))


class Runner:  # refers to itself, as mmengine's does
    pass


def main():
    init_dist('pytorch', 'gloo')
    runner = Runner()
    runner.itself = runner
    runner.model = MMDistributedDataParallel(torch.nn.Linear(2, 2))
    sys.setswitchinterval(1000)
    broadcast(torch.ones(1), 0, async_op=True)
    end = time.perf_counter() + 0.3
    while time.perf_counter() < end:
        pass


main()
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')
def test_gloo_threads_end_before_the_interpreter():
    result = run_python(
        RANK,
        RANK='0',
        LOCAL_RANK='0',
        WORLD_SIZE='1',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=free_port(),
        CUDA_VISIBLE_DEVICES='',
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == 'gloo threads: 0\n'
