"""One step of training in several forms: in parts, and in half precision."""

import copy

import pytest
import torch
from mmengine.optim import OptimWrapper
from small_parts import TO_16, TPAVI, batch, build

NO_NORM = dict(TPAVI, norm_cfg=None)  # batch norm would see another batch


def step(model, batches):
    """Weights after one step of SGD that accumulates over the batches."""
    model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = OptimWrapper(optimizer, accumulative_counts=len(batches))
    wrapper.initialize_count_status(model, 0, len(batches))
    for inputs, samples in batches:
        with wrapper.optim_context(model):
            losses = model.loss(inputs, samples)
        wrapper.update_params(sum(losses.values()))
    return model.state_dict()


def test_accumulation_is_the_larger_batch():
    """As long as batches have as many labelled frames, which S4's have."""
    model = build(neck=[TO_16, NO_NORM]).train()
    inputs, samples = batch(model)
    clips = [
        ({k: v[i : i + 1] for k, v in inputs.items()}, samples[i : i + 1])
        for i in range(2)
    ]
    before = model.state_dict()
    parts, whole = step(model, clips), step(model, [(inputs, samples)])
    moved = {key for key in before if not torch.equal(before[key], whole[key])}
    assert len(moved) > 100
    torch.testing.assert_close(parts, whole, rtol=1e-9, atol=1e-12)


def gradients(model, data, dtype=None):
    """Loss, and all gradients in one vector, under autocast."""
    model.zero_grad()
    enabled = dtype is not None
    with torch.autocast('cpu', dtype or torch.bfloat16, enabled=enabled):
        loss = sum(model.loss(*data).values())
    loss.backward()
    parts = [p.grad.flatten() for p in model.parameters()]
    return float(loss.detach()), torch.cat(parts)


# what the documentation states of them
LOSS = dict(bf16=0.01, fp16=0.002)
DIRECTION = dict(bf16=0.95, fp16=0.995)


@pytest.mark.parametrize(
    'name, dtype', [('bf16', torch.bfloat16), ('fp16', torch.float16)]
)
def test_half_precision_learns_the_same(name, dtype):
    model = build(neck=[TO_16, TPAVI]).float().train()
    inputs, samples = batch(model)
    data = ({k: v.float() for k, v in inputs.items()}, samples)
    loss, exact = gradients(model, data)
    rounded_loss, rounded = gradients(model, data, dtype)
    assert rounded_loss == pytest.approx(loss, rel=LOSS[name])
    assert rounded_loss != loss
    cosine = torch.cosine_similarity(exact, rounded, dim=0)
    assert float(cosine) > DIRECTION[name]
    assert float(rounded.norm() / exact.norm()) == pytest.approx(1, abs=0.05)
