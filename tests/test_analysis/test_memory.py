"""Memory of a training step, predicted and measured."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch import nn
from torch.utils.checkpoint import checkpoint

from mmavs.analysis.memory import (
    LiveBytes,
    MemoryEstimate,
    memory_estimate,
)
from mmavs.analysis.workloads import RunSetting, build_form, training_step
from mmavs.testing.ranks import on_ranks

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def test_tensors_come_and_go():
    live = LiveBytes()
    with live:
        kept = torch.zeros(100)
        kept.add_(1).view(10, 10)
        passing = kept + 1
        del passing
        more = kept * 2
    assert (live.now, live.peak) == (800, 800)
    del more
    assert (live.now, live.peak) == (400, 800)


def held_by(run):
    live = LiveBytes()
    with live:
        kept = run()
    return kept is not None and live.now


def test_checkpointing_keeps_inputs_alone():
    layers = nn.Sequential(*(nn.Sigmoid() for _ in range(5)))
    x = torch.zeros(100, requires_grad=True)
    assert held_by(lambda: layers(x)) == 5 * 400
    assert held_by(lambda: checkpoint(layers, x, use_reentrant=False)) == 400


def measured(config, setting, num_clips):
    """What PyTorch's allocator hands out in a step, at most at a time."""
    model, _ = build_form(config, 'mmavs')
    step = training_step(model, config, setting, num_clips)
    step()  # the optimizer has its states then
    with torch.profiler.profile(profile_memory=True) as profile:
        step()
    events = profile.profiler.kineto_results.events()
    changes = [
        (event.start_ns(), event.nbytes())
        for event in events
        if event.name() == '[memory]'
    ]
    now = peak = 0
    for _, change in sorted(changes, key=lambda item: item[0]):
        now += change
        peak = max(peak, now)
    return peak


def test_the_estimate_is_what_a_step_takes():
    config = Config.fromfile(CONFIGS / 'synthetic' / 'tpavi_tiny_ms3.py')
    setting = RunSetting(5, (96, 96), num_labelled=1)
    # elsewhere: who went back on the meta device cannot fork and train
    held = on_ranks(lambda: list(memory_estimate(config, setting, 2)), 1)
    estimate = MemoryEstimate(*held[0])
    assert measured(config, setting, 2) == pytest.approx(
        estimate.step, rel=0.1
    )
    model, _ = build_form(config, 'mmavs')
    trained = [p for p in model.parameters() if p.requires_grad]
    state = [*model.parameters(), *model.buffers()]
    size = dict(weights=state, optimizer=trained * 2)  # AdamW
    for field, tensors in size.items():
        assert getattr(estimate, field) == sum(
            t.numel() * t.element_size() for t in tensors
        )
    assert estimate.total == sum(estimate)
