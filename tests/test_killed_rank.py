"""When one of two ranks is killed, the other ends with an error, and soon."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fresh_python import free_port
from mmengine.config import Config

ROOT = Path(__file__).resolve().parents[1]
MINUTE = 60
PLUGIN = """
import os
import signal
from pathlib import Path

from mmengine.dist import get_rank
from mmengine.hooks import Hook

from mmavs.registry import HOOKS


@HOOKS.register_module()
class KillSecondRank(Hook):

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if batch_idx == 1 and get_rank() == 1:
            Path(runner.work_dir, 'killed').touch()
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def setting(tiny_ms3, tmp_path):
    """Where to run, and ``tools/train.py``'s arguments, for 2 iterations."""
    config = Config.fromfile(ROOT / 'configs/synthetic/film_tiny_ms3.py')
    loader = config.train_dataloader
    loader.update(num_workers=0, persistent_workers=False, batch_size=1)
    loader.dataset.data_root = f'{tiny_ms3}/'
    loader.dataset.pipeline[1].cache_dir = None
    for stage in ('val', 'test'):
        for part in ('dataloader', 'cfg', 'evaluator'):
            config[f'{stage}_{part}'] = None
    del config.default_hooks.checkpoint.save_best
    config.custom_imports = dict(imports=['kill_second_rank'])
    config.custom_hooks = [dict(type='KillSecondRank')]
    (tmp_path / 'kill_second_rank.py').write_text(PLUGIN)
    config.dump(tmp_path / 'config.py')
    env = dict(
        os.environ,
        PYTHON=sys.executable,
        PYTHONPATH=os.pathsep.join([str(ROOT), str(tmp_path)]),
        OMP_NUM_THREADS='1',
        CUDA_VISIBLE_DEVICES='',
        PORT=free_port(),
    )
    return env, [tmp_path / 'config.py', '--work-dir', tmp_path / 'work']


def seconds_after_the_kill(tmp_path):
    return time.time() - (tmp_path / 'work/killed').stat().st_mtime


@pytest.mark.slow
def test_under_the_script(setting, tmp_path):
    env, (config, *given) = setting
    result = subprocess.run(
        [ROOT / 'tools/dist_train.sh', config, '2', *given],
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert seconds_after_the_kill(tmp_path) < MINUTE
    assert result.returncode == 1
    assert 'Signal 9 (SIGKILL)' in result.stderr
    assert 'local_rank: 1' in result.stderr


@pytest.mark.slow
def test_without_anyone_who_watches_them(setting, tmp_path):
    """As on two nodes: the one that is left finds out by itself."""
    env, given = setting
    processes = []
    for rank in '01':
        env = dict(
            env,
            RANK=rank,
            LOCAL_RANK=rank,
            WORLD_SIZE='2',
            MASTER_ADDR='127.0.0.1',
            MASTER_PORT=env['PORT'],
        )
        processes.append(
            subprocess.Popen(
                [sys.executable, ROOT / 'tools/train.py', *given]
                + ['--launcher', 'pytorch'],
                env=env,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert seconds_after_the_kill(tmp_path) < MINUTE
    assert [process.returncode for process in processes] == [1, -9]
    assert 'Traceback' in errors[0]
    assert 'Connection closed by peer' in errors[0]
