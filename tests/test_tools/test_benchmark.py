"""benchmark compares a model with its textbook form."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/synthetic/tpavi_tiny_ms3.py'
TOOL = ROOT / 'tools' / 'analysis_tools' / 'benchmark.py'


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location('benchmark', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_against_naive(tool, monkeypatch, tmp_path, capsys):
    """Both forms are run, agree, and stand in the table."""

    def in_this_process(form, stage):
        # a fresh process costs an import of everything
        args = tool.parse_args()
        args.probe, args.frames = (form, stage), 5
        tool.probe(tool.load_config(str(CONFIG)), args)
        return json.loads(capsys.readouterr().out)

    monkeypatch.setattr(tool, 'measure_memory', in_this_process)
    out = tmp_path / 'figures.json'
    words = ['--against', 'naive', '--size', '96', '--train-clips', '1']
    words += ['--repeats', '3', '--train-repeats', '1', '--threads', '1']
    arguments = [str(TOOL), str(CONFIG), *words, '--out', str(out)]
    monkeypatch.setattr(sys, 'argv', arguments)
    tool.main()
    figures = json.loads(out.read_text())
    assert 0 < figures['difference'] < 1e-5
    # what the figures are depends on the machine and what ran before here
    assert 'neck.1.blocks.0 (5, 48, 24, 24)' in figures['seconds']
    for stage in ('forward', 'training step'):
        assert set(figures['bytes'][stage]) == {'mmavs', 'naive'}
        assert set(figures['seconds'][stage]) == {'mmavs', 'naive'}
    printed = capsys.readouterr().out
    assert 'textbook forms: neck.1.blocks.0, neck.1.blocks.1' in printed


def test_fresh_process(tool, monkeypatch):
    """It is started with the same words, and its failure is told."""
    started = []

    def run(words, **options):
        started.append(words[1:])
        return subprocess.CompletedProcess(
            words, len(started) - 1, '{"noise"}\n17\n', 'no memory left'
        )

    monkeypatch.setattr(sys, 'argv', [str(TOOL), 'x.py', '--size', '96'])
    monkeypatch.setattr(tool.subprocess, 'run', run)
    assert tool.measure_memory('mmavs', 'forward') == 17
    words = [str(TOOL), 'x.py', '--size', '96', '--probe', 'mmavs', 'forward']
    assert started == [words]
    with pytest.raises(RuntimeError, match='step of naive fai(?s:.*)no memo'):
        tool.measure_memory('naive', 'training step')
