"""TPAVI against figures of the released code."""

import pytest
import torch

from mmavs.models.necks import TPAVI
from mmavs.structures import AVFeatures
from mmavs.testing.golden import assert_close, load_arrays, load_json
from mmavs.weights.released import avsbench


def golden_neck(name, **options):
    """TPAVI with the weights of the released module."""
    arrays = load_arrays('avsbench_units')
    weights = {
        f'tpavi_b1.{key.split("::")[1]}': torch.from_numpy(value)
        for key, value in arrays.items()
        if key.startswith(f'{name}_w::')
    }
    neck = TPAVI([32], 128, align_bias=name == 'tpavi', **options)
    weights = {
        key.removeprefix('neck.1.'): value
        for key, value in avsbench.convert(weights).items()
    }
    own = neck.state_dict()
    neck.load_state_dict({k: v for k, v in weights.items() if k in own})
    return neck, arrays


def golden_features(arrays, **grad):
    x = torch.from_numpy(arrays['tpavi__in_x']).requires_grad_(**grad)
    audio = torch.from_numpy(arrays['tpavi__in_audio']).requires_grad_(**grad)
    visual = (x.transpose(1, 2).flatten(0, 1),)
    return AVFeatures(visual, audio.flatten(0, 1)), x, audio


def as_released(maps):
    """(B*5, C, H, W) -> (B, C, 5, H, W)."""
    return maps.unflatten(0, (-1, 5)).transpose(1, 2)


@pytest.mark.parametrize('name', ['tpavi', 'tpavi_avss'])
def test_golden_audio_visual(name):
    neck, arrays = golden_neck(name)
    features, _, _ = golden_features(arrays, requires_grad=False)
    fused = neck.eval()(features._replace(num_frames=5))
    assert_close(as_released(fused.visual[0]), arrays[f'{name}__eval_va_out'])
    aligned = fused.aligned_audio[0].unflatten(0, (-1, 5))
    assert_close(aligned, arrays[f'{name}__eval_va_audio_aligned'])
    assert fused.audio is features.audio


def test_golden_visual_visual():
    neck, arrays = golden_neck('tpavi', mode='visual-visual')
    features, _, _ = golden_features(arrays, requires_grad=False)
    fused = neck.eval()(features._replace(audio=None)._replace(num_frames=5))
    assert_close(as_released(fused.visual[0]), arrays['tpavi__eval_vv_out'])
    assert fused.aligned_audio == ()


def test_golden_training():
    neck, arrays = golden_neck('tpavi')
    features, x, audio = golden_features(arrays)
    fused = as_released(
        neck.train()(features._replace(num_frames=5)).visual[0]
    )
    assert_close(fused, arrays['tpavi__train_va_out'])
    block = neck.blocks['0']
    for statistic in ('running_mean', 'running_var'):
        assert_close(
            getattr(block.rho_norm, statistic),
            arrays[f'tpavi__train_bn_{statistic}_after'],
        )
    fused.backward(torch.from_numpy(arrays['tpavi__in_g']))
    assert_close(x.grad, arrays['tpavi__train_grad_x'])
    assert_close(audio.grad, arrays['tpavi__train_grad_audio'])
    sums = load_json('avsbench_units')['tpavi_train_param_grad_abs_sum']
    renamed = avsbench.convert({f'tpavi_b1.{k}': x for k in sums})
    for (key, expected), name in zip(sums.items(), renamed):
        gradient = neck.get_parameter(name.removeprefix('neck.1.')).grad
        if key == 'W_z.0.bias':  # BatchNorm takes a bias away: 0 but for noise
            assert float(gradient.abs().sum()) < 0.01
        else:
            total = float(gradient.double().abs().sum())
            assert total == pytest.approx(expected, rel=1e-4)
