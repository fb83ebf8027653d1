"""The decoder of AVS-BG: AVSFPNHead with nearest upsampling."""

import pytest
import torch

from mmavs.models.decode_heads import AVSFPNHead
from mmavs.models.decode_heads.avs_fpn_head import ResidualUnit
from mmavs.structures import AVFeatures
from mmavs.testing import check_gradients
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    randn,
    recipe_state_dict,
)
from mmavs.weights.released import avsbg


def build(width, channels):
    return AVSFPNHead(
        in_channels=[width] * 4,
        channels=channels,
        relu_skip=False,
        relu_first=False,
        upsample_mode='nearest',
        norm_cfg=dict(type='BN'),
    )


def test_golden():
    weights = recipe_state_dict(load_json('avsbg_units_recipes')['decoder'])
    weights = avsbg.convert({f'decoder.{k}': v for k, v in weights.items()})
    head = build(16, (8, 4)).eval()
    head.load_state_dict(
        {k.removeprefix('decode_head.'): v for k, v in weights.items()}
    )
    visual = tuple(
        randn(90460 + i, 5, 16, size, size)
        for i, size in enumerate((16, 8, 4, 2))
    )
    output = head(AVFeatures(visual))
    assert_close(output.logits, load_arrays('avsbg_units')['decoder_out'])
    assert output.features.visual == visual


def test_unit_with_relu_last():
    unit = ResidualUnit(3, dict(type='BN'), relu_skip=False, relu_first=False)
    x = torch.randn(2, 3, 5, 5)
    out = unit.eval()(x)
    hidden = torch.relu(unit.conv1.bn(unit.conv1.conv(x)))
    expected = x + torch.relu(unit.conv2.bn(unit.conv2.conv(hidden)))
    torch.testing.assert_close(out, expected)


def test_maps_of_uneven_size():
    head = build(8, (8, 4))
    visual = tuple(torch.randn(2, 8, s, s + 1) for s in (13, 7, 4, 2))
    assert head(AVFeatures(visual)).logits.shape == (2, 1, 52, 56)


def test_every_parameter_gets_a_gradient():
    head = build(8, (8, 4))
    visual = tuple(torch.randn(2, 8, s, s) for s in (8, 4, 2, 1))
    weight = torch.randn(2, 1, 32, 32)
    check_gradients(
        head, lambda: (head(AVFeatures(visual)).logits * weight).sum()
    )


def test_unknown_mode():
    with pytest.raises(ValueError, match="'nearest', got 'bicubic'"):
        AVSFPNHead(upsample_mode='bicubic')
