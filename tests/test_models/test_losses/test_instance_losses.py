"""Matching and set losses on hand-made instances."""

import math

import pytest
import torch

from mmavs.models.losses import SilentObjectLoss
from mmavs.models.losses.instance_losses import InstanceSetLoss
from mmavs.models.task_modules.hungarian_matcher import (
    HungarianMatcher,
    bce_cost,
    dice_cost,
    focal_cost,
    sample_points,
    uncertain_points,
)

FAR = 40.0


def hard(*patterns):
    """Logits (Q, 1, 4) of hard masks, given as strings of 0 and 1."""
    rows = [[FAR if c == '1' else -FAR for c in p] for p in patterns]
    return torch.tensor(rows)[:, None]


def one(*patterns):
    rows = [[float(c) for c in p] for p in patterns]
    return torch.tensor(rows)[:, None]


def test_costs_by_hand():
    logits = torch.zeros(1, 4)  # probability one half
    target = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    # alpha (1-s)^2 ln 2 inside, (1-alpha) s^2 ln 2 outside
    focal = (0.25 * 0.25 + 0.75 * 0.25) / 2 * math.log(2)
    assert float(focal_cost(logits, target, True)) == pytest.approx(focal)
    assert float(bce_cost(logits, target, True)) == pytest.approx(math.log(2))
    # 1 - (2 * 1 + 1) / (2 + 2 + 1)
    assert float(dice_cost(logits, target, True)) == pytest.approx(0.4)


@pytest.mark.parametrize('cost', [focal_cost, bce_cost, dice_cost])
def test_all_pairs_hold_the_paired_costs(cost):
    logits, target = torch.randn(3, 50), (torch.rand(3, 50) > 0.5).float()
    every = cost(logits, target, False)
    torch.testing.assert_close(every.diagonal(), cost(logits, target, True))
    torch.testing.assert_close(
        every[0, 2:], cost(logits[:1], target[2:], True)
    )


def test_matcher_finds_the_masks():
    matcher = HungarianMatcher(1.0, 20.0, 1.0)
    class_logits = torch.zeros(2, 3, 3)
    mask_logits = torch.stack([hard('0011', '1100', '0110')] * 2)
    masks = [one('1100', '0011'), one('1111')[:0]]
    labels = [torch.tensor([0, 1]), torch.zeros(0, dtype=torch.long)]
    matches = matcher(class_logits, mask_logits, labels, masks)
    assert matches[0][0].tolist() == [0, 1]
    assert matches[0][1].tolist() == [1, 0]
    assert len(matches[1][0]) == 0


def test_category_decides_between_equal_masks():
    matcher = HungarianMatcher(1.0, 20.0, 1.0)
    class_logits = torch.tensor([[[0.0, 9.0, 0.0], [9.0, 0.0, 0.0]]])
    mask_logits = hard('1100', '1100')[None]
    matches = matcher(
        class_logits, mask_logits, [torch.tensor([0])], [one('1100')]
    )
    assert matches[0][0].tolist() == [1]


def test_diverged_predictions_are_named():
    matcher = HungarianMatcher(1.0, 20.0, 1.0)
    with pytest.raises(FloatingPointError, match='diverged'):
        matcher(
            torch.full((1, 2, 3), float('nan')),
            hard('1100', '0011')[None],
            [torch.tensor([0])],
            [one('1100')],
        )


def test_losses_by_hand():
    loss = InstanceSetLoss(num_categories=2)
    class_logits = torch.zeros(1, 3, 3)  # every class at one third
    mask_logits = torch.zeros(1, 3, 1, 4)
    mask_logits[0, 1] = hard('1100')[0]
    losses, unmatched = loss(
        class_logits, mask_logits, [torch.tensor([1])], [one('1100')]
    )
    assert unmatched.tolist() == [[True, False, True]]
    # the weights of "no object" cancel where all costs are equal
    assert float(losses['loss_cls']) == pytest.approx(math.log(3))
    assert float(losses['loss_mask']) == pytest.approx(0, abs=1e-6)
    assert float(losses['loss_dice']) == pytest.approx(0, abs=1e-6)


def test_no_object_weight():
    class_logits = torch.zeros(1, 2, 3)
    class_logits[0, 0, 0] = 3.0  # right about the object
    class_logits[0, 1, 0] = 3.0  # wrong: it answers for none
    mask_logits = torch.stack([hard('1100')[0], hard('0011')[0]])[None]
    targets = ([torch.tensor([0])], [one('1100')])
    right = -torch.log_softmax(torch.tensor([3.0, 0, 0]), 0)[0]
    wrong = -torch.log_softmax(torch.tensor([3.0, 0, 0]), 0)[2]
    for weight in (0.1, 1.0):
        loss = InstanceSetLoss(2, no_object_weight=weight)
        losses, _ = loss(class_logits, mask_logits, *targets)
        expected = (right + weight * wrong) / (1 + weight)
        assert float(losses['loss_cls']) == pytest.approx(float(expected))


def test_mask_losses_touch_matched_queries_only():
    loss = InstanceSetLoss(num_categories=2)
    mask_logits = torch.randn(1, 5, 4, 4, requires_grad=True)
    losses, unmatched = loss(
        torch.randn(1, 5, 3),
        mask_logits,
        [torch.tensor([0, 1])],
        [(torch.rand(2, 16, 16) > 0.5).float()],
    )
    (losses['loss_mask'] + losses['loss_dice']).backward()
    reached = mask_logits.grad.abs().sum((-1, -2)) > 0
    assert torch.equal(reached, ~unmatched)


@pytest.mark.parametrize('num_points', [None, 16])
@pytest.mark.parametrize('num_frames', [0, 2])
def test_nothing_to_find(num_points, num_frames):
    loss = InstanceSetLoss(num_categories=2, num_points=num_points)
    class_logits = torch.randn(num_frames, 4, 3, requires_grad=True)
    mask_logits = torch.randn(num_frames, 4, 4, 4, requires_grad=True)
    losses, unmatched = loss(
        class_logits,
        mask_logits,
        [torch.zeros(0, dtype=torch.long)] * num_frames,
        [torch.zeros(0, 16, 16)] * num_frames,
    )
    assert bool(unmatched.all())
    assert not losses['loss_mask'].any() and not losses['loss_dice'].any()
    assert bool(losses['loss_cls'] > 0) == (num_frames > 0)
    sum(losses.values()).backward()


def test_half_precision_without_objects():
    loss = InstanceSetLoss(num_categories=2)
    losses, _ = loss(
        torch.zeros(1, 4, 3, dtype=torch.float16),
        torch.full((1, 4, 90, 90), 9.0, dtype=torch.float16),
        [torch.zeros(0, dtype=torch.long)],
        [torch.zeros(0, 90, 90)],
    )
    assert all(bool(torch.isfinite(value)) for value in losses.values())


def test_points():
    maps = torch.arange(4.0).view(1, 2, 2)
    points = torch.tensor([[[0.25, 0.25], [0.75, 0.25], [0.5, 0.75]]])
    assert sample_points(maps, points).tolist() == [[0.0, 1.0, 2.5]]
    assert sample_points(maps.double(), points).dtype == torch.float64
    # rising from left to right: the edge of the mask is at 0.5
    edge = torch.linspace(-9, 9, 64).expand(1, 64, 64)
    chosen = uncertain_points(edge, 100)[0, :, 0]
    near = ((chosen - 0.5).abs() < 0.2).sum()
    assert 75 <= near < 100  # about 40 if all were drawn evenly


def test_unknown_mask_loss():
    with pytest.raises(ValueError, match="'bce', 'focal'"):
        InstanceSetLoss(2, mask_loss='dice')


def test_sums_and_counts_add_up_over_ranks(monkeypatch):
    """What ranks divide is additive, so the mean is that of one process."""
    recorded = []

    def record(total, count):
        recorded.append((float(total.detach()), float(count)))
        return total / count.clamp(min=1)

    for module in ('instance_losses', 'silent_object_loss'):
        monkeypatch.setattr(
            f'mmavs.models.losses.{module}.mean_over_ranks', record
        )
    set_loss, silent_loss = InstanceSetLoss(3), SilentObjectLoss()
    class_logits = torch.randn(4, 5, 4)
    mask_logits = torch.randn(4, 5, 8, 8)
    numbers = (2, 0, 1, 3)
    labels = [torch.arange(n) for n in numbers]
    masks = [(torch.rand(n, 8, 8) > 0.5).float() for n in numbers]
    union = torch.stack([m.sum(0).clamp(max=1) for m in masks])

    def compute(part):
        recorded.clear()
        _, unmatched = set_loss(
            class_logits[part], mask_logits[part], labels[part], masks[part]
        )
        silent_loss(mask_logits[part], unmatched, union[part])
        return torch.tensor(recorded)

    ranks = compute(slice(0, 1)) + compute(slice(1, 4))
    torch.testing.assert_close(ranks, compute(slice(0, 4)))
    assert ranks[:, 1].tolist() == pytest.approx([6 + 14 * 0.1, 6, 6, 4])
