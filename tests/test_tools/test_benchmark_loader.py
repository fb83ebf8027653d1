"""benchmark_loader measures every stage and both passes."""

import importlib.util
import sys
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from mmavs.analysis import loader_speed
from mmavs.registry import DATASETS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = str(ROOT / 'configs/_base_/datasets/avsbench_ms3.py')


@pytest.fixture
def tool(monkeypatch, tmp_path):
    path = ROOT / 'tools' / 'analysis_tools' / 'benchmark_loader.py'
    spec = importlib.util.spec_from_file_location('benchmark_loader', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    return module


def test_stages_cover_the_pipeline(tool, tiny_ms3, tmp_path, monkeypatch):
    loader = Config.fromfile(CONFIG).train_dataloader
    loader.dataset.data_root = str(tiny_ms3)
    loader_speed.use_cache(loader, tmp_path, frames=True)
    dataset = DATASETS.build(loader.dataset)
    steps = loader_speed.split_pipeline(dataset.pipeline.transforms)
    assert [stage for stage, _ in steps] == [
        'sound',
        'sound',
        'image decode',
        'mask decode',
        'other transforms',
        'packing',
    ]
    # a clock that ticks once a look: every step takes one
    ticks = SimpleNamespace(perf_counter=count().__next__)
    monkeypatch.setattr(loader_speed, 'time', ticks)
    seconds = loader_speed.seconds_by_stage(dataset, 4)
    assert seconds == {
        'image decode': 1,
        'mask decode': 1,
        'sound': 2,
        'other transforms': 1,
        'packing': 1,
    }
    kept = {f: f.stat().st_mtime_ns for f in tmp_path.rglob('*.npy')}
    assert len(kept) == 4 * (1 + 5)
    loader_speed.seconds_by_stage(dataset, 4)  # reads what is there
    assert kept == {f: f.stat().st_mtime_ns for f in tmp_path.rglob('*.npy')}


def test_workers_start_before_the_clock(tool, tiny_ms3, monkeypatch):
    """4 clips in 2 seconds by this clock: it is read twice."""
    loader = Config.fromfile(CONFIG).train_dataloader
    loader.dataset.data_root = str(tiny_ms3)
    dataset = DATASETS.build(loader.dataset)
    ticks = SimpleNamespace(perf_counter=count(step=2).__next__)
    monkeypatch.setattr(loader_speed, 'time', ticks)
    assert loader_speed.clips_per_second(dataset, loader, 4, 0) == 2.0


def test_table_shows_both_passes(tool, monkeypatch, tiny_ms3, capsys):
    options = [
        f'{split}_dataloader.dataset.data_root={tiny_ms3}'
        for split in ('train', 'val', 'test')
    ]
    words = ['benchmark', CONFIG, '--clips', '4', '--workers', '0']
    monkeypatch.setattr(sys, 'argv', [*words, '--cfg-options', *options])
    tool.main()
    text = capsys.readouterr().out
    for part in ('cold cache', 'warm cache', 'clips/s', *tool.STAGES):
        assert part in text


@pytest.mark.parametrize('wrapper', ['ConcatDataset', 'RepeatDataset'])
def test_wrapped_data_sets_are_looked_into(
    tool, monkeypatch, tiny_ms3, tmp_path, capsys, wrapper
):
    config = Config.fromfile(CONFIG)
    loader = config.train_dataloader
    loader.dataset.data_root = str(tiny_ms3)
    inner = loader.dataset
    if wrapper == 'ConcatDataset':
        loader.dataset = dict(type=wrapper, datasets=[inner, inner])
    else:
        loader.dataset = dict(type=wrapper, times=2, dataset=inner)
    config.dump(str(tmp_path / 'wrapped.py'))
    words = ['benchmark', 'wrapped.py', '--clips', '8', '--workers', '0']
    monkeypatch.setattr(sys, 'argv', words)
    seen = []
    measure = tool.clips_per_second

    def note(dataset, *arguments):
        seen.append(len(dataset))
        return measure(dataset, *arguments)

    monkeypatch.setattr(tool, 'clips_per_second', note)
    tool.main()
    assert seen == [8, 8]  # both times through the four clips
    assert 'image decode' in capsys.readouterr().out
