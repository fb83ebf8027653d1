import pytest
import torch
import torch.nn.functional as F

from mmavs.models.losses import ClassDiceLoss


def written_out(logits, target):
    """Frame by frame and class by class, from the formula."""
    terms = []
    for scores, labels in zip(logits, target):
        keep = labels != 255
        prob = scores.softmax(0)
        for k in range(len(scores)):
            truth = ((labels == k) & keep).float()
            if not truth.any():
                continue
            s = prob[k] * keep
            overlap = 2 * (s * truth).sum() + 1
            size = s.square().sum() + truth.sum() + 1
            terms.append(1 - overlap / size)
    return torch.stack(terms).mean()


def test_equals_the_formula():
    logits, target = torch.randn(3, 4, 5, 6), torch.randint(0, 3, (3, 5, 6))
    target[0, :2] = 255
    target[1] = 1  # one class alone
    torch.testing.assert_close(
        ClassDiceLoss()(logits, target), written_out(logits, target)
    )


def test_perfect_prediction_costs_nothing():
    target = torch.randint(0, 3, (2, 4, 4))
    logits = 50.0 * F.one_hot(target, 3).permute(0, 3, 1, 2)
    assert ClassDiceLoss()(logits, target).item() == pytest.approx(0, abs=1e-6)


def test_nothing_labelled_is_zero_and_attached():
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    value = ClassDiceLoss()(logits, torch.full((1, 2, 2), 255))
    value.backward()
    assert value.item() == 0 and not logits.grad.any()
    background = torch.zeros(1, 2, 2, dtype=torch.long)
    assert ClassDiceLoss()(logits[:0], background[:0]).item() == 0


def test_one_channel_has_no_classes():
    with pytest.raises(ValueError, match='FrameDiceLoss'):
        ClassDiceLoss()(torch.randn(1, 1, 2, 2), torch.zeros(1, 2, 2))
