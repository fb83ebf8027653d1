"""What operations cost, and what the machine could do, by hand."""

import pytest
import torch
from torch import nn

from mmavs.analysis import limits
from mmavs.analysis.limits import (
    Cost,
    Ledger,
    Peak,
    account,
    costliest,
    measure_peak,
)

CPU = torch.device('cpu')


def costs_of(peak, run):
    ledger = Ledger(peak, CPU)
    with ledger:
        run()
    return ledger.by_operation()


def test_a_product_by_hand():
    left, right = torch.zeros(4, 8), torch.zeros(8, 16)
    peak = Peak(operations=1e3, bytes=1e2, call=1e-3)
    (name, cost), *others = costs_of(
        peak, lambda: left @ right.view(8, 16)
    ).items()
    assert name == 'mm' and not others  # a view moves nothing
    assert cost.calls == 1 and cost.seconds > 0
    assert cost.operations == 2 * 4 * 8 * 16
    assert cost.bytes == 4 * (4 * 8 + 8 * 16 + 4 * 16)
    assert cost.limit == pytest.approx(896 / 1e2)
    assert cost.bound == 'bytes'
    slow = Peak(operations=10, bytes=1e2, call=1e-3)
    cost = costs_of(slow, lambda: left @ right)['mm']
    assert (cost.limit, cost.bound) == (pytest.approx(102.4), 'operations')
    late = Peak(operations=1e3, bytes=1e2, call=20.0)
    cost = costs_of(late, lambda: left @ right)['mm']
    assert (cost.limit, cost.bound) == (20.0, 'calls')


def test_memory_is_counted_once():
    """In place, the same tensor twice, one number seen as many."""
    x, wide = torch.zeros(50), torch.zeros(1).expand(50)
    peak = Peak(1.0, 1.0, 0.0)
    assert costs_of(peak, lambda: x.add_(x))['add_'].bytes == 4 * 50
    found = costs_of(peak, lambda: x + wide)['add']
    assert found.bytes == 4 * (50 + 1 + 50)
    assert found.operations == 0  # of products, as get_flops counts
    assert costs_of(peak, lambda: torch.empty(50))['empty'].bytes == 0


def test_costs_go_to_the_part_that_runs():
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    x = torch.zeros(3, 4)
    parts, operations = account(
        lambda: net(x) * 2,
        dict(first=[net[0]], rest=[net[1], net[2]]),
        Peak(1.0, 1.0, 0.0),
        CPU,
    )
    assert {k: v.operations for k, v in parts.items()} == {
        'first': 2 * 3 * 4 * 8,
        'rest': 2 * 3 * 8 * 2,
        'other': 0,
    }
    assert operations['addmm'].calls == 2
    assert not net[0]._forward_hooks and not net[0]._forward_pre_hooks


def test_the_costliest_lose_the_most_beside_their_products():
    peak = Peak(operations=10.0, bytes=1.0, call=0.0)
    costs = {
        'at the peak': Cost(1, 5.0, 50.0, 1.0, (5.0, 0.0, 0.0)),
        'slow product': Cost(1, 5.0, 20.0, 1.0, (2.0, 0.0, 0.0)),
        'copy': Cost(1, 4.0, 0.0, 3.0, (0.0, 3.0, 0.0)),
    }
    assert [name for name, _ in costliest(costs, peak, 2)] == [
        'copy',
        'slow product',
    ]


def test_the_machine_is_measured(monkeypatch):
    """Twice the arithmetic in the same time is twice the speed."""
    monkeypatch.setattr(limits, 'PRODUCT', 64)
    monkeypatch.setattr(limits, 'COPY', 2**12)
    monkeypatch.setattr(limits, '_seconds', lambda run, device: 0.5)
    peak = measure_peak(CPU, torch.float32)
    assert peak == Peak(2 * 64**3 / 0.5, 2 * 2**12 / 0.5, 0.005)
