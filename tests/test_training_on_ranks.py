"""Every small config gives, on two ranks, the gradients of one process.

In float64, where they agree to rounding and nothing else hides behind it.
Switched off is what is a rank's own by design: flips, dropout and the
statistics of batch norm, which stays in evaluation mode.
"""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmavs.engine.run_config import datasets
from mmavs.registry import DATASETS
from mmavs.testing import on_ranks, tiny_avsbench

CONFIGS = Path(__file__).resolve().parents[1] / 'configs/synthetic'
SETTINGS = {
    'Multi-sources': 'ms3',
    'Single-source': 's4',
    'Single-source-alone': 's4-alone',
    'All-sources': 'all',
    'AVSBench-semantic': 'avss',
}
ALWAYS = ('film_tiny_ms3', 'avis_tiny_ms3_stage1')
NAMES = [
    path.stem
    if path.stem in ALWAYS
    else pytest.param(path.stem, marks=pytest.mark.slow)
    for path in sorted(CONFIGS.glob('*.py'))
]
NUM_ITERATIONS = 3
RANDOM = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


class Gradients(Hook):
    """Keep the gradients that each step is made of.

    Attributes:
        steps (list[dict[str, Tensor]]): By parameter.
    """

    def __init__(self):
        self.steps = []

    def before_train(self, runner):
        model = inner(runner)
        model.data_preprocessor.register_forward_hook(to_double)
        runner.optim_wrapper.optimizer.register_step_pre_hook(
            lambda *_: self.steps.append(gradients_of(inner(runner)))
        )

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        for module in inner(runner).modules():
            if isinstance(module, RANDOM):
                module.eval()


def inner(runner):
    model = runner.model
    return model.module if is_model_wrapper(model) else model


def to_double(module, args, output):
    output['inputs'] = {
        key: value.double() if value.is_floating_point() else value
        for key, value in output['inputs'].items()
    }


def gradients_of(model):
    return {
        key: parameter.grad.clone()
        for key, parameter in model.named_parameters()
        if parameter.grad is not None
    }


def prepare(name, folder):
    """Read a config; its training set makes three steps."""
    config = Config.fromfile(CONFIGS / f'{name}.py')
    loader = config.train_dataloader
    (dataset,) = datasets(config, ['train'])
    setting = SETTINGS[Path(dataset.data_root).name]
    clips = dict(train=2 * NUM_ITERATIONS)
    dataset.data_root = str(
        tiny_avsbench(folder / setting, setting, clips, size=96)
    )
    loader.update(num_workers=0, persistent_workers=False)
    loader.batch_size = len(DATASETS.build(loader.dataset)) // NUM_ITERATIONS
    loader.sampler.shuffle = False
    plainly(dataset.pipeline)
    config.merge_from_dict(
        dict(
            train_cfg=dict(_delete_=True, by_epoch=True, max_epochs=1),
            optim_wrapper=dict(
                _delete_=True, optimizer=dict(type='SGD', lr=0.01)
            ),
            param_scheduler=[],
            load_from=None,
            log_level='ERROR',
            default_hooks=dict(_delete_=True, logger=None, checkpoint=None),
            work_dir=str(folder / name),
        )
    )
    for stage in ('val', 'test'):
        for part in ('dataloader', 'cfg', 'evaluator'):
            config[f'{stage}_{part}'] = None
    return config


def plainly(pipeline):
    """Switch off what is drawn or kept, at any depth."""
    for transform in pipeline:
        plainly(transform.get('transforms', ()))
        if transform.type == 'RandomFlip':
            transform.prob = 0.0
        if 'cache_dir' in transform:
            transform.cache_dir = None


def train(config):
    """Train on this rank's part; what each step's gradients were."""
    torch.set_default_dtype(torch.float64)
    if get_world_size() > 1:
        config.launcher = 'pytorch'
        config.train_dataloader.batch_size //= get_world_size()
    runner = Runner.from_cfg(config)
    hook = Gradients()
    runner.register_hook(hook)
    runner.train()
    return hook.steps


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('ranks')


@pytest.mark.parametrize('name', NAMES)
def test_gradients_of_two_ranks_equal_one_process(name, folder):
    config = prepare(name, folder)
    (alone,) = on_ranks(lambda: train(config), 1)
    first, second = on_ranks(lambda: train(config))
    assert len(alone) == len(first) == len(second) == NUM_ITERATIONS
    for expected, ours, theirs in zip(alone, first, second):
        assert expected.keys() == ours.keys() == theirs.keys()
        largest = max(float(x.abs().max()) for x in expected.values())
        assert largest > 1e-3
        for key, value in expected.items():
            assert torch.equal(ours[key], theirs[key]), key
            torch.testing.assert_close(
                ours[key], value, rtol=1e-7, atol=1e-11 * largest, msg=key
            )


def test_every_setting_is_known():
    """A config of a new one would fail above, but only in the slow tests."""
    roots = {
        Path(dataset.data_root).name
        for config in map(Config.fromfile, CONFIGS.glob('*.py'))
        for dataset in datasets(config)
    }
    assert roots == SETTINGS.keys()
