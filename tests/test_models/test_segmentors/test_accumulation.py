"""A step of mmengine's optimizer wrapper in parts."""

import copy

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
