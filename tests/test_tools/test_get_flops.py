"""get_flops also predicts the memory of a training step."""

import importlib.util
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from mmavs.analysis.memory import MemoryEstimate
from mmavs.engine.run_config import labelled_frames

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools' / 'analysis_tools' / 'get_flops.py'


@pytest.mark.parametrize('setting, labelled', [('s4', 1), ('ms3', 5)])
def test_memory_of_a_training_step(setting, labelled, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location('get_flops', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    asked = []

    def estimate(config, *given):
        asked.append(given)
        return MemoryEstimate(1_000_000_000, 500_000_000, 2_250_000_000)

    monkeypatch.setattr(tool, 'memory_estimate', estimate)
    config = f'configs/synthetic/nosound_tiny_{setting}.py'
    words = [str(ROOT / config), '--train-clips', '3', '--precision', 'bf16']
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *words, '--shape', '64'])
    tool.main()
    ((given, clips),) = asked
    assert clips == 3 and given.size == (64, 64)
    assert (given.num_labelled, given.precision) == (labelled, 'bf16')
    shown = ' '.join(capsys.readouterr().out.split())
    assert f'3 clips, bf16, {labelled} frames labelled' in shown
    for size in ('1.00 GB', '0.50 GB', '2.25 GB', '3.75 GB'):
        assert size in shown


def test_labelled_frames_of_a_wrapped_set():
    path = ROOT / 'configs/tpavi/tpavi_pvt_s4.py'
    config = Config.fromfile(path)
    inner = config.train_dataloader.dataset
    config.train_dataloader.dataset = dict(
        type='RepeatDataset', times=2, dataset=inner
    )
    assert labelled_frames(config, 5) == 1
    assert labelled_frames(Config(dict(model={})), 5) == 5
