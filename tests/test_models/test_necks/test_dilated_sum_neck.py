"""The baseline's "ASPP" against released figures and its meaning."""

import pytest
import torch

from mmavs.models.necks import DilatedSumNeck
from mmavs.structures import AVFeatures
from mmavs.testing import check_gradients
from mmavs.testing.golden import assert_close, load_arrays, randn
from mmavs.weights.released import avsbench


@pytest.mark.parametrize('size', ['7x7', '14x10', '40x40'])
def test_golden(size):
    arrays = load_arrays('avsbench_units')
    weights = avsbench.convert(
        {
            f'conv1.{key.split("::")[1]}': torch.from_numpy(value)
            for key, value in arrays.items()
            if key.startswith('classifier_w::')
        }
    )
    neck = DilatedSumNeck([12], out_channels=8)
    neck.load_state_dict(
        {key.removeprefix('neck.0.'): v for key, v in weights.items()}
    )
    if size == '40x40':
        x = randn(43140, 1, 12, 40, 40)
    else:
        x = torch.from_numpy(arrays[f'classifier__in_{size}'])
    out = neck(AVFeatures((x,))).visual[0]
    assert_close(out, arrays[f'classifier__out_{size}'])


def test_start_and_width():
    neck = DilatedSumNeck([64, 128])
    widths = [scale.branches[0].out_channels for scale in neck.scales]
    assert widths == [256, 256]
    dilations = [b.dilation[0] for b in neck.scales[1].branches]
    assert dilations == [3, 6, 12, 18]
    weights = torch.cat([b.weight.flatten() for b in neck.scales[1].branches])
    assert weights.std().item() == pytest.approx(0.01, rel=0.01)
    assert weights.mean().abs() < 1e-4


def test_gradients_and_errors():
    neck = DilatedSumNeck([3, 2], out_channels=4)
    given = AVFeatures((torch.randn(2, 3, 9, 9), torch.randn(2, 2, 5, 5)))
    check_gradients(
        neck, lambda: sum(x.pow(2).sum() for x in neck(given).visual)
    )
    with pytest.raises(ValueError, match=r'gets \(2,\). Fix: set in_chan'):
        neck(given._replace(visual=given.visual[1:]))
