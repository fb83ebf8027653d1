"""After which epochs a training validates."""

from types import SimpleNamespace

import pytest

from mmavs.engine.run_config import load_config
from mmavs.registry import LOOPS


class Loader(list):
    dataset = SimpleNamespace(metainfo={})


def validated(**train_cfg) -> list:
    """Epochs, counted from 1, after which a loop validates."""
    epochs = []
    runner = SimpleNamespace(
        call_hook=lambda name: None,
        model='model',
        visualizer=SimpleNamespace(),
    )
    loop = LOOPS.build(dict(train_cfg, runner=runner, dataloader=Loader()))
    loop.run_epoch = lambda: setattr(loop, '_epoch', loop._epoch + 1)
    runner.val_loop = SimpleNamespace(run=lambda: epochs.append(loop.epoch))
    assert loop.run() == 'model'
    return epochs


@pytest.mark.parametrize(
    'name, expected',
    [
        # epochs from 15 (from 10) on that are even, counted from 0
        ('tpavi/tpavi_r50_avss', [e + 1 for e in range(15, 60) if e % 2 == 0]),
        ('tpavi/tpavi_pvt_avss', list(range(17, 60, 2))),
        ('avsegformer/avsegformer_r50_avss', list(range(11, 30, 2))),
        ('avsegformer/avsegformer_pvt_avss', list(range(11, 30, 2))),
    ],
)
def test_avss_validates_when_the_released_code_does(name, expected):
    config = load_config(f'configs/{name}.py')
    assert validated(**config.train_cfg) == expected
    best = config.default_hooks.checkpoint
    assert best.save_best == ['mIoU', 'mIoU+mFscore']
    assert best.rule == 'greater'


def test_counting_starts_at_val_begin():
    loop = dict(type='CountedValTrainLoop', max_epochs=6)
    assert validated(**loop) == [1, 2, 3, 4, 5, 6]
    assert validated(**loop, val_begin=2, val_interval=3) == [2, 5]
