"""What every loss promises, present and future ones."""

import pytest
import torch
from loss_examples import EXAMPLES, all_losses
from mmengine.dist import get_rank

from mmavs.testing import on_ranks

LOSSES = all_losses()
CASES = [
    (name, index)
    for name in LOSSES
    for index in range(len(EXAMPLES.get(name, [None])))
]
of_every_loss = pytest.mark.parametrize('name, index', CASES)


def build(name, index, dtype=torch.float64):
    """Give the loss, its batch and the example itself."""
    if name not in EXAMPLES:
        pytest.fail(
            f'{name} has no example, so nothing of it is tested. Fix: add '
            'one to EXAMPLES in loss_examples.py.'
        )
    example = EXAMPLES[name][index]
    torch.manual_seed(index)
    loss = LOSSES[name](**example.options).to(dtype)
    batch = {
        key: value.to(dtype) if value.is_floating_point() else value
        for key, value in example.make().items()
    }
    return loss, batch, example


def value_and_gradients(name, index, part=slice(None)):
    """Call a loss on a part; gradients of the whole batch and of weights."""
    loss, batch, example = build(name, index)
    leaves = [v for v in batch.values() if v.is_floating_point()]
    for leaf in leaves:
        leaf.requires_grad_()
    value = example.call(loss, {k: v[part] for k, v in batch.items()})
    value.backward()
    return [
        value.detach(),
        *(
            torch.zeros_like(x) if x.grad is None else x.grad
            for x in (*leaves, *loss.parameters())
        ),
    ]


def on_my_rank():
    """All losses on this rank's part of their batches."""
    return {
        f'{name} {index} {cut}': value_and_gradients(
            name, index, (slice(cut), slice(cut, None))[get_rank()]
        )
        for name, index in CASES
        if name in EXAMPLES
        for cut in EXAMPLES[name][index].cuts
    }


@pytest.fixture(scope='module')
def ranks():
    return on_ranks(on_my_rank)


@of_every_loss
def test_two_ranks_give_the_gradients_of_one(name, index, ranks):
    """DDP averages the gradients of ranks, whatever each of them counts."""
    _, _, example = build(name, index)
    expected = value_and_gradients(name, index)
    assert expected[0] != 0 and any(g.any() for g in expected[1:])
    for cut in example.cuts:
        both = zip(*(rank[f'{name} {index} {cut}'] for rank in ranks))
        for ours, theirs in zip(expected, both):
            torch.testing.assert_close(sum(theirs) / 2, ours)


@of_every_loss
def test_float64_stays(name, index):
    """Numerical differences of 1e-6 would drown in float32."""
    loss, batch, example = build(name, index)
    names = [
        key
        for key, value in batch.items()
        if value.is_floating_point() and key not in example.targets
    ]

    def call(*values):
        return example.call(loss, {**batch, **dict(zip(names, values))})

    leaves = [batch[key].requires_grad_() for key in names]
    assert call(*leaves).dtype == torch.float64
    assert torch.autograd.gradcheck(call, leaves, fast_mode=True)


@of_every_loss
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_halves_are_raised(name, index, dtype):
    loss, batch, example = build(name, index, dtype)
    with torch.autocast('cpu', dtype):
        value = example.call(loss.float(), batch).detach()
    exact = {k: v.float() if v.dtype == dtype else v for k, v in batch.items()}
    expected = example.call(loss, exact).detach()
    assert value.dtype == expected.dtype == torch.float32
    torch.testing.assert_close(value, expected, rtol=0.01, atol=0)


def test_no_example_is_of_a_loss_that_is_gone():
    assert EXAMPLES.keys() == LOSSES.keys()
