"""A step of every method, in half precision and in parts.

Switched off is what a step draws, or what batch norm makes of other clips.
"""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmavs.analysis.complexity import audio_shape
from mmavs.analysis.workloads import RunSetting, build_form, freeze

CONFIGS = Path(__file__).resolve().parents[2] / 'configs/synthetic'
FRAMES = 2
ALWAYS = ('avsegformer_tiny_ms3', 'tpavi_tiny_ms3')
METHODS = [
    name if name in ALWAYS else pytest.param(name, marks=pytest.mark.slow)
    for name in (
        'auralsam2_tiny_ms3',
        'avis_tiny_ms3',
        'avis_tiny_ms3_stage1',
        'avsac_tiny_ms3',
        'avsbg_tiny_s4',
        'avsegformer_tiny_ms3',
        'catr_tiny_ms3',
        'film_tiny_ms3',
        'tpavi_tiny_avss',
        'tpavi_tiny_ms3',
    )
]
# what docs/en/user_guides/train_test.md states
LOSS = dict(bf16=0.01, fp16=0.002)
DIRECTION = dict(bf16=0.99, fp16=0.999)
LENGTH = dict(bf16=0.02, fp16=0.01)
DTYPES = dict(bf16=torch.bfloat16, fp16=torch.float16)


def build(name):
    """A small model that draws nothing, and two clips."""
    config = Config.fromfile(CONFIGS / f'{name}.py')
    model, _ = build_form(config, 'mmavs')
    frozen = freeze(model, config)
    model.train()
    still = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
    for module in model.modules():
        if module in frozen or isinstance(module, still):
            module.eval()
        if isinstance(module, nn.MultiheadAttention):
            module.dropout = 0.0
        if hasattr(module, 'drop_prob'):
            module.drop_prob = 0.0
    shape = None
    if model.audio_encoder is not None:
        shape = audio_shape(config, FRAMES)[1:]
    return model, *RunSetting(FRAMES, (64, 64), shape).clips(model, 2)


def gradients(model, inputs, samples, dtype=None):
    """Losses, and all gradients in one vector, under autocast."""
    model.zero_grad()
    enabled = dtype is not None
    with torch.autocast('cpu', dtype or torch.bfloat16, enabled=enabled):
        losses = model.loss(inputs, samples)
    losses = {key: loss for key, loss in losses.items() if 'loss' in key}
    sum(losses.values()).backward()
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    vector = torch.cat([grad.flatten() for grad in grads])
    return {k: float(v.detach()) for k, v in losses.items()}, vector


@pytest.mark.parametrize('name', METHODS)
def test_half_precision_learns_the_same(name):
    model, inputs, samples = build(name)
    exact, wanted = gradients(model, inputs, samples)
    for precision, dtype in DTYPES.items():
        losses, found = gradients(model, inputs, samples, dtype)
        assert sum(losses.values()) == pytest.approx(
            sum(exact.values()), rel=LOSS[precision]
        )
        assert losses != exact
        cosine = torch.cosine_similarity(wanted, found, dim=0)
        assert cosine > DIRECTION[precision]
        length = float(found.norm() / wanted.norm())
        assert length == pytest.approx(1, abs=LENGTH[precision])


@pytest.mark.parametrize('name', METHODS)
def test_parts_add_up_to_the_step_of_the_batch(name):
    """Both clips have as many labelled frames, and as many objects."""
    model, inputs, samples = build(name)
    model.double()
    inputs = {key: value.double() for key, value in inputs.items()}
    whole, wanted = gradients(model, inputs, samples)
    parts = [
        gradients(
            model,
            {key: value[i : i + 1] for key, value in inputs.items()},
            samples[i : i + 1],
        )
        for i in range(2)
    ]
    for key, loss in whole.items():
        mean = sum(losses[key] for losses, _ in parts) / 2
        assert mean == pytest.approx(loss, rel=1e-9), key
    found = sum(vector for _, vector in parts) / 2
    largest = float(wanted.abs().max())
    torch.testing.assert_close(found, wanted, rtol=1e-7, atol=1e-10 * largest)
