"""Every released AVSBench key has a place in our models, and no other."""

import pytest
import torch

from mmavs.testing.golden import load_json
from mmavs.weights.released import avsbench

MODELS = ['ms3_pvt', 'ms3_resnet', 'avss_pvt', 'avss_resnet']


def released(name):
    records = load_json(f'recipe_avsbench_{name}')['tensors']
    return {r['key']: torch.empty(r['shape'], device='meta') for r in records}


def numel(weights):
    return sum(v.numel() for k, v in weights.items() if 'running' not in k)


@pytest.mark.parametrize('name', MODELS)
def test_only_dead_weights_are_dropped(name):
    weights = released(name)
    converted = avsbench.convert(weights)
    dead = {
        key: value
        for key, value in weights.items()
        if key.startswith(('path4.resConfUnit1', 'resnet.layer'))
        and '_1.' not in key
        and not key.startswith(('resnet.layer1', 'resnet.layer2'))
    }
    assert numel(converted) == numel(weights) - numel(dead)
    if 'pvt' in name:
        assert numel(dead) == 1_180_160


def test_distributed_checkpoint():
    weights = released('ms3_resnet')
    prefixed = {f'module.{key}': value for key, value in weights.items()}
    expected = avsbench.convert(weights)
    assert avsbench.convert(prefixed).keys() == expected.keys()


def test_unknown_keys():
    with pytest.raises(ValueError, match=r"\['neck.0.weight'\] \(1 in all\)"):
        avsbench.convert({'neck.0.weight': torch.zeros(1)})
