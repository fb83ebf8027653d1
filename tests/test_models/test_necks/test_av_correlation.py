"""The audio-visual fused module against Eq. 1 and the released code."""

import pytest
import torch

from mmavs.models.necks import AVCorrelation
from mmavs.models.necks.av_correlation import l2_normalise
from mmavs.structures import AVFeatures
from mmavs.testing import check_gradients
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    recipe_state_dict,
)


def golden_neck():
    recipe = recipe_state_dict(load_json('avsbg_units_recipes')['avcorr'])
    neck = AVCorrelation(in_channels=(32,), audio_channels=32)
    weights = dict(zip(('0.weight', '1.weight', '2.weight'), recipe.values()))
    neck.blocks['0'].convs.load_state_dict(weights)
    return neck


def test_golden():
    arrays = load_arrays('avsbg_units')
    features = AVFeatures(
        (torch.from_numpy(arrays['avcorr_visual']),),
        torch.from_numpy(arrays['avcorr_audio']),
    )
    neck = golden_neck()
    out = neck(features)
    assert_close(out.visual[0], arrays['avcorr_out'])
    sound = torch.from_numpy(arrays['avcorr_audio_norm_BCT'])
    assert_close(out.aligned_audio[0], sound.transpose(1, 2).reshape(10, 32))
    gate = neck.attention_maps(features)[0].detach()
    low, high = load_json('avsbg_units')['avcorr_attention_range']
    assert float(gate.min()) == pytest.approx(low, abs=2e-6)
    assert float(gate.max()) == pytest.approx(high, abs=2e-6)


def naive(x, a, weights, literal):
    """Eq. 1 and the gate, one position at a time."""
    x = x / (x**2).sum(1, keepdim=True).add(1e-6).sqrt()
    a = a / (a**2).sum(1, keepdim=True).add(1e-6).sqrt()
    corr = torch.einsum('nchw,nc->nchw', x, a)
    if literal:
        corr = torch.einsum('nchw->nc', corr)[..., None, None]
    for weight, padding in zip(weights, (0, 3, 0)):
        corr = torch.nn.functional.conv2d(corr, weight, padding=padding)
    return x * (1 + corr.sigmoid())


@pytest.mark.parametrize('correlation', ['product', 'sum'])
def test_equals_the_equation(correlation):
    neck = AVCorrelation((8, 8), 8, correlation=correlation).double()
    visual = (
        torch.randn(4, 8, 5, 6).double(),
        torch.randn(4, 8, 2, 3).double(),
    )
    audio = torch.randn(4, 8).double()
    out = neck(AVFeatures(visual, audio)).visual
    for x, fused, block in zip(visual, out, neck.blocks.values()):
        weights = [conv.weight for conv in block.convs]
        expected = naive(x, audio, weights, correlation == 'sum')
        torch.testing.assert_close(fused, expected)


def test_literal_equation_cannot_localise():
    neck = AVCorrelation((8,), 8, correlation='sum')
    features = AVFeatures((torch.randn(3, 8, 4, 5),), torch.randn(3, 8))
    (gate,) = neck.attention_maps(features)
    assert gate.shape == (3, 4, 5)
    assert torch.equal(gate, gate[:, :1, :1].expand_as(gate))
    assert len(gate[:, 0, 0].unique()) == 3


def test_length_of_the_map_is_lost_and_of_the_sound_ignored():
    neck = AVCorrelation((8,), 8)
    x, a = torch.randn(2, 8, 4, 4), torch.randn(2, 8)
    out = neck(AVFeatures((x,), a)).visual[0]
    louder = neck(AVFeatures((7 * x,), 5 * a)).visual[0]
    torch.testing.assert_close(out, louder, rtol=1e-4, atol=1e-5)


def test_each_frame_hears_its_own_second():
    neck = AVCorrelation((8,), 8)
    x, a = torch.randn(6, 8, 4, 4), torch.randn(6, 8)
    out = neck(AVFeatures((x,), a)).visual[0]
    a[4] = torch.randn(8)
    moved = (neck(AVFeatures((x,), a)).visual[0] != out).flatten(1).any(1)
    assert moved.tolist() == [False] * 4 + [True, False]


def test_no_stage_builds_and_changes_nothing():
    neck = AVCorrelation((8, 8), 8, stages=())
    features = AVFeatures((torch.randn(2, 8, 4, 4),) * 2)
    assert not list(neck.parameters())
    assert neck(features) is features
    assert neck.attention_maps(features) == ()


@pytest.mark.parametrize('audio_channels', [8, 20])
def test_every_parameter_gets_a_gradient(audio_channels):
    neck = AVCorrelation((8, 8), audio_channels)
    visual = (torch.randn(2, 8, 9, 9), torch.randn(2, 8, 4, 4))
    tokens = torch.randn(2, 3, audio_channels)  # averaged
    check_gradients(
        neck,
        lambda: sum(
            (level * level.roll(1, 0)).sum()
            for level in neck(AVFeatures(visual, tokens)).visual
        ),
    )


def test_zero_vectors_stay_zero_with_finite_gradient():
    x = torch.zeros(1, 4, 2, 2, requires_grad=True)
    out = l2_normalise(x)
    out.sum().backward()
    assert out.abs().sum() == 0
    assert torch.allclose(x.grad, torch.full_like(x, 1e3))  # 1 / sqrt(1e-6)


def test_float16_sum_of_squares_does_not_overflow():
    x = torch.full((1, 4, 1, 1), 300.0, dtype=torch.float16)
    out = l2_normalise(x)
    assert out.dtype == torch.float16 and torch.allclose(out, 0.5 + 0 * out)


def test_errors():
    with pytest.raises(ValueError, match="must be one of .*got 'cosine'"):
        AVCorrelation((8,), 8, correlation='cosine')
    neck = AVCorrelation((8,), 8)
    with pytest.raises(ValueError, match='model has no audio_encoder'):
        neck(AVFeatures((torch.zeros(2, 8, 4, 4),)))
    with pytest.raises(ValueError, match='2 frames came with 3 seconds'):
        neck(AVFeatures((torch.zeros(2, 8, 4, 4),), torch.zeros(3, 8)))
