"""What benchmark measures: models at work, and modules by kind."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.analysis.memory import LiveBytes
from mmavs.analysis.workloads import (
    RunSetting,
    build_form,
    forward_pass,
    kinds_of,
    module_calls,
    neck_input,
    neck_pass,
    necks_of,
    parts_of,
    scoring,
    training_step,
)

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
SMALL = RunSetting(num_frames=2, size=(64, 64))


def load(name):
    return Config.fromfile(CONFIGS / 'synthetic' / f'{name}.py')


def test_a_step_leaves_what_is_frozen_for_good():
    """As avsac configs freeze the backbone: no gradient, evaluation mode."""
    config = load('avsac_tiny_ms3')
    config.custom_hooks = [dict(type='FreezeBackboneHook', num_epochs=None)]
    model, _ = build_form(config, 'mmavs')
    before = {k: v.clone() for k, v in model.state_dict().items()}
    training_step(model, config, SMALL, 1)()
    after = model.state_dict()
    moved = {k for k in before if not torch.equal(before[k], after[k])}
    assert moved and not any(k.startswith('backbone.') for k in moved)
    assert not model.backbone.training and model.neck.training


def test_instance_heads_are_given_categories():
    config = load('avis_tiny_ms3_stage1')
    model, _ = build_form(config, 'mmavs')
    _, samples = SMALL.clips(model, 2)
    for sample in samples:
        sounding = sample.gt_sem_seg.data == 1
        kinds = sample.gt_category_map.data
        assert kinds[sounding].unique().tolist() == [1, 2]
        assert not kinds[~sounding].any()
    before = model.decode_head.state_dict()
    before = {key: value.clone() for key, value in before.items()}
    training_step(model, config, SMALL, 2)()
    after = model.decode_head.state_dict()
    assert not all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize('precision', ['fp32', 'bf16', 'fp16'])
def test_precisions(precision):
    """Logits and a step follow the precision; weights stay fp32."""
    config = load('film_tiny_ms3')
    model, _ = build_form(config, 'mmavs')
    setting = SMALL._replace(precision=precision)
    exact = forward_pass(model, SMALL, 1)()
    logits = forward_pass(model, setting, 1)().float()
    error = float((logits - exact).abs().max() / exact.abs().max())
    low, high = dict(fp32=(0, 0), bf16=(1e-4, 0.1), fp16=(1e-5, 0.02))[
        precision
    ]
    assert low <= error <= high
    before = model.decode_head.conv_seg.weight.clone()
    step = training_step(model, config, setting, 1)
    for _ in range(4):  # fp16 skips steps until its loss scale fits
        step()
    after = model.decode_head.conv_seg.weight
    assert after.dtype == torch.float32 and after.isfinite().all()
    assert not torch.equal(before, after)


def test_the_first_step_finds_the_optimizers_states():
    """They are held beside its activations, as in every later step."""
    config = load('film_tiny_ms3')
    model, _ = build_form(config, 'mmavs')
    step = training_step(model, config, SMALL, 2)
    peaks = []
    for _ in range(2):
        with LiveBytes() as live:
            step()
        peaks.append(live.peak)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    states = 2 * 4 * trained  # AdamW
    assert peaks[0] == pytest.approx(peaks[1] + states, rel=0.01)


def test_kinds_of_modules():
    """Names that differ in indices alone are one kind."""
    names = [
        'decode_head.encoder.layers.0.self_attn',
        'neck.1.blocks.0',
        'decode_head.decoder.layers.0.self_attn',
        'decode_head.encoder.layers.1.self_attn',
        'neck.1.blocks.1',
        'neck.2',
    ]
    assert kinds_of(names) == {
        'decode_head.decoder.layers.0.self_attn': [names[2]],
        'decode_head.encoder.layers.*.self_attn x 2': [names[0], names[3]],
        'neck.2': [names[5]],
        'neck.1.blocks.* x 2': [names[1], names[4]],
    }


def test_calls_of_a_kind_are_those_inside_the_model():
    """Each module of the kind gets what it gets inside, in both forms."""
    config = load('avsegformer_tiny_ms3')
    config.model.decode_head.encoder.num_layers = 2
    ours, _ = build_form(config, 'mmavs')
    naive, changed = build_form(config, 'naive')
    kinds = kinds_of(changed)
    kind = 'decode_head.encoder.layers.*.self_attn x 2'
    assert kind in kinds and len(kinds) < len(changed)
    run = forward_pass(ours, SMALL, 1)
    calls = module_calls(
        dict(mmavs=ours, naive=naive), kinds[kind], run, SMALL
    )
    outputs = {}
    for form, model in (('mmavs', ours), ('naive', naive)):
        outputs[form] = []
        for name in kinds[kind]:
            model.get_submodule(name).register_forward_hook(
                lambda m, a, out, form=form: outputs[form].append(out)
            )
        calls[form]()
    assert len(outputs['mmavs']) == len(outputs['naive']) == 2
    torch.testing.assert_close(outputs['mmavs'], outputs['naive'])


def test_parts_of_models():
    model, _ = build_form(load('nosound_tiny_ms3'), 'mmavs')
    parts = parts_of(model)
    assert list(parts) == ['backbone', 'neck', 'decode_head']
    assert parts['neck'] == list(model.neck)
    model.neck = torch.nn.ModuleList()
    assert list(parts_of(model)) == ['backbone', 'decode_head']


@pytest.mark.parametrize('name', ['film_tiny_ms3', 'add_tiny_avss'])
def test_scoring_takes_the_metric_of_the_config(name, monkeypatch):
    from mmavs.evaluation.metrics.clip_metric import ClipMetric

    seen = []
    process = ClipMetric.process

    def keep(self, batch, samples):
        process(self, batch, samples)
        seen.append((type(self).__name__, len(self.results)))

    monkeypatch.setattr(ClipMetric, 'process', keep)
    config = load(name)
    config.test_evaluator.output_dir = 'never/written'
    model, _ = build_form(config, 'mmavs')
    work = scoring(model, config, SMALL, 3)
    work()
    work()
    assert seen == [(config.test_evaluator.type, 3)] * 2
    assert not Path('never').exists()


@pytest.mark.parametrize(
    'name, changed, neck',
    [
        ('avsbg_tiny_ms3', ['neck.2'], 'neck.2'),
        ('tpavi_tiny_ms3', [f'neck.1.blocks.{i}' for i in range(4)], 'neck.1'),
    ],
)
def test_both_forms_of_a_neck_agree(name, changed, neck):
    ours, _ = build_form(load(name), 'mmavs')
    naive, found = build_form(load(name), 'naive')
    assert found == changed and necks_of(naive, changed) == [neck]
    assert len(necks_of(ours)) == len(ours.neck)
    features = neck_input(ours, neck, SMALL, 2)
    assert features.num_frames == 2 and len(features.visual) == 4
    for gradients in (False, True):
        results = [
            neck_pass(model.get_submodule(neck), features, SMALL, gradients)()
            for model in (ours, naive)
        ]
        torch.testing.assert_close(*results, rtol=1e-4, atol=1e-5)
    assert len(results[0]) == 8
    assert all(x.abs().sum() > 0 for x in results[0])
    assert all(p.grad is None for p in ours.neck.parameters())


def test_a_neck_is_given_what_it_is_given_inside():
    model, _ = build_form(load('tpavi_tiny_ms3'), 'mmavs')
    first = neck_input(model, 'neck.0', SMALL, 1)
    second = neck_input(model, 'neck.1', SMALL, 1)
    passed = neck_pass(model.neck[0], first, SMALL)()
    torch.testing.assert_close(passed, list(second.visual))
