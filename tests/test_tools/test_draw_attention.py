"""draw_attention lays attention over frames."""

import importlib.util
import sys
from pathlib import Path

import cv2
import pytest
import torch

from mmavs.engine.run_config import load_config
from mmavs.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/synthetic/tpavi_tiny_ms3.py'


@pytest.fixture
def tool(monkeypatch, tmp_path):
    path = ROOT / 'tools' / 'analysis_tools' / 'draw_attention.py'
    spec = importlib.util.spec_from_file_location('draw_attention', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)  # the log-mel cache goes there
    return module


def draw(tool, monkeypatch, root, out, *words, config=CONFIG, options=()):
    arguments = ['draw', str(config), *words, '--out', str(out)]
    arguments += ['--cfg-options', *options]
    arguments += [
        f'{split}_dataloader.dataset.data_root={root}'
        for split in ('train', 'val', 'test')
    ]
    monkeypatch.setattr(sys, 'argv', arguments)
    tool.main()
    return sorted(path.name for path in out.glob('*.png'))


def test_sheets(tool, monkeypatch, tiny_ms3, tmp_path, capsys):
    words = ('--num', '2', '--scales', '0', '3')
    names = draw(tool, monkeypatch, tiny_ms3, tmp_path, *words)
    assert names == ['ms3_test_00000.png', 'ms3_test_00001.png']
    picture = cv2.imread(str(tmp_path / names[0]))
    # five columns; frames, two attention rows, prediction, log-mel
    assert picture.shape[1] >= 5 * 160
    assert picture.shape[0] >= 4 * 160 + 64
    assert '2 sheets in' in capsys.readouterr().out


@pytest.mark.parametrize(
    'name, words, options, expected',
    [
        # AVSAC's Figure 5, with and without bridges
        (
            'avsac',
            '--module neck.0 --scales 0 -1',
            [],
            ['neck.0, 8 x 8'] * 2,
        ),
        (
            'avsac',
            '',
            ['model.neck.decoder.direction=none'],
            ['decode_head, 16 x 16'],
        ),
        ('avsegformer', '', [], ['decode_head, 8 x 8']),
        # AVS-BG's Figure 6
        (
            'avsbg',
            '--module neck.2 --scales 0 -1',
            [],
            ['neck.2, 16 x 16', 'neck.2, 2 x 2'],
        ),
    ],
)
def test_every_method_that_attends(
    tool, monkeypatch, tiny_ms3, tmp_path, name, words, options, expected
):
    captions, sheet = [], tool.sheet

    def keep(rows, title):
        captions.extend(caption for caption, _ in rows)
        return sheet(rows, title)

    monkeypatch.setattr(tool, 'sheet', keep)
    config = ROOT / f'configs/synthetic/{name}_tiny_ms3.py'
    words = [*words.split(), '--num', '1']
    with_options = dict(config=config, options=options)
    draw(tool, monkeypatch, tiny_ms3, tmp_path, *words, **with_options)
    shown = [c for c in captions if c.startswith('attention of')]
    assert shown == [f'attention of {caption}' for caption in expected]
    assert (tmp_path / 'ms3_test_00000.png').is_file()


def test_weights_of_a_checkpoint_are_used(
    tool, monkeypatch, tiny_ms3, tmp_path
):
    model = MODELS.build(load_config(str(CONFIG)).model)
    pictures = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        for parameter in model.neck[1].parameters():
            parameter.data.normal_(std=0.3)
        path = tmp_path / f'{seed}.pth'
        torch.save(dict(state_dict=model.state_dict()), path)
        words = (str(path), '--clips', 'ms3_test_00002')
        out = tmp_path / str(seed)
        assert draw(tool, monkeypatch, tiny_ms3, out, *words) == [
            'ms3_test_00002.png'
        ]
        pictures.append(cv2.imread(str(out / 'ms3_test_00002.png')))
    assert (pictures[0] != pictures[1]).any()


def test_errors(tool, monkeypatch, tiny_ms3, tmp_path):
    with pytest.raises(ValueError, match="no clip 'x' in this split. Fix"):
        draw(tool, monkeypatch, tiny_ms3, tmp_path, '--clips', 'x')
    with pytest.raises(ValueError, match=r"these do: \['neck.1'\]"):
        draw(tool, monkeypatch, tiny_ms3, tmp_path, '--module', 'neck.0')
    with pytest.raises(ValueError, match='neck.1 has 4 maps, no number 4'):
        out = tmp_path / 'new'  # the log-mel cache is in tmp_path
        draw(tool, monkeypatch, tiny_ms3, out, '--scales', '4')
    film = ROOT / 'configs/synthetic/film_tiny_ms3.py'
    with pytest.raises(ValueError, match='no module of this AVSegmentor'):
        draw(tool, monkeypatch, tiny_ms3, tmp_path / 'film', config=film)
