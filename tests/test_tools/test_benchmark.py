"""benchmark compares a model with its textbook form."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.analysis import limits
from mmavs.analysis.complexity import clip_complexity
from mmavs.analysis.loader_speed import STAGES as STEPS

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
        words = [*sys.argv, '--probe', form, stage]
        with monkeypatch.context() as patch:
            patch.setattr(sys, 'argv', words)
            tool.main()
        return json.loads(capsys.readouterr().out)

    monkeypatch.setattr(tool, 'measure_memory', in_this_process)
    for name, size in (('PRODUCT', 128), ('COPY', 2**16)):  # quick
        monkeypatch.setattr(limits, name, size)
    out = tmp_path / 'figures.json'
    words = ['--against', 'naive', '--size', '96', '--train-clips', '1']
    words += ['--repeats', '3', '--train-repeats', '1', '--out', str(out)]
    shown = call(CONFIG, *words, '--stages', *tool.STAGES[1:])
    figures = json.loads(out.read_text())
    differences = figures['differences']
    necks = ['neck.1', 'neck.1 with gradients']
    assert list(differences) == ['logits', *necks, 'F curve (5, 224, 224)']
    for row in ('logits', *necks):
        assert 0 < differences[row] < 1e-5
    # what the figures are depends on the machine and what ran before here
    blocks = 'neck.1.blocks.* x 4'
    for row in (
        'forward',
        blocks,
        *necks,
        'training step',
        list(differences)[-1],
    ):
        assert set(figures['seconds'][row]) == {'mmavs', 'naive'}
        for middle, low, high in figures['seconds'][row].values():
            assert 0 < low <= middle <= high
    assert set(figures['seconds']['metrics']) == {'mmavs'}
    for row in ('forward', *necks, 'training step'):
        assert set(figures['bytes'][row]) == {'mmavs', 'naive'}
    parts = ['backbone', 'audio_encoder', 'neck', 'decode_head', 'other']
    assert list(figures['shares']) == [f'forward: {part}' for part in parts]
    for form in ('mmavs', 'naive'):
        whole = sum(row[form] for row in figures['shares'].values())
        assert whole == pytest.approx(1)
    assert f'textbook forms: {blocks}\n' in shown
    costs = figures['costs']
    assert list(costs)[-2:] == ['forward', 'training step']
    config = Config.fromfile(CONFIG)
    macs = clip_complexity(config, (96, 96), 5).macs
    for part, count in macs.items():
        assert costs[f'forward: {part}']['operations'] == 2 * count
    # a backward pass is nearly twice a forward pass
    assert costs['training step']['operations'] > 5 * sum(macs.values())
    assert 'operations by their seconds besides products' in shown


def test_probe_words(tool, monkeypatch):
    """The fresh process is started with the same words and the probe."""
    monkeypatch.setattr(sys, 'argv', [str(TOOL), 'x.py', '--size', '96'])
    monkeypatch.setattr(tool, 'in_fresh_process', lambda *words: words)
    words = [str(TOOL), 'x.py', '--size', '96', '--probe', 'naive', 'metrics']
    found = tool.measure_memory('naive', 'metrics')
    assert found == (words, 'metrics of naive')


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
    assert 'fp32, clips of 1 frames of 32 x 32: 1 in a forward pass' in shown
    for word in (
        'training: peak',
        'audio_encoder',
        'metric',
        'ratio',
        'loader, ',
    ):
        assert word not in shown


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
    assert stages == ['forward', 'training', 'limits', 'metrics']
    options = [
        f'{split}_dataloader.dataset.data_root={tiny_ms3}'
        for split in ('train', 'val', 'test')
    ]
    words = ('--repeats', '2', '--loader-clips', '3', '--workers', '0')
    # a base without a model will do
    config = ROOT / 'configs/_base_/datasets/avsbench_ms3.py'
    shown = call(
        config, '--stages', 'loader', *words, '--cfg-options', *options
    )
    for cache in ('cold', 'warm'):
        assert f'loader, {cache} cache  ' in shown
        for step in STEPS:
            assert f'loader, {cache} cache: {step}' in shown
    assert shown.count('clips/s') == 2
    assert 'clips of' not in shown
    with pytest.raises(ValueError, match='describes no model'):
        call(config, '--stages', 'forward')


def test_every_neck_is_measured(tool, call, monkeypatch, tmp_path):
    """Of one form all necks, on what each is given."""
    monkeypatch.setattr(tool, 'measure_memory', lambda *_: 1)
    out = tmp_path / 'figures.json'
    words = ('--size', '32', '--repeats', '1', '--out', str(out))
    config = ROOT / 'configs/synthetic/avsbg_tiny_ms3.py'
    call(config, '--stages', 'neck', *words)
    figures = json.loads(out.read_text())
    assert list(figures['seconds']) == [
        f'neck.{i}{end}' for i in range(3) for end in ('', ' with gradients')
    ]


def test_a_tuned_model(call, monkeypatch, tmp_path):
    """No norm is left in the forward pass, and nothing is trained."""
    for name, size in (('PRODUCT', 128), ('COPY', 2**16)):  # quick
        monkeypatch.setattr(limits, name, size)
    words = ('--tuned', '--size', '32')
    config = ROOT / 'configs/synthetic/film_tiny_ms3.py'
    shown = call(config, '--stages', 'limits', *words)
    assert 'convolution' in shown and 'batch_norm' not in shown
    assert 'training step' not in shown.partition('forward: ')[2]
    with pytest.raises(ValueError, match='cannot be trained. Fix'):
        call(config, '--stages', 'training', *words)
