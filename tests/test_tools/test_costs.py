"""Costs of configs, side by side."""

import argparse
import importlib.util
from pathlib import Path

TOOLS = Path(__file__).parents[2] / 'tools' / 'analysis_tools'
CONFIGS = Path(__file__).parents[2] / 'configs' / 'synthetic'


def load(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
