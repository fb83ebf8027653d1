"""Every way to share a training out over ranks trains the same weights."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from test_training_on_ranks import RANDOM, inner, plainly

from mmavs.compat import load_checkpoint
from mmavs.engine.strategies import ready_strategy
from mmavs.testing import on_ranks
from mmavs.utils import register_all_modules

ROOT = Path(__file__).resolve().parents[1]
STRATEGIES = ROOT / 'configs/_base_/strategies'
RATES = dict(SGD=1.0, Adam=1e-3)
needs_deepspeed = pytest.mark.skipif(
    find_spec('deepspeed') is None, reason='needs deepspeed<0.19'
)


class StayInEvaluation(Hook):
    """What a rank has for itself by design is switched off."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        for module in inner(runner).modules():
            if isinstance(module, RANDOM):
                module.eval()


def prepare(data_root, work_dir, strategy=None, epochs=1, optimizer='SGD'):
    """Epochs of two steps of two clips, each clipped, and a validation."""
    config = Config.fromfile(ROOT / 'configs/synthetic/film_tiny_ms3.py')
    if strategy:
        path = STRATEGIES / f'{strategy}.py'
        config.merge_from_dict(Config.fromfile(path)._cfg_dict)
    for split in ('train', 'val'):
        loader = config[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.data_root = f'{data_root}/'
        plainly(loader.dataset.pipeline)
    config.train_dataloader.batch_size = 2
    config.train_dataloader.sampler.shuffle = False
    config.param_scheduler = []
    config.optim_wrapper.optimizer = dict(type=optimizer, lr=RATES[optimizer])
    config.optim_wrapper.clip_grad = dict(max_norm=0.05)
    config.train_cfg.max_epochs = epochs
    config.log_level = 'ERROR'
    config.work_dir = str(work_dir)
    if strategy:
        config.launcher = 'pytorch'
        ready_strategy(config)
    return config


def train(config):
    """Train on this rank; what the model was wrapped into."""
    register_all_modules()
    if get_world_size() > 1:
        config.train_dataloader.batch_size //= get_world_size()
    kind = config.get('runner_type')
    runner = RUNNERS.build(config) if kind else Runner.from_cfg(config)
    runner.register_hook(StayInEvaluation())
    runner.train()
    return type(runner.model).__name__


def weights(work_dir, epoch=1):
    checkpoint = load_checkpoint(str(work_dir / f'epoch_{epoch}.pth'))
    return checkpoint['state_dict']


@pytest.fixture(scope='module')
def alone(tiny_ms3, tmp_path_factory):
    """Weights that one process trains."""
    folder = tmp_path_factory.mktemp('alone')
    on_ranks(lambda: train(prepare(tiny_ms3, folder)), 1)
    return weights(folder)


@pytest.fixture
def without_compiler(monkeypatch):
    """DeepSpeed would compile an operator of its own for CPU ranks."""
    if find_spec('deepspeed') is not None:
        import deepspeed

        monkeypatch.setitem(
            deepspeed.ops.__compatible_ops__, 'deepspeed_shm_comm', False
        )


@pytest.mark.slow
@pytest.mark.usefixtures('without_compiler')
@pytest.mark.parametrize(
    'strategy, wrapper',
    [
        ('ddp', 'MMDistributedDataParallel'),
        ('fsdp', 'MMFullyShardedDataParallel'),
        pytest.param(
            'deepspeed', 'MMDeepSpeedEngineWrapper', marks=needs_deepspeed
        ),
    ],
)
def test_two_ranks_train_what_one_does(
    strategy, wrapper, alone, tiny_ms3, tmp_path
):
    """Checkpoints are whole, whatever the ranks held of the weights."""
    config = prepare(tiny_ms3, tmp_path, strategy)
    assert on_ranks(lambda: train(config)) == [wrapper, wrapper]
    shared = weights(tmp_path)
    assert shared.keys() == alone.keys()
    for key, value in alone.items():
        torch.testing.assert_close(
            shared[key], value, rtol=1e-4, atol=2e-6, msg=key
        )
    assert list(tmp_path.glob('best_mIoU_*.pth'))


@pytest.mark.slow
def test_sharded_training_goes_on(tiny_ms3, tmp_path):
    """Resumed with Adam's moments, it trains what an unbroken run does."""
    unbroken = prepare(tiny_ms3, tmp_path / 'a', 'fsdp', 2, 'Adam')
    on_ranks(lambda: train(unbroken))
    resumed = prepare(tiny_ms3, tmp_path / 'b', 'fsdp', 2, 'Adam')
    resumed.resume, resumed.load_from = True, str(tmp_path / 'a/epoch_1.pth')
    on_ranks(lambda: train(resumed))
    first, expected = weights(tmp_path / 'a'), weights(tmp_path / 'a', 2)
    for key, value in weights(tmp_path / 'b', 2).items():
        torch.testing.assert_close(value, expected[key], rtol=0, atol=1e-6)
    assert any(
        (first[key] - expected[key]).abs().max() > 1e-4 for key in first
    )
