"""modality_share measures models beside each other and draws them."""

import importlib.util
import json
import sys
from pathlib import Path

import cv2

ROOT = Path(__file__).resolve().parents[2]


def test_models_beside_each_other(monkeypatch, tiny_ms3, tmp_path, capsys):
    path = ROOT / 'tools' / 'analysis_tools' / 'modality_share.py'
    spec = importlib.util.spec_from_file_location('modality_share', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.chdir(ROOT)
    out = tmp_path / 'deep' / 'share.png'
    words = ['modality_share.py', '--out', str(out), '--num-clips', '2']
    for name in ('nosound', 'film', 'film'):
        words += ['--model', f'configs/synthetic/{name}_tiny_ms3.py']
    roots = [
        f'{split}_dataloader.dataset.data_root={tiny_ms3}'
        for split in ('train', 'val', 'test')
    ]
    monkeypatch.setattr(sys, 'argv', [*words, '--cfg-options', *roots])
    tool.main()
    numbers = json.loads(out.with_suffix('.json').read_text())
    assert list(numbers) == [
        'nosound_tiny_ms3',
        'film_tiny_ms3',
        'film_tiny_ms3, random weights',
    ]
    assert numbers['nosound_tiny_ms3']['sound'] == 0
    assert 0 < numbers['film_tiny_ms3']['sound'] < 1
    assert 'nosound_tiny_ms3: sound 0.00 %' in capsys.readouterr().out
    picture = cv2.imread(str(out))
    orange, blue = (14, 127, 255), (180, 119, 31)  # BGR of the two bars
    assert all((picture == colour).all(-1).any() for colour in (orange, blue))
