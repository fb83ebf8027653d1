"""What a strategy makes of a config, and what it refuses."""

import sys
from types import ModuleType

import pytest
from mmengine.config import Config

from mmavs.engine.strategies import ready_strategy


def config(kind, launcher='pytorch', **wrapper):
    return Config(
        dict(
            launcher=launcher,
            strategy=dict(type=kind),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=1.0), **wrapper),
        )
    )


@pytest.fixture
def deepspeed(monkeypatch):
    """As if the package were there."""
    module = ModuleType('deepspeed')
    module.__spec__ = sys.__spec__
    monkeypatch.setitem(sys.modules, 'deepspeed', module)


def test_one_process_is_refused():
    with pytest.raises(ValueError, match='FSDPStrategy.*Fix: tools/dist_tr'):
        ready_strategy(config('FSDPStrategy', 'none'))


def test_a_backbone_that_freezes_later_is_refused():
    given = config('FSDPStrategy')
    given.custom_hooks = [dict(type='FreezeBackboneHook', num_epochs=None)]
    with pytest.raises(ValueError, match='FSDPStrategy cannot follow. Fix: '):
        ready_strategy(given)


def test_an_absent_package_is_named(monkeypatch):
    monkeypatch.setattr('mmavs.engine.strategies.find_spec', lambda name: None)
    with pytest.raises(ValueError, match='Fix: pip install "deepspeed<0.19"'):
        ready_strategy(config('DeepSpeedStrategy'))


def test_deepspeed_clips_by_itself(deepspeed):
    given = config('DeepSpeedStrategy', clip_grad=dict(max_norm=0.5))
    ready_strategy(given)
    assert given.strategy.gradient_clipping == 0.5
    assert given.optim_wrapper.keys() == {'optimizer'}


def test_what_deepspeed_would_drop_is_refused(deepspeed):
    clip = dict(max_norm=1.0, norm_type=1)
    given = config('DeepSpeedStrategy', clip_grad=clip, dtype='bfloat16')
    given.auto_scale_lr = dict(enable=True, base_batch_size=4)
    dropped = 'nothing of dtype, clip_grad, auto_scale_lr, .*Fix: take FSDP'
    with pytest.raises(ValueError, match=dropped):
        ready_strategy(given)


def test_others_stay_as_they_are():
    for kind in ('FSDPStrategy', 'DDPStrategy'):
        given = config(kind, clip_grad=dict(max_norm=0.5))
        before = given.to_dict()
        ready_strategy(given)
        assert given.to_dict() == before
