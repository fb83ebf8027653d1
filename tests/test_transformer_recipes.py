"""How AVSegFormer and AVSAC are trained and scored, setting by setting."""

from pathlib import Path

import pytest
from mmengine.config import Config

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
BACKBONES = ('pvt', 'r50')
# setting: (size in px, epochs, epochs with a frozen backbone, clips per step)
AVSEGFORMER = {
    's4': (512, 30, 5, 2),
    'ms3': (512, 60, 10, 2),
    'avss': (224, 30, 0, 4),
    's4_224': (224, 30, 5, 2),
    'ms3_224': (224, 60, 10, 2),
}
# setting: (size in px, epochs, clips per step), arXiv 2402.02327, Table 6
AVSAC = {
    's4': (512, 30, 4),
    'ms3': (512, 60, 4),
    'avss': (224, 30, 4),
    's4_224': (224, 30, 4),
    'ms3_224': (224, 60, 4),
    's4_scored-at-224': (512, 30, 4),
    'ms3_scored-at-224': (512, 60, 4),
}


def read(method, backbone, setting):
    return Config.fromfile(
        CONFIGS / f'{method}/{method}_{backbone}_{setting}.py'
    )


def order_and_size(pipeline):
    """Whether masks are sized as frames are, and the frames' last size."""
    (frames,) = [t.transforms for t in pipeline if t.type == 'ForEachFrame']
    names = [transform.type for transform in frames]
    sizing = dict(Resize='scale', CenterCrop='crop_size')
    (last,) = [t for t in frames if t.type in sizing]
    before = names.index('LoadFrameMask') < frames.index(last)
    return before, last[sizing[last.type]]


def check_optimizer(config):
    optimizer = config.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr) == ('AdamW', 2e-5)
    assert optimizer.weight_decay == 0.01
    assert 'clip_grad' not in config.optim_wrapper
    assert not config.get('param_scheduler')


@pytest.mark.parametrize('backbone', BACKBONES)
@pytest.mark.parametrize('setting', AVSEGFORMER)
def test_avsegformer(backbone, setting):
    size, epochs, frozen, clips = AVSEGFORMER[setting]
    config = read('avsegformer', backbone, setting)
    check_optimizer(config)
    assert config.train_cfg.max_epochs == epochs
    assert config.train_dataloader.batch_size == clips
    hooks = config.get('custom_hooks', [])
    assert [hook.num_epochs for hook in hooks] == ([frozen] if frozen else [])
    # norms adapt while the backbone is frozen, as released
    assert not any(hook.get('eval_mode') for hook in hooks)
    # scored at the size of the input
    assert config.model.test_cfg.eval_size == 'input'
    for loader in (config.train_dataloader, config.test_dataloader):
        assert order_and_size(loader.dataset.pipeline) == (True, (size, size))
    head = config.model.decode_head
    main = dict(avss='FrameCrossEntropyLoss').get(setting, 'FrameDiceLoss')
    assert head.loss_decode.type == main
    assert (head.loss_mix.type, head.loss_mix.loss_weight) == (
        'FrameDiceLoss',
        0.1,
    )
    if setting != 'avss':
        assert config.test_evaluator.clips_per_batch == 2


@pytest.mark.parametrize('backbone', BACKBONES)
@pytest.mark.parametrize('setting', AVSAC)
def test_avsac(backbone, setting):
    size, epochs, clips = AVSAC[setting]
    config = read('avsac', backbone, setting)
    check_optimizer(config)
    assert config.train_cfg.max_epochs == epochs
    assert config.train_dataloader.batch_size == clips
    (hook,) = config.custom_hooks
    # paths are dropped and norms adapt in the frozen backbone, as in the
    # released code of AVSegFormer
    assert (hook.num_epochs, hook.get('eval_mode', False)) == (None, False)
    assert not config.model.backbone.get('norm_eval', False)
    assert config.model.audio_encoder.frozen
    train = config.train_dataloader.dataset.pipeline
    assert order_and_size(train) == (True, (size, size))
    # scored at the size of the input, or at the 224 px of the files, where
    # masks keep their size in the tests
    of_files = setting.endswith('scored-at-224')
    test = config.test_dataloader.dataset.pipeline
    assert order_and_size(test) == (not of_files, (size, size))
    expected = 'original' if of_files else 'input'
    assert config.model.test_cfg.eval_size == expected
    losses = [loss.type for loss in config.model.decode_head.loss_decode]
    if setting == 'avss':
        assert losses == ['FrameCrossEntropyLoss', 'ClassDiceLoss']
    else:
        assert losses == ['SigmoidFocalLoss', 'FrameDiceLoss']
        focal = config.model.decode_head.loss_decode[0]
        assert (focal.alpha, focal.gamma) == (0.25, 2.0)
    assert [loss.type for loss in config.model.auxiliary_losses] == [
        'AVFSLoss'
    ]
    if backbone == 'pvt':
        assert config.model.backbone.drop_path_rate == 0.1
