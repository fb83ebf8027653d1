"""PVT v2 against released figures; loading released files."""

import pytest
import torch

from mmavs.analysis.memory import LiveBytes
from mmavs.models.backbones import PyramidVisionTransformerV2
from mmavs.models.backbones.pyramid_vision_transformer_v2 import FusedAttention
from mmavs.testing import check_gradients
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    randn,
    recipe_state_dict,
)
from mmavs.testing.meta import OnMeta
from mmavs.weights.released import pvt


@pytest.fixture(scope='module')
def released_b0():
    weights = recipe_state_dict(load_json('recipe_avsbench_pvt_v2_b0'))
    # the published files also hold the ImageNet classifier
    weights['head.weight'] = torch.zeros(1000, 256)
    weights['head.bias'] = torch.zeros(1000)
    return weights


@pytest.mark.parametrize('seed, size', [(44900, (64, 64)), (44901, (64, 96))])
def test_golden_b0(released_b0, seed, size):
    net = PyramidVisionTransformerV2('b0').eval()
    net.load_state_dict(pvt.convert_backbone(released_b0))
    with torch.no_grad():
        maps = net(randn(seed, 2, 3, *size))
    arrays = load_arrays('avsbench_units')
    for i, out in enumerate(maps):
        name = f'pvt_b0__{size[0]}x{size[1]}_stage{i + 1}'
        assert_close(out, arrays[name], name)


@pytest.mark.parametrize(
    'variant, millions',
    # as its authors' repository lists them, with the ImageNet classifier
    [
        ('b0', 3.7),
        ('b1', 14.0),
        ('b2', 25.4),
        ('b3', 45.2),
        ('b4', 62.6),
        ('b5', 82.0),
    ],
)
def test_number_of_weights(variant, millions):
    with OnMeta():
        net = PyramidVisionTransformerV2(variant)
    total = sum(p.numel() for p in net.parameters())
    exact = dict(b0=3_409_760, b5=81_443_008)  # counted in the released code
    assert total == exact.get(variant, total)
    classifier = (net.layers[3][2].weight.numel() + 1) * 1000
    assert round((total + classifier) / 1e6, 1) == millions


def test_released_drop_path():
    """0.1 at the last of 52 blocks, growing linearly from 0."""
    with OnMeta():
        net = PyramidVisionTransformerV2('b5')
    rates = [
        block.attn.dropout_layer.drop_prob
        for _, blocks, _ in net.layers
        for block in blocks
    ]
    expected = [0.1 * i / 51 for i in range(52)]
    assert rates == pytest.approx(expected, abs=1e-6)
    ffn_rates = [b.ffn.dropout_layer.drop_prob for b in net.layers[0][1]]
    assert ffn_rates == pytest.approx(rates[:3])


def test_released_file_loads_as_it_is(released_b0, tmp_path):
    path = tmp_path / 'pvt_v2_b0.pth'
    torch.save(released_b0, path)
    init_cfg = dict(type='Pretrained', checkpoint=str(path))
    net = PyramidVisionTransformerV2('b0', init_cfg=init_cfg)
    net.init_weights()
    expected = pvt.convert_backbone(released_b0)
    for key, value in net.state_dict().items():
        assert torch.equal(value, expected[key]), key
    # and so does the backbone of a model of our own
    own = tmp_path / 'model.pth'
    weights = {f'backbone.{key}': v for key, v in expected.items()}
    torch.save(dict(state_dict=weights, meta={}), own)
    again = PyramidVisionTransformerV2(
        'b0',
        init_cfg=dict(
            type='Pretrained', checkpoint=str(own), prefix='backbone.'
        ),
    )
    again.init_weights()
    for key, value in again.state_dict().items():
        assert torch.equal(value, expected[key]), key


def test_file_of_another_variant_or_network(released_b0, tmp_path):
    path = tmp_path / 'pvt_v2_b0.pth'
    torch.save(released_b0, path)
    init_cfg = dict(type='Pretrained', checkpoint=str(path))
    net = PyramidVisionTransformerV2('b1', init_cfg=init_cfg)
    with pytest.raises(RuntimeError, match='b0.pth does not hold a PVT v2 b1'):
        net.init_weights()
    with pytest.raises(ValueError, match=r"not of a released PVT v2: \['fc.w"):
        pvt.convert_backbone({'fc.weight': torch.zeros(1)})
    with pytest.raises(ValueError, match="variant must be one of .*'b6'"):
        PyramidVisionTransformerV2('b6')


def test_random_start():
    net = PyramidVisionTransformerV2('b0')
    net.init_weights()
    weight = net.layers[3][1][0].attn.attn.in_proj_weight
    assert weight.std().item() == pytest.approx(0.02, rel=0.05)
    maps = net(torch.randn(1, 3, 64, 64))
    assert [m.shape[1] for m in maps] == [32, 64, 160, 256]
    assert all(m.isfinite().all() for m in maps)


def test_out_indices():
    net = PyramidVisionTransformerV2('b0', out_indices=(1, 3)).eval()
    maps = net(torch.randn(1, 3, 64, 96))
    assert [tuple(m.shape) for m in maps] == [(1, 64, 8, 12), (1, 256, 2, 3)]


@pytest.mark.parametrize('with_cp', [False, True])
def test_every_parameter_gets_a_gradient(with_cp):
    net = PyramidVisionTransformerV2('b0', drop_path_rate=0.0, with_cp=with_cp)
    images = torch.randn(1, 3, 64, 64)
    # Keys at the coarsest scale of a 64 px frame are one pixel, over which
    # the softmax is 1: a larger frame would give its query a gradient.
    check_gradients(net, lambda: sum(m.pow(2).sum() for m in net(images)))


@pytest.mark.parametrize('with_cp', [True, 'ffn'])
def test_recomputing_changes_no_gradient(with_cp):
    plain = PyramidVisionTransformerV2('b0', drop_path_rate=0.3).double()
    saving = PyramidVisionTransformerV2(
        'b0', drop_path_rate=0.3, with_cp=with_cp
    ).double()
    saving.load_state_dict(plain.state_dict())
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    for net in (plain, saving):
        torch.manual_seed(3)  # the same paths are dropped
        sum(m.pow(3).sum() for m in net(images)).backward()
    for first, second in zip(plain.parameters(), saving.parameters()):
        torch.testing.assert_close(first.grad, second.grad)


def test_recomputing_holds_less():
    """Of a block the cheap half, or all but what enters it."""
    held = {}
    for with_cp in (False, 'ffn', True):
        net = PyramidVisionTransformerV2('b0', with_cp=with_cp)
        live = LiveBytes()
        images = torch.zeros(1, 3, 64, 64)
        with live:
            maps = net(images)
        held[with_cp] = live.now
        assert all(m.requires_grad for m in maps)
    assert held[True] < 0.35 * held[False]
    assert held['ffn'] < 0.65 * held[False]
    with pytest.raises(ValueError, match="True, False or 'ffn', got 'fnn'"):
        PyramidVisionTransformerV2('b0', with_cp='fnn')


def test_attention_is_that_of_pytorch():
    attention = FusedAttention(16, 4).double()
    plain = torch.nn.MultiheadAttention(16, 4).double()
    torch.nn.init.normal_(attention.in_proj_bias)
    plain.load_state_dict(attention.state_dict())
    query, key = torch.randn(2, 9, 16).double(), torch.randn(2, 4, 16).double()
    query, key = query.transpose(0, 1), key.transpose(0, 1)
    torch.testing.assert_close(
        attention(query, key, key)[0], plain(query, key, key)[0]
    )
