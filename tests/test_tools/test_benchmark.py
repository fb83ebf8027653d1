"""benchmark compares a model with its textbook form."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/synthetic/tpavi_tiny_ms3.py'
TOOL = ROOT / 'tools' / 'analysis_tools' / 'benchmark.py'


@pytest.fixture
def tool(monkeypatch):
    spec = importlib.util.spec_from_file_location('benchmark', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    threads = torch.get_num_threads()
    yield module
    torch.set_num_threads(threads)


@pytest.fixture
def call(tool, monkeypatch, capsys):
    """Run the tool with words; gives what it prints."""

    def run(config, *words):
        words = [str(TOOL), str(config), '--threads', '1', *words]
        monkeypatch.setattr(sys, 'argv', words)
        tool.main()
        return capsys.readouterr().out

    return run


def test_against_naive(tool, call, monkeypatch, tmp_path, capsys):
    """Both forms are run, agree, and stand in the table."""

    def in_this_process(form, stage):
        # a fresh process costs an import of everything
        args = tool.parse_args()
        args.probe = (form, stage)
        tool.probe(tool.load_config(str(CONFIG)), args)
        return json.loads(capsys.readouterr().out)

    monkeypatch.setattr(tool, 'measure_memory', in_this_process)
    out = tmp_path / 'figures.json'
    words = ['--against', 'naive', '--size', '96', '--train-clips', '1']
    words += ['--repeats', '3', '--train-repeats', '1', '--out', str(out)]
    shown = call(CONFIG, *words, '--stages', 'forward', 'training', 'metric')
    figures = json.loads(out.read_text())
    differences = figures['differences']
    assert list(differences) == ['logits', 'F curve (5, 224, 224)']
    assert 0 < differences['logits'] < 1e-5
    # what the figures are depends on the machine and what ran before here
    blocks = 'neck.1.blocks.* x 4'
    for row in ('forward', blocks, 'training step', 'F curve (5, 224, 224)'):
        assert set(figures['seconds'][row]) == {'mmavs', 'naive'}
        for middle, low, high in figures['seconds'][row].values():
            assert 0 < low <= middle <= high
    assert set(figures['seconds']['metric']) == {'mmavs'}
    for stage in ('forward', 'training'):
        assert set(figures['bytes'][stage]) == {'mmavs', 'naive'}
    parts = ['backbone', 'audio_encoder', 'neck', 'decode_head', 'other']
    assert list(figures['shares']) == [f'forward: {part}' for part in parts]
    for form in ('mmavs', 'naive'):
        whole = sum(row[form] for row in figures['shares'].values())
        assert whole == pytest.approx(1)
    assert f'textbook forms: {blocks}\n' in shown


def test_probe_words(tool, monkeypatch):
    """The fresh process is started with the same words and the probe."""
    monkeypatch.setattr(sys, 'argv', [str(TOOL), 'x.py', '--size', '96'])
    monkeypatch.setattr(tool, 'in_fresh_process', lambda *words: words)
    words = [str(TOOL), 'x.py', '--size', '96', '--probe', 'naive', 'training']
    found = tool.measure_memory('naive', 'training')
    assert found == (words, 'the training of naive')


def test_unequal_forms_are_refused(tool, call, monkeypatch):
    from mmavs.analysis.naive import NaiveTPAVIBlock

    right = NaiveTPAVIBlock.forward

    def wrong(self, *args):
        fused, aligned = right(self, *args)
        return 1.5 * fused, aligned

    monkeypatch.setattr(NaiveTPAVIBlock, 'forward', wrong)
    monkeypatch.setattr(tool, 'measure_memory', lambda *_: 1)
    words = ('--against', 'naive', '--size', '32', '--repeats', '1')
    with pytest.raises(
        ArithmeticError, match='logits of the two forms differ'
    ):
        call(CONFIG, *words, '--stages', 'forward')


def test_one_stage_alone(tool, call, monkeypatch):
    monkeypatch.setattr(tool, 'measure_memory', lambda *_: 7_000_000)
    words = ('--size', '32', '--frames', '1', '--repeats', '1')
    config = ROOT / 'configs/synthetic/nosound_tiny_ms3.py'
    shown = call(config, *words, '--stages', 'forward')
    assert 'forward: peak' in shown and '7.0 MB' in shown
    assert 'fp32, clips of 1 frames of 32 x 32: 1 a forward pass' in shown
    for absent in ('training: peak', 'audio_encoder', 'metric', 'ratio'):
        assert absent not in shown


def test_loader(tool, call, monkeypatch, tiny_ms3):
    """Left out without data, with a line; measured with it."""
    stages = []
    for name in tool.STAGES:
        if name != 'loader':
            monkeypatch.setattr(
                tool.Benchmark, name, lambda self, n=name: stages.append(n)
            )
    shown = call(
        CONFIG, '--cfg-options', 'train_dataloader.dataset.data_root=no'
    )
    assert 'loader left out (--synthetic makes data)' in shown
    assert stages == ['forward', 'training', 'metric']
    options = [
        f'{split}_dataloader.dataset.data_root={tiny_ms3}'
        for split in ('train', 'val', 'test')
    ]
    words = ('--repeats', '2', '--loader-clips', '3', '--workers', '0')
    shown = call(
        CONFIG, '--stages', 'loader', *words, '--cfg-options', *options
    )
    for row in ('loader, a clip', 'loader: image decode', 'loader: sound'):
        assert row in shown
