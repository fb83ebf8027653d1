"""benchmark times stages, and trains what the config trains."""

import importlib.util
import sys
from pathlib import Path

import torch
from mmengine.config import Config

ROOT = Path(__file__).resolve().parents[2]


def load():
    path = ROOT / 'tools' / 'analysis_tools' / 'benchmark.py'
    spec = importlib.util.spec_from_file_location('benchmark', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def test_a_step_leaves_what_is_frozen_for_good(monkeypatch):
    """As avsac configs freeze the backbone: no gradient, evaluation mode."""
    tool = load()
    words = ['benchmark.py', 'x.py', '--size', '64', '--train-clips', '1']
    monkeypatch.setattr(sys, 'argv', words)
    args = tool.parse_args()
    args.frames = 2
    config = Config.fromfile(ROOT / 'configs/synthetic/avsac_tiny_ms3.py')
    config.custom_hooks = [dict(type='FreezeBackboneHook', num_epochs=None)]
    model, _ = tool.build(config, 'mmavs')
    before = {k: v.clone() for k, v in model.state_dict().items()}
    tool.training_step(model, config, args)()
    after = model.state_dict()
    moved = {k for k in before if not torch.equal(before[k], after[k])}
    assert moved and not any(k.startswith('backbone.') for k in moved)
    assert not model.backbone.training and model.neck.training


def test_one_stage_alone(monkeypatch, capsys):
    words = ['benchmark.py', 'configs/synthetic/nosound_tiny_ms3.py']
    words += ['--size', '32', '--frames', '1', '--repeats', '1']
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, 'argv', [*words, '--stages', 'forward'])
    tool = load()
    monkeypatch.setattr(tool, 'measure_memory', lambda *_: 7_000_000)
    threads = torch.get_num_threads()
    tool.main()
    torch.set_num_threads(threads)
    shown = capsys.readouterr().out
    assert 'forward: peak' in shown and '7 MB' in shown
    assert 'training' not in shown
