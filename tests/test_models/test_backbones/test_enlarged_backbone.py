"""Frames enlarged before the backbone."""

import pytest
import torch
import torch.nn.functional as F

from mmavs.models.backbones import EnlargedBackbone

INNER = dict(
    type='mmseg.ResNetV1c', depth=18, base_channels=8, stem_channels=8
)


def test_sees_enlarged_frames():
    torch.manual_seed(0)
    backbone = EnlargedBackbone(backbone=INNER, scale=2.0).eval()
    frames = torch.randn(2, 3, 32, 48)
    larger = F.interpolate(frames, (64, 96), mode='bilinear')
    found = backbone(frames)
    assert [tuple(x.shape[-2:]) for x in found][0] == (16, 24)
    for one, other in zip(found, backbone.backbone(larger)):
        assert torch.equal(one, other)


def test_scale_must_be_positive():
    with pytest.raises(ValueError, match='above 0, got 0'):
        EnlargedBackbone(backbone=INNER, scale=0)
