"""How fast loaders are, and what takes the time."""

from itertools import count
from pathlib import Path
from types import SimpleNamespace

from mmengine.config import Config

from mmavs.analysis import loader_speed
from mmavs.registry import DATASETS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/_base_/datasets/avsbench_ms3.py'


def test_stages_cover_the_pipeline(tiny_ms3, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
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


def test_workers_start_before_the_clock(tiny_ms3, tmp_path, monkeypatch):
    """4 clips in 2 seconds by this clock: it is read twice."""
    monkeypatch.chdir(tmp_path)
    loader = Config.fromfile(CONFIG).train_dataloader
    loader.dataset.data_root = str(tiny_ms3)
    dataset = DATASETS.build(loader.dataset)
    ticks = SimpleNamespace(perf_counter=count(step=2).__next__)
    monkeypatch.setattr(loader_speed, 'time', ticks)
    assert loader_speed.clips_per_second(dataset, loader, 4, 0) == 2.0
