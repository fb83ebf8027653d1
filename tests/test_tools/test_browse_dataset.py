"""browse_dataset draws what the model is fed."""

import importlib.util
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tool(monkeypatch, tmp_path):
    path = ROOT / 'tools' / 'analysis_tools' / 'browse_dataset.py'
    spec = importlib.util.spec_from_file_location('browse_dataset', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)  # the log-mel cache goes there
    return module


def browse(tool, monkeypatch, root, setting, out, *words):
    options = [
        f'{split}_dataloader.dataset.data_root={root}'
        for split in ('train', 'val', 'test')
    ]
    config = ROOT / f'configs/_base_/datasets/avsbench_{setting}.py'
    arguments = ['browse', str(config), '--out', str(out), *words]
    arguments += ['--cfg-options', 'load_from=None', *options]
    monkeypatch.setattr(sys, 'argv', arguments)
    tool.main()
    return sorted(path.name for path in out.glob('*.png'))


@pytest.mark.parametrize('setting', ['ms3', 's4', 'avss'])
def test_every_setting_is_drawn(tool, monkeypatch, request, tmp_path, setting):
    root = request.getfixturevalue(f'tiny_{setting}')
    names = browse(tool, monkeypatch, root, setting, tmp_path, '--num', '2')
    assert len(names) == 2 and all(n.startswith('train_') for n in names)
    picture = cv2.imread(str(tmp_path / names[0]))
    assert picture.shape[1] >= 5 * 224  # the size the model sees


def test_augmentation_is_seen(tool, monkeypatch, tiny_ms3, tmp_path):
    names = browse(
        tool,
        monkeypatch,
        tiny_ms3,
        'ms3',
        tmp_path,
        *('--clips', 'ms3_test_00001', '--split', 'test', '--times', '2'),
    )
    assert names == [f'test_ms3_test_00001_{i}.png' for i in range(2)]


def test_unknown_clip_is_named(tool, monkeypatch, tiny_ms3, tmp_path):
    with pytest.raises(ValueError, match="no clip 'x'.*ms3_train_0000"):
        browse(tool, monkeypatch, tiny_ms3, 'ms3', tmp_path, '--clips', 'x')


def test_missing_data_is_named(tool, monkeypatch, tmp_path):
    with pytest.raises(FileNotFoundError, match='(?s)nowhere.*--synthetic'):
        browse(tool, monkeypatch, 'nowhere', 'ms3', tmp_path)


def test_every_kind_of_sound_becomes_a_strip(tool):
    tone = torch.sin(torch.arange(32000) * 0.3).view(2, 16000) * 0.1
    strips = {
        'none': tool.sound_picture(None),
        'log-mel': tool.sound_picture(torch.rand(2, 1, 96, 64)),
        'fbank': tool.sound_picture(torch.rand(2, 98, 128)),
        'waveform': tool.sound_picture(tone),
    }
    assert strips.pop('none') is None
    shapes = {name: strip.shape for name, strip in strips.items()}
    assert shapes == {
        'log-mel': (2, 96, 64),
        'fbank': (2, 98, 128),
        'waveform': (2, 96, 64),
    }
    assert np.isfinite(strips['waveform']).all()
