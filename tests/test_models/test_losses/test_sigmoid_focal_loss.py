import math

import pytest
import torch

from mmavs.models.losses import FrameBCELoss, SigmoidFocalLoss


def test_hand_computed():
    """A foreground pixel at 3/4 and a background pixel at 1/2."""
    logits = torch.tensor([math.log(3), 0.0]).view(1, 1, 1, 2)
    target = torch.tensor([1, 0]).view(1, 1, 2)
    foreground = -0.25 * 0.25**2 * math.log(0.75)
    background = -0.75 * 0.5**2 * math.log(0.5)
    value = SigmoidFocalLoss()(logits, target).item()
    assert value == pytest.approx((foreground + background) / 2)


def test_without_focus_it_is_half_the_cross_entropy():
    logits, target = torch.randn(2, 1, 4, 4), torch.randint(0, 2, (2, 4, 4))
    focal = SigmoidFocalLoss(alpha=0.5, gamma=0.0)(logits, target)
    torch.testing.assert_close(focal, FrameBCELoss()(logits, target) / 2)


def test_easy_pixels_lose_weight():
    target = torch.ones(1, 1, 1, dtype=torch.long)
    easy, hard = (torch.full((1, 1, 1, 1), x) for x in (3.0, -3.0))
    ratio = [
        SigmoidFocalLoss()(x, target) / FrameBCELoss()(x, target)
        for x in (easy, hard)
    ]
    assert ratio[0] < 0.01 * ratio[1]


def test_ignored_pixels_and_empty_batches():
    logits = torch.randn(1, 1, 2, 2, requires_grad=True)
    target = torch.tensor([[[1, 255], [0, 255]]])
    value = SigmoidFocalLoss()(logits, target)
    kept = SigmoidFocalLoss()(logits[..., :1], target[..., :1])
    torch.testing.assert_close(value, kept)
    nothing = SigmoidFocalLoss()(logits, torch.full((1, 2, 2), 255))
    nothing.backward()
    assert nothing.item() == 0 and not logits.grad.any()
    assert SigmoidFocalLoss()(logits[:0], target[:0]).item() == 0


@pytest.mark.parametrize('value', [-1000.0, 1000.0])
def test_huge_logits_stay_finite(value):
    logits = torch.full((1, 1, 1, 2), value, requires_grad=True)
    loss = SigmoidFocalLoss()(logits, torch.tensor([[[0, 1]]]))
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()


def test_one_channel_only():
    with pytest.raises(ValueError, match='one channel'):
        SigmoidFocalLoss()(torch.randn(1, 3, 2, 2), torch.zeros(1, 2, 2))
