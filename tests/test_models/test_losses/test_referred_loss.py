"""The cross-entropy of CATR's queries, summed by hand."""

import math

import pytest
import torch

from mmavs.models.losses import ReferredLoss


def test_sum_over_queries_mean_over_frames():
    logits = torch.zeros(2, 3, 2)
    logits[0, 0] = torch.tensor([math.log(3.0), 0.0])  # p = 3/4, 1/4
    wanted = torch.tensor([[0, 1, 1], [1, 1, 1]])
    loss = ReferredLoss(no_object_weight=0.1, loss_weight=2.0)
    half = math.log(2)
    expected = 2.0 * (-math.log(0.75) + 0.1 * 5 * half) / 2
    assert float(loss(logits, wanted)) == pytest.approx(expected)


def test_no_frame():
    logits = torch.zeros(0, 3, 2, requires_grad=True)
    loss = ReferredLoss()(logits, torch.zeros(0, 3, dtype=torch.long))
    assert float(loss.detach()) == 0
    loss.backward()
