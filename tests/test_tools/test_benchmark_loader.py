"""benchmark_loader measures every stage and both passes."""

import importlib.util
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

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


def test_stages_cover_the_pipeline(tool, tiny_ms3, tmp_path):
    loader = Config.fromfile(CONFIG).train_dataloader
    loader.dataset.data_root = str(tiny_ms3)
    tool.use_cache(loader, tmp_path, frames=True)
    dataset = DATASETS.build(loader.dataset)
    steps = tool.split_pipeline(dataset.pipeline.transforms)
    assert [stage for stage, _ in steps] == [
        'sound',
        'sound',
        'image decode',
        'mask decode',
        'other transforms',
        'packing',
    ]
    cold = tool.measure_stages(dataset, 4)
    assert all(cold[stage] > 0 for stage in tool.STAGES)
    kept = {path.stat().st_size for path in tmp_path.rglob('*.npy')}
    assert len(list(tmp_path.rglob('*.npy'))) == 4 * (1 + 5)
    warm = tool.measure_stages(dataset, 4)
    assert warm['sound'] < cold['sound'] / 2
    assert kept == {path.stat().st_size for path in tmp_path.rglob('*.npy')}


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
