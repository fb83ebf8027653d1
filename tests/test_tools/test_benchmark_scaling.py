"""benchmark_scaling measures loaders and ranks, and predicts GPUs."""

import json
from pathlib import Path

import pytest
from run_tool import run_tool

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/synthetic/film_tiny_ms3.py'
TOOL = 'analysis_tools/benchmark_scaling'


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Run the tool; gives the figures that it writes."""

    def run(*words):
        out = tmp_path / 'figures.json'
        words = (*words, '--out', out)
        run_tool(TOOL, CONFIG, *words, monkeypatch=monkeypatch)
        return json.loads(out.read_text())

    return run


def test_prediction(call, capsys):
    """Film's 0.46 M gradients are far below a bucket: all are waited for."""
    words = ['--step-seconds', '0.5', '--link', '10', '--node-link', '1']
    words += ['--gpus', '1', '16', '--clips', '8', '--loader-rate', '32']
    one, many = call(*words)['predicted']
    assert one['step'] == one['compute'] == 0.5
    assert one['rate'] == 16 and one['loader'] == 0.25
    words = capsys.readouterr().out.split()
    parameters = float(words[words.index('M') - 1]) * 1e6
    sent = 2 * 15 / 16 * 4 * parameters
    assert many['all_reduce'] == pytest.approx(sent / 1e9, rel=0.02)
    assert many['exposed'] == many['all_reduce']
    assert many['rate'] == pytest.approx(16 * 8 / many['step'])


def test_loader_by_workers(call, tiny_ms3):
    root = f'train_dataloader.dataset.data_root={tiny_ms3}/'
    cache = 'train_dataloader.dataset.pipeline.1.cache_dir=None'
    words = ['--workers', '0', '1', '--ranks', '--loader-clips', '4']
    alone, worked = call(*words, '--cfg-options', root, cache)['loader']
    assert (alone['workers'], worked['workers']) == (0, 1)
    for row in (alone, worked):
        assert row['rate'] > 0
        assert 1e-4 < row['processor_seconds'] < 10


@pytest.mark.slow
def test_ranks(call):
    words = ['--workers', '--ranks', '1', '2', '--clips', '2', '--steps', '1']
    one, two = call(*words)['ranks']
    assert one['all_reduce'] == 0 < two['all_reduce']
    assert one['parameters'] == two['parameters'] > 1e5
    assert one['rate'] == pytest.approx(2 / one['seconds'][0])
    assert two['rate'] == pytest.approx(4 / two['seconds'][0])
    assert one['predicted'] == one['seconds'][0] == one['apart'][0]
    waited = two['predicted'] - two['apart'][0]
    assert waited == pytest.approx(two['all_reduce'])


def test_a_prediction_needs_all_speeds(call):
    with pytest.raises(SystemExit) as stopped:
        call('--link', '10')
    assert stopped.value.code == 2
