"""A released CATR checkpoint's keys, all of them, under our names."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.registry import MODELS
from mmavs.testing.golden import load_json
from mmavs.testing.meta import OnMeta
from mmavs.weights.released import catr

CONFIG = Path(__file__).resolve().parents[3] / 'configs/catr/catr_pvt_s4.py'


def test_keys_and_shapes():
    listed = load_json('catr_keys_pvt')
    weights = {
        key: torch.empty(shape, device='meta')
        for key, shape in listed['keys'].items()
    }
    converted = catr.convert(weights)
    config = Config.fromfile(CONFIG)
    config.model.audio_encoder = None  # released without it
    with OnMeta():
        model = MODELS.build(config.model)
    ours = {k: v.shape for k, v in model.state_dict().items()}
    assert {k: v.shape for k, v in converted.items()} == ours
    count = sum(p.numel() for p in model.parameters())
    runs_unused = 263_168  # the last layer's sounds, which nothing reads
    unused = listed['dead_params'] + runs_unused
    assert count == listed['total_params'] - unused == 106_667_942


def test_foreign_keys_are_named():
    with pytest.raises(ValueError, match=r'not of a CATR .*head\.pony'):
        catr.convert({'head.pony': torch.zeros(1)})
