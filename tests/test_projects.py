"""A plug-in is brought in by config alone."""

import os
import subprocess
import sys
from pathlib import Path

import torch
from mmengine.config import Config

from mmavs.registry import MODELS

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / 'projects/example_project/configs/loudness_tiny_ms3.py'


def test_example_project_hears(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    config = Config.fromfile(CONFIG)
    model = MODELS.build(config.model).eval()
    assert type(model.neck[1]).__name__ == 'LoudnessGate'
    imgs = torch.randn(1, 2, 3, 32, 32)
    audio = torch.randn(1, 2, 1, 96, 64)
    with torch.no_grad():
        one = model(dict(imgs=imgs, audio=audio))
        other = model(dict(imgs=imgs, audio=audio.flip(1)))
    assert one.shape[:2] == (2, 1)
    assert not torch.allclose(one, other)


def test_tools_find_packages_of_the_working_folder(tmp_path):
    # in an interpreter of its own: this one has the path already
    package = tmp_path / 'own_package'
    package.mkdir()
    (package / '__init__.py').write_text('print("imported")\n')
    (tmp_path / 'own.py').write_text(
        "_base_ = 'mmavs::synthetic/film_tiny_ms3.py'\n"
        "custom_imports = dict(imports=['own_package'])\n"
    )
    result = subprocess.run(
        [sys.executable, ROOT / 'tools/misc/print_config.py', 'own.py'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k != 'PYTHONPATH'},
    )
    assert result.stdout.startswith('imported'), result.stderr
