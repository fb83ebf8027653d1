import numpy as np
import pytest
import torch

from mmavs.registry import MODELS
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    recipe_state_dict,
)
from mmavs.weights.released import vggish

EXPECTED = load_arrays('vggish_outputs')


@pytest.fixture(scope='module')
def weights():
    return recipe_state_dict(load_json('vggish_weights_recipe'))


@pytest.fixture(scope='module')
def encoder(weights):
    encoder = MODELS.build(dict(type='mmavs.VGGish'))
    encoder.load_state_dict(vggish.convert_encoder(weights))
    return encoder


def golden_examples() -> torch.Tensor:
    """The 16 log-mel examples that the golden rows name."""
    front_end = load_arrays('audio_frontend')
    rows = []
    for name in EXPECTED['input_rows'].tolist():
        source, _, index = name.partition('[')
        if not index:
            rows.append(np.zeros((96, 64), np.float32))
        else:
            rows.append(front_end[f'{source}__logmel_f32'][int(index[:-1])])
    return torch.from_numpy(np.stack(rows))[:, None]


def test_outputs_equal_the_released_ones(encoder):
    examples = golden_examples()
    embedding = encoder(examples)
    assert_close(embedding, EXPECTED['embedding_f32'], 'embedding')
    maps = encoder.features(examples[:1])[0]
    assert_close(maps, EXPECTED['conv_features_f32_example0'], 'maps')


def test_keys_and_size_are_the_released_ones(encoder):
    keys = load_json('keys_vggish')
    shapes = {k: list(v.shape) for k, v in encoder.state_dict().items()}
    assert shapes == keys['state_dict']
    total = sum(p.numel() for p in encoder.parameters())
    assert total == keys['total_params'] == 72141184


def test_frozen_means_frozen(encoder):
    assert not encoder.train().training
    assert not encoder.features.training
    assert not any(p.requires_grad for p in encoder.parameters())
    assert not encoder(torch.randn(1, 1, 96, 64)).requires_grad


def test_trainable_gets_gradients(weights):
    encoder = MODELS.build(dict(type='VGGish', frozen=False))
    encoder.load_state_dict(weights)
    assert encoder.train().training
    encoder(torch.randn(2, 1, 96, 64)).sum().backward()
    dead = [n for n, p in encoder.named_parameters() if p.grad.norm() == 0]
    assert not dead


def test_released_file_loads_by_init_cfg(tmp_path, weights):
    path = tmp_path / 'vggish.pth'
    pca = {'pproc.pca_means': torch.zeros(128, 1)}
    torch.save({**weights, **pca}, path)
    encoder = MODELS.build(
        dict(
            type='VGGish',
            init_cfg=dict(type='Pretrained', checkpoint=str(path)),
        )
    )
    encoder.init_weights()
    state = encoder.state_dict()
    assert all(torch.equal(state[key], weights[key]) for key in weights)


@pytest.mark.parametrize('damage', ['foreign', 'missing', 'shape'])
def test_another_file_is_named(tmp_path, damage):
    path = tmp_path / 'vggish.pth'
    state = {'features.0.weight': torch.zeros(64, 1, 3, 3)}
    if damage == 'foreign':
        state['layer1.0.conv1.weight'] = torch.zeros(1)
    if damage == 'shape':
        state['features.0.weight'] = torch.zeros(64, 3, 3, 3)
    torch.save(state, path)
    encoder = MODELS.build(
        dict(
            type='VGGish',
            init_cfg=dict(type='Pretrained', checkpoint=str(path)),
        )
    )
    with pytest.raises(RuntimeError, match='vggish.pth.*this VGGish'):
        encoder.init_weights()


def test_conversion_adds_the_segmentor_prefix(weights):
    converted = vggish.convert(weights)
    assert set(converted) == {f'audio_encoder.{key}' for key in weights}
    with pytest.raises(ValueError, match='backbone.conv1'):
        vggish.convert({'backbone.conv1': torch.zeros(1)})
