"""Losses on labelled frames, by hand and against released figures."""

import math

import pytest
import torch

from mmavs.models.losses import (
    FrameBCELoss,
    FrameCrossEntropyLoss,
    FrameDiceLoss,
    mean_over_ranks,
)
from mmavs.testing.golden import assert_close, load_arrays, load_json, randn


def golden_ms3():
    arrays = load_arrays('avsbench_losses')
    logits = torch.from_numpy(arrays['ms3_pred']).requires_grad_()
    return logits, torch.from_numpy(arrays['ms3_gt'][:, 0]).long(), arrays


@pytest.mark.parametrize('on_probabilities', [True, False])
def test_bce_golden_ms3(on_probabilities):
    logits, target, arrays = golden_ms3()
    loss = FrameBCELoss(on_probabilities=on_probabilities)(logits, target)
    expected = load_json('avsbench_losses')['ms3_F5_IoU_BCELoss']
    assert float(loss.detach()) == pytest.approx(expected['value'], rel=1e-5)
    loss.backward()
    assert_close(logits.grad, arrays['ms3_bce_grad_pred'])


def test_bce_golden_s4_first_frame():
    logits, target, arrays = golden_ms3()
    loss = FrameBCELoss(on_probabilities=True)(logits[::5], target[::5])
    expected = load_json('avsbench_losses')['s4_F1_IoU_BCELoss']
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert_close(logits.grad, arrays['s4_bce_grad_pred'])


def test_bce_golden_saturated():
    """Logs of saturated probabilities are clamped in the released code."""
    logits, target, _ = golden_ms3()
    figures = load_json('avsbench_losses')
    figures = figures['ms3_F5_IoU_BCELoss_logits_x100']
    clamped = FrameBCELoss(on_probabilities=True)(logits * 100, target)
    exact = FrameBCELoss()(logits * 100, target)
    assert float(clamped.detach()) == pytest.approx(figures['value'], rel=1e-5)
    expected = figures['with_logits_would_be']
    assert float(exact.detach()) == pytest.approx(expected, rel=1e-5)


def test_bce_by_hand():
    logits = torch.tensor([0.0, 0.0, 2.0]).view(1, 1, 1, 3)
    target = torch.tensor([[[1, 0, 255]]])
    for on_probabilities in (True, False):
        loss = FrameBCELoss(on_probabilities=on_probabilities, loss_weight=2.0)
        value = float(loss(logits, target))
        assert value == pytest.approx(2 * math.log(2))
    # another label than 255 is ignored where the head says so
    assert float(FrameBCELoss()(logits, target, ignore_index=0)) < 0.5


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_bce_on_probabilities_under_autocast(dtype):
    logits, target, _ = golden_ms3()
    logits = logits.detach()
    loss = FrameBCELoss(on_probabilities=True)
    with torch.autocast('cpu', dtype=dtype):
        value = loss(logits.to(dtype), target)
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(float(loss(logits, target)), abs=0.01)


def test_dice_by_hand():
    logits = torch.tensor([0.0, 0.0, 0.0, 0.0]).view(2, 1, 1, 2)
    target = torch.tensor([[[1, 0]], [[0, 0]]])
    # frame 1: overlap 0.5, sizes 1 and 1; frame 2 is empty
    plain = 1 - (2 * 0.5 + 1) / (1 + 1 + 1)
    assert float(FrameDiceLoss()(logits, target)) == pytest.approx(plain)
    squared = FrameDiceLoss(
        squared=True, smooth_nr=0, smooth_dr=0.002, skip_empty=False
    )
    expected = (1 - 1 / (0.5 + 1 + 0.002) + 1) / 2
    assert float(squared(logits, target)) == pytest.approx(expected)


def test_dice_ignores_pixels():
    logits = torch.tensor([3.0, -1.0, 9.0]).view(1, 1, 1, 3)
    target = torch.tensor([[[1, 0, 255]]])
    expected = FrameDiceLoss()(logits[..., :2], target[..., :2])
    torch.testing.assert_close(FrameDiceLoss()(logits, target), expected)


def golden_avss():
    arrays = load_arrays('avsbench_losses')
    logits = randn(60100, 20, 5, 32, 32, scale=2.0).requires_grad_()
    labeled = torch.from_numpy(arrays['avss_flag']).bool()
    return logits, torch.from_numpy(arrays['avss_gt']).long(), labeled


def test_cross_entropy_golden():
    logits, target, labeled = golden_avss()
    figures = load_json('avsbench_losses')
    loss = FrameCrossEntropyLoss()(logits[labeled], target[labeled])
    expected = figures['avss_F10_IoU_BCELoss']
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    loss.backward()
    total = float(logits.grad.double().abs().sum())
    expected = figures['avss_F10_grad_pred']['abs_sum']
    assert total == pytest.approx(expected, rel=1e-4)
    every = FrameCrossEntropyLoss()(logits, target)
    expected = figures['avss_F10_all_ones_flag']
    assert float(every.detach()) == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_weighs_frames_not_pixels():
    logits = torch.zeros(2, 4, 1, 3)
    logits[0, 1] = 1000.0  # frame 1 is certain of class 1
    target = torch.tensor([[[1, 1, 1]], [[2, 255, 255]]])
    loss = FrameCrossEntropyLoss()(logits, target)
    assert float(loss) == pytest.approx(math.log(4) / 2)


LOSSES = [FrameBCELoss, FrameDiceLoss, FrameCrossEntropyLoss]


@pytest.mark.parametrize('kind', LOSSES)
def test_nothing_labelled(kind):
    channels = 3 if kind is FrameCrossEntropyLoss else 1
    for frames, label in ((0, 0), (2, 255)):
        logits = torch.randn(frames, channels, 4, 4, requires_grad=True)
        target = torch.full((frames, 4, 4), label)
        loss = kind()(logits, target)
        assert float(loss.detach()) == 0
        loss.backward()
        assert not logits.grad.any()


@pytest.mark.parametrize('kind', LOSSES)
def test_wrong_channels(kind):
    channels = 1 if kind is FrameCrossEntropyLoss else 2
    with pytest.raises(ValueError, match='Fix: set out_channels='):
        kind()(torch.zeros(1, channels, 2, 2), torch.zeros(1, 2, 2).long())


def test_a_loss_of_ones_own_divides_as_these_do():
    total = torch.tensor(6.0, requires_grad=True)
    assert mean_over_ranks(total, torch.tensor(3)).item() == 2
    # weights may add up to less than one thing
    assert mean_over_ranks(total, torch.tensor(0.5)).item() == 12
    many = mean_over_ranks(total.half(), torch.tensor(10**6))
    assert many.item() == pytest.approx(6e-6)
    nothing = mean_over_ranks(total * 0, torch.tensor(0))
    assert nothing.item() == 0 and nothing.requires_grad


def test_name_and_weight_are_the_bases():
    logits = torch.zeros(1, 1, 2, 2)
    target = torch.tensor([[[1, 0], [1, 0]]])
    plain = FrameDiceLoss()
    named = FrameDiceLoss(loss_weight=3.0, loss_name='loss_other')
    assert (plain.loss_name, named.loss_name) == ('loss_dice', 'loss_other')
    value = float(named(logits, target))
    assert value == pytest.approx(3 * float(plain(logits, target)))
    with pytest.raises(TypeError, match="'smooth'"):
        FrameDiceLoss(smooth=1.0)
