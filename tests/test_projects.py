"""A plug-in is brought in by config alone."""

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
