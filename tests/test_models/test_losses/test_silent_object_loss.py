"""L_soas by hand."""

import pytest
import torch

from mmavs.models.losses import SilentObjectLoss

FAR = 40.0  # a logit whose sigmoid is 0 or 1


def masks(*patterns):
    """Logits (1, Q, 1, 4) of hard masks, given as strings of 0 and 1."""
    rows = [[FAR if c == '1' else -FAR for c in p] for p in patterns]
    return torch.tensor(rows)[None, :, None]


def test_by_hand():
    logits = masks('1100', '0110', '0011', '1111')
    union = torch.tensor([[[1, 1, 0, 0]]])
    unmatched = torch.tensor([[False, True, True, True]])
    # overlap over union: 1/3, 0/4, 2/4; the first query is matched
    loss = SilentObjectLoss()(logits, unmatched, union)
    assert float(loss) == pytest.approx(1 / 3 + 0 + 1 / 2)
    loss = SilentObjectLoss(reduction='mean')(logits, unmatched, union)
    assert float(loss) == pytest.approx((1 / 3 + 0 + 1 / 2) / 3)


def test_the_sum_grows_with_the_queries_and_the_mean_does_not():
    union = torch.tensor([[[1, 1, 0, 0]]])
    for reduction, factor in (('sum', 10), ('mean', 1)):
        loss = SilentObjectLoss(reduction=reduction)
        few, many = (
            loss(masks(*['0110'] * n), torch.ones(1, n).bool(), union)
            for n in (10, 100)
        )
        assert float(many) == pytest.approx(factor * float(few))
    with pytest.raises(ValueError, match="reduction must be.*got 'none'"):
        SilentObjectLoss(reduction='none')


def test_soft_masks():
    logits = torch.zeros(1, 1, 1, 4)  # one half everywhere
    union = torch.tensor([[[1, 1, 1, 0]]])
    loss = SilentObjectLoss(loss_weight=2.0)(
        logits, torch.tensor([[True]]), union
    )
    # 1.5 of overlap, 2 + 3 - 1.5 of union
    assert float(loss) == pytest.approx(2 * 1.5 / 3.5)


def test_mean_over_frames_and_silence():
    logits = masks('1100').expand(2, -1, -1, -1)
    union = torch.tensor([[[1, 1, 0, 0]], [[0, 0, 0, 0]]])
    loss = SilentObjectLoss()(logits, torch.ones(2, 1).bool(), union)
    assert float(loss) == pytest.approx((1 + 0) / 2)


def test_matched_queries_get_no_gradient():
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    union = torch.ones(2, 4, 4)
    unmatched = torch.tensor([[True, False, True], [False, False, True]])
    SilentObjectLoss()(logits, unmatched, union).backward()
    reached = logits.grad.abs().sum((-1, -2)) > 0
    assert torch.equal(reached, unmatched)


def test_union_is_brought_to_the_size_of_the_masks():
    logits = masks('1100')
    union = torch.zeros(1, 2, 8)
    union[..., :4] = 1
    loss = SilentObjectLoss()(logits, torch.tensor([[True]]), union)
    assert float(loss) == pytest.approx(1)


def test_without_labelled_frame():
    logits = torch.randn(0, 3, 4, 4, requires_grad=True)
    loss = SilentObjectLoss()(
        logits, torch.zeros(0, 3).bool(), torch.zeros(0, 4, 4)
    )
    assert float(loss.detach()) == 0
    loss.backward()


def test_half_precision_does_not_overflow():
    logits = torch.full((1, 2, 300, 300), 5.0, dtype=torch.float16)
    loss = SilentObjectLoss()(
        logits, torch.ones(1, 2).bool(), torch.ones(1, 300, 300)
    )
    share = float(torch.tensor(5.0).sigmoid())
    assert float(loss) == pytest.approx(2 * share, rel=1e-3)
