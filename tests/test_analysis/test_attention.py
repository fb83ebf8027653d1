"""Attention is collected on request and leaves nothing behind."""

import pytest
import torch
from torch import nn

from mmavs.analysis.attention import collect_attention
from mmavs.models.necks import TPAVI
from mmavs.structures import AVFeatures


class Fusion(nn.Module):
    """Two necks, as a model has."""

    def __init__(self):
        super().__init__()
        self.neck = nn.ModuleList(
            [TPAVI([8, 8], 12, stages=(1,)), TPAVI([8, 8], 12, window=1)]
        )

    def forward(self, features):
        for neck in self.neck:
            features = neck(features)
        return features


def given():
    visual = (torch.randn(5, 8, 6, 4), torch.randn(5, 8, 3, 2))
    return AVFeatures(visual, torch.randn(5, 12), num_frames=5)


def test_collects_what_each_module_saw():
    model, features = Fusion(), given()
    with collect_attention(model) as maps:
        model(features)
    assert {name: len(m) for name, m in maps.items()} == {
        'neck.0': 1,
        'neck.1': 2,
    }
    assert maps['neck.1'][0].shape == (5, 6, 4)
    expected = model.neck[0].attention_maps(features)
    torch.testing.assert_close(maps['neck.0'][0], expected[0].detach())
    between = model.neck[0](features)
    expected = model.neck[1].attention_maps(between)
    torch.testing.assert_close(maps['neck.1'][1], expected[1].detach())
    assert not maps['neck.1'][0].requires_grad
    count = len(maps)
    model(features)  # outside, nothing is collected any more
    assert len(maps) == count
    assert not any(m._forward_pre_hooks for m in model.modules())


def test_hooks_go_also_after_an_error():
    model = Fusion()
    with pytest.raises(ValueError), collect_attention(model):
        model(given()._replace(audio=None))
    assert not any(m._forward_pre_hooks for m in model.modules())


def test_model_without_attention():
    with pytest.raises(ValueError, match='no module of this Linear has'):
        with collect_attention(nn.Linear(1, 1)):
            pass
