"""Side-by-side costs of necks' two forms and of configs."""

import argparse
import importlib.util
from functools import partial
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / 'tools' / 'analysis_tools'
CONFIGS = Path(__file__).parents[2] / 'configs' / 'synthetic'


def load(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('neck', ['MotionCorrelation', 'TPAVI'])
def test_both_forms_of_a_neck_agree(neck):
    tool = load('benchmark_neck')
    args = argparse.Namespace(
        neck=neck, size=6, channels=8, frames=5, clips=2, device='cpu'
    )
    features = tool.given(args)
    assert features.visual[0].shape == (10, 8, 6, 6)
    forms = {form: tool.build(args, form) for form in tool.FORMS}
    kinds = {
        form: {type(m).__name__ for m in module.modules()}
        for form, module in forms.items()
    }
    assert kinds['mmavs'] != kinds['naive']
    for stage in tool.STAGES:
        works = {
            form: partial(tool.run, module, features, 5, stage)
            for form, module in forms.items()
        }
        assert 0 <= tool.worst(works) < 1e-5
    out, grad = works['mmavs']()
    assert out.shape == grad.shape and grad.abs().sum() > 0
    changed = dict(works, naive=lambda: [out + 1, grad])
    assert tool.worst(changed) > 0.01


def test_costs_of_two_configs(monkeypatch):
    tool = load('compare_costs')
    monkeypatch.setattr(tool, 'measure_memory', lambda path: 7_000_000)
    paths = [
        str(CONFIGS / f'{name}_tiny_ms3.py') for name in ('film', 'nosound')
    ]
    args = argparse.Namespace(
        configs=paths, size=64, frames=2, repeats=1, device='cpu'
    )
    film, nosound = tool.measure(args)
    assert [film[0], nosound[0]] == ['film_tiny_ms3', 'nosound_tiny_ms3']
    assert float(film[1]) > float(nosound[1])  # the layers that hear
    assert film[4] == '7'
    assert float(film[3].split()[0]) > 0
