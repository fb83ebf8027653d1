from types import SimpleNamespace

import pytest
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from mmavs.engine.hooks import FreezeBackboneHook
from mmavs.registry import MODEL_WRAPPERS
from mmavs.testing import on_ranks


class Net(BaseModel):
    """A backbone with one parameter that never learns, and a head."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.backbone = nn.Linear(3, 4)
        self.backbone.bias.requires_grad_(False)
        self.head = nn.Linear(4, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        x = self.backbone(torch.stack(inputs)).tanh()
        return dict(loss=self.head(x).square().mean())


class Watch(Hook):
    """Keep the weights as each epoch leaves them."""

    def __init__(self):
        self.weights, self.modes = [], []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.modes.append(inner(runner).backbone.training)

    def after_train_epoch(self, runner):
        state = inner(runner).state_dict()
        self.weights.append({k: v.clone() for k, v in state.items()})


def inner(runner):
    return getattr(runner.model, 'module', runner.model)


def samples():
    values = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
    return [dict(inputs=value) for value in values]


def train(work_dir, hooks, batch_size, launcher='none', epochs=4):
    """Train on eight samples and return what a Watch saw."""
    watch = Watch()
    runner = Runner(
        Net(),
        str(work_dir),
        train_dataloader=dict(
            batch_size=batch_size,
            dataset=samples(),
            sampler=dict(type='DefaultSampler', shuffle=False),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(
            optimizer=dict(type='AdamW', lr=0.1, weight_decay=0.5)
        ),
        custom_hooks=[*hooks, watch],
        default_hooks=dict(logger=None, checkpoint=None),
        launcher=launcher,
        default_scope='mmavs',
        experiment_name=work_dir.name,
        log_level='ERROR',
    )
    runner.train()
    return watch


def test_two_ranks_across_the_thaw_equal_one_process(tmp_path):
    """Each rank sees half of a batch; AdamW would show the least drift."""

    def one_rank():
        hooks = [FreezeBackboneHook(num_epochs=2)]
        work_dir = tmp_path / f'rank{get_rank()}'
        return train(work_dir, hooks, 2, launcher='pytorch').weights

    ranks = on_ranks(one_rank)
    alone = train(tmp_path / 'alone', [FreezeBackboneHook(2)], 4).weights
    for epoch, expected in enumerate(alone):
        for key, value in expected.items():
            assert torch.equal(ranks[0][epoch][key], ranks[1][epoch][key])
            torch.testing.assert_close(ranks[0][epoch][key], value)
    start = Net().backbone.weight
    key = 'backbone.weight'
    assert torch.equal(ranks[0][1][key], start)
    assert not torch.allclose(ranks[0][2][key], start, atol=1e-3)


def test_frozen_epochs_move_the_head_alone(tmp_path):
    watch = train(tmp_path, [FreezeBackboneHook(2)], 4)
    start = Net().state_dict()
    for epoch, weights in enumerate(watch.weights):
        moved = not torch.equal(
            weights['backbone.weight'], start['backbone.weight']
        )
        assert moved == (epoch >= 2)
        assert not torch.equal(weights['head.weight'], start['head.weight'])
        # What was frozen from the start stays so after the thaw.
        key = 'backbone.bias'
        assert torch.equal(weights[key], start[key])


def test_frozen_for_good_and_in_evaluation_mode(tmp_path):
    hook = FreezeBackboneHook(None, eval_mode=True)
    watch = train(tmp_path, [hook], 4)
    assert watch.modes == [False] * 8
    start = Net().state_dict()
    for key, value in watch.weights[-1].items():
        assert torch.equal(value, start[key]) == key.startswith('backbone')


def test_thawed_part_returns_to_training_mode(tmp_path):
    hook = FreezeBackboneHook(1, eval_mode=True)
    watch = train(tmp_path, [hook], 8, epochs=3)
    assert watch.modes == [False, True, True]


class StartAtEpochThree(Hook):
    """What resuming does to the loop."""

    def before_train(self, runner):
        runner.train_loop._epoch = 3


def test_resumed_run_continues_thawed(tmp_path):
    hooks = [FreezeBackboneHook(2), StartAtEpochThree()]
    watch = train(tmp_path, hooks, 8)
    key = 'backbone.weight'
    assert not torch.equal(watch.weights[0][key], Net().state_dict()[key])


def test_zero_epochs_changes_nothing(tmp_path):
    with_hook = train(tmp_path / 'a', [FreezeBackboneHook(0)], 4).weights
    without = train(tmp_path / 'b', [], 4).weights
    for key, value in without[-1].items():
        assert torch.equal(with_hook[-1][key], value)


class Wrapper(nn.Module):
    """Not DistributedDataParallel."""


def test_other_wrappers_are_refused(tmp_path):
    MODEL_WRAPPERS.register_module(module=Wrapper, force=True)
    runner = SimpleNamespace(
        model=Wrapper(), epoch=0, train_loop=None, logger=None
    )
    runner.model.module = Net()
    with pytest.raises(ValueError, match='Wrapper cannot follow.*Fix'):
        FreezeBackboneHook(None).before_train_epoch(runner)


def test_iterations_have_no_epochs():
    runner = SimpleNamespace(epoch=0, train_loop=object())
    with pytest.raises(ValueError, match='num_epochs=3.*counts epochs'):
        FreezeBackboneHook(3).before_train_epoch(runner)
