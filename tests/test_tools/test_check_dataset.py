"""check_dataset reads every clip and names what is wrong."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

from mmavs.testing import tiny_copy

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/synthetic/film_tiny_ms3.py'
OWN = """
_base_ = '{base}'
clips = dict(type='AVSDataset', data_root='{root}')
test_dataloader = dict(dataset=clips)
"""


@pytest.fixture
def check(monkeypatch, tmp_path, capsys):
    path = ROOT / 'tools' / 'analysis_tools' / 'check_dataset.py'
    spec = importlib.util.spec_from_file_location('check_dataset', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.chdir(tmp_path)  # the log-mel cache goes there

    def run(*words):
        arguments = ['check', *map(str, words), '--workers', '0']
        monkeypatch.setattr(sys, 'argv', arguments)
        code = tool.main()
        return code, capsys.readouterr().out

    return run


def roots(root):
    return [
        '--cfg-options',
        *(
            f'{split}_dataloader.dataset.data_root={root}'
            for split in ('train', 'val', 'test')
        ),
    ]


def test_whole_data_pass(check, tiny_ms3):
    code, said = check(CONFIG, *roots(tiny_ms3))
    assert code == 0 and said.endswith('passed\n')
    for line in (
        'train: 4 clips, 20 of 20 frames labelled',
        'val: 2 clips, 10 of 10',
        'test: 3 clips, 15 of 15',
        'test: frames of 64 x 64: 3 clips',
    ):
        assert line in said
    assert 'without a mask' not in said


def test_each_clip_with_a_problem_is_named(check, tiny_ms3, tmp_path):
    root = tiny_copy(tiny_ms3, tmp_path)
    frames = root / 'ms3_data' / 'visual_frames'
    (frames / 'ms3_train_00001' / 'ms3_train_00001.mp4_3.png').unlink()
    sound = root / 'ms3_data' / 'audio_wav' / 'train' / 'ms3_train_00002.wav'
    sound.write_bytes(sound.read_bytes()[:1000])
    mask = root / 'ms3_data/gt_masks/test/ms3_test_00000/ms3_test_00000_1.png'
    Image.new('L', (64, 64), 77).save(mask)
    code, said = check(CONFIG, *roots(root))
    assert code == 1 and said.endswith('3 clips with problems\n')
    for name, file in (
        ('train clip ms3_train_00001', 'ms3_train_00001.mp4_3.png'),
        ('train clip ms3_train_00002', 'ms3_train_00002.wav'),
        ('test clip ms3_test_00000', 'ms3_test_00000_1.png'),
    ):
        (line,) = [text for text in said.splitlines() if name in text]
        assert file in line and ('Fix' in line or 'Fix' in line)
    _, said = check(CONFIG, '--splits', 'val', *roots(root))
    assert 'passed' in said and 'train' not in said


def test_clips_without_masks_are_named(check, tiny_ms3, tmp_path):
    data = tiny_ms3 / 'ms3_data'
    for name in ('a', 'b', 'c'):
        clip = 'ms3_test_00000'
        base = tmp_path / 'mine' / 'test'
        (base / 'frames' / name).mkdir(parents=True)
        (base / 'audio').mkdir(exist_ok=True)
        wav = data / 'audio_wav' / 'test' / f'{clip}.wav'
        shutil.copy(wav, base / 'audio' / f'{name}.wav')
        for i in range(5):
            frame = data / 'visual_frames' / clip / f'{clip}.mp4_{i + 1}.png'
            shutil.copy(frame, base / 'frames' / name / f'{i}.png')
    mask = data / 'gt_masks' / 'test' / clip / f'{clip}_2.png'
    (base / 'masks' / 'b').mkdir(parents=True)
    shutil.copy(mask, base / 'masks' / 'b' / '1.png')
    config = tmp_path / 'own.py'
    config.write_text(OWN.format(base=CONFIG, root=tmp_path / 'mine'))
    code, said = check(config, '--splits', 'test')
    assert code == 0
    assert 'test: 3 clips, 1 of 15 frames labelled' in said
    assert 'test: 2 without a mask: a, c' in said
