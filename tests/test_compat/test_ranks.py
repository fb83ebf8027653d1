"""A rank ends in good order, and one rank writes for all."""

import json
import sys
from types import SimpleNamespace

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


def test_upstream_ranks_still_write_one_file_together():
    """Fails once mmengine lets one rank write by itself."""
    code = (
        'import inspect; from mmengine.hooks import LoggerHook as hook;'
        'source = inspect.getsource(hook.after_test_epoch);'
        'print("dump(" in source, "main" in source, "master" in source)'
    )
    assert run_python(code).stdout.split() == ['True', 'False', 'False']


@pytest.mark.parametrize('rank', [0, 1])
def test_the_first_rank_alone_writes_metrics(rank, monkeypatch, tmp_path):
    from mmengine.hooks import LoggerHook

    monkeypatch.setattr('mmengine.dist.utils.get_rank', lambda group: rank)
    hook = LoggerHook()
    hook.json_log_path = 'metrics.json'
    processor = SimpleNamespace(
        get_log_after_epoch=lambda *args, **kwargs: (dict(mIoU=50.0), '')
    )
    runner = SimpleNamespace(
        log_processor=processor,
        log_dir=str(tmp_path),
        logger=SimpleNamespace(info=lambda text: None),
        test_dataloader=[],
    )
    hook.after_test_epoch(runner, {})
    found = list(tmp_path.iterdir())
    assert len(found) == 1 - rank
    assert not found or json.loads(found[0].read_text()) == dict(mIoU=50.0)
