"""Both necks of AVS-BG against its released code."""

import pytest
import torch

from mmavs.models.necks import ConvBNNeck, DilatedSumNeck
from mmavs.structures import AVFeatures
from mmavs.testing import check_gradients
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    recipe_state_dict,
)


@pytest.mark.parametrize('training', [False, True])
def test_golden(training):
    recipe = recipe_state_dict(load_json('avsbg_units_recipes')['dimreduce'])
    neck = ConvBNNeck(in_channels=(12,), out_channels=8).train(training)
    # conv, norm, conv, norm, ...: the same order, other names
    own = neck.scales[0].state_dict()
    neck.scales[0].load_state_dict(dict(zip(own, recipe.values())))
    arrays = load_arrays('avsbg_units')
    x = torch.from_numpy(arrays['neck_in'])
    out = neck(AVFeatures((x,))).visual[0]
    assert_close(
        out, arrays['dimreduce_out_train' if training else 'dimreduce_out']
    )


def test_shapes_and_gradients():
    neck = ConvBNNeck(in_channels=(4, 6), out_channels=8)
    visual = (torch.randn(4, 4, 8, 6), torch.randn(4, 6, 4, 3))
    out = neck(AVFeatures(visual)).visual
    assert [x.shape for x in out] == [(4, 8, 8, 6), (4, 8, 4, 3)]
    weights = [torch.randn_like(x) for x in out]
    check_gradients(
        neck,
        lambda: sum(
            (w * x).sum()
            for w, x in zip(weights, neck(AVFeatures(visual)).visual)
        ),
    )


def test_error_names_the_widths():
    neck = ConvBNNeck(in_channels=(4, 6), out_channels=8)
    with pytest.raises(ValueError, match=r'in_channels=\(4, 6\), but gets'):
        neck(AVFeatures((torch.zeros(1, 4, 8, 8),)))


def test_golden_of_the_other_neck():
    recipe = recipe_state_dict(load_json('avsbg_units_recipes')['aspp'])
    neck = DilatedSumNeck(in_channels=(12,), out_channels=8, bias=False)
    branches = neck.scales[0].branches
    branches.load_state_dict(dict(zip(branches.state_dict(), recipe.values())))
    arrays = load_arrays('avsbg_units')
    x = torch.from_numpy(arrays['neck_in'])
    out = neck(AVFeatures((x,))).visual[0]
    assert_close(out, arrays['aspp_out'])
