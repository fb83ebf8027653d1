"""Batch norms folded into convolutions give what they gave."""

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmavs.analysis.workloads import build_form
from mmavs.model_index import read_config
from mmavs.models.folding import fold_batch_norms, tune_for_inference
from mmavs.testing.random_clips import random_clips

# config: how many norms stay, since linear layers, or weights that TPAVI
# reads, are before them
METHODS = dict(
    tpavi_tiny_ms3=4,
    avsbg_tiny_ms3=0,
    avsegformer_tiny_ms3=0,
    avsac_tiny_ms3=0,
    avis_tiny_ms3_stage1=0,
    catr_tiny_ms3=0,
    auralsam2_tiny_ms3=7,
    film_tiny_ms3=0,
)


@torch.no_grad()
def unsettle(model, seed=0):
    """Statistics and affine maps that are not those of the start."""
    draw = torch.Generator().manual_seed(seed)
    for norm in norms(model):
        norm.running_mean.normal_(0, 0.3, generator=draw)
        norm.running_var.uniform_(0.5, 2, generator=draw)
        norm.weight.uniform_(0.5, 1.5, generator=draw)
        norm.bias.normal_(0, 0.3, generator=draw)


def norms(model):
    return [m for m in model.modules() if isinstance(m, _BatchNorm)]


def far_apart(found, wanted):
    return float((found - wanted).abs().max() / wanted.abs().max())


@pytest.mark.parametrize('name', METHODS)
def test_every_method_gives_the_same(name):
    model, _ = build_form(read_config(name), 'mmavs')
    model.eval()
    unsettle(model)
    inputs, _ = random_clips(model, 1, 5, 64)
    number = len(norms(model))
    with torch.no_grad():
        wanted = model.encode_decode(inputs).logits
        tune_for_inference(model)
        found = model.encode_decode(inputs).logits
    assert far_apart(found, wanted) < 1e-5
    assert len(norms(model)) == METHODS[name] < number
    kernels = [p for p in model.parameters() if p.ndim == 4]
    last = torch.channels_last
    lies_last = all(p.is_contiguous(memory_format=last) for p in kernels)
    groups = any(isinstance(m, nn.GroupNorm) for m in model.modules())
    assert lies_last != groups


@pytest.mark.parametrize(
    'backbone',
    [
        dict(type='mmseg.ResNet', depth=18, num_stages=4),
        dict(type='EfficientNetLite0'),
    ],
)
def test_backbones(backbone):
    """mmseg's blocks; timm's norms, which hold the activation."""
    from mmavs.registry import MODELS

    if backbone['type'] == 'EfficientNetLite0':
        pytest.importorskip('timm')
    model = MODELS.build(backbone)
    model.eval()
    unsettle(model)
    imgs = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        wanted = model(imgs)
        assert fold_batch_norms(model) and not norms(model)
        found = model(imgs)
    for ours, theirs in zip(found, wanted):
        assert far_apart(ours, theirs) < 1e-5


class Reads(nn.Module):
    """A norm behind a convolution, in a way that forbids to fold it."""

    def __init__(self, way):
        super().__init__()
        self.way = way
        self.conv = nn.Conv2d(3, 3, 1)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        mapped = self.conv(x)
        if self.way == 'between':
            return self.norm(mapped.relu())
        if self.way == 'twice read':
            return self.norm(mapped) + mapped
        if self.way == 'before':
            return self.conv(self.norm(x))
        if self.way == 'twice called':
            return self.conv(self.norm(mapped))
        if self.way == 'weight read':
            return self.norm(mapped) * self.conv.weight.sum()
        if self.way == 'data' and x.sum() > 0:
            return mapped
        return self.norm(mapped)


@pytest.mark.parametrize(
    'way',
    [
        *('between', 'twice read', 'before', 'twice called'),
        *('weight read', 'data'),
    ],
)
def test_what_does_not_follow_is_left(way):
    model = nn.Sequential(Reads(way)).eval()
    unsettle(model)
    x = torch.randn(2, 3, 4, 4)
    wanted = model(x)
    assert fold_batch_norms(model) == []
    assert torch.equal(model(x), wanted)


def test_shared_weights_stay():
    conv = nn.Conv2d(3, 3, 1)
    model = nn.ModuleList(
        nn.Sequential(conv, nn.BatchNorm2d(3)) for _ in range(2)
    ).eval()
    unsettle(model)
    assert fold_batch_norms(model) == []


class Normalised(nn.Conv2d):
    """Its weight is not what it multiplies with."""

    def forward(self, x):
        weight = self.weight / self.weight.norm()
        return self._conv_forward(x, weight, self.bias)


def test_by_hand():
    """Factor weight / std, summand bias - mean * factor, by channel."""
    model = nn.Sequential(
        nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=1.0), nn.ReLU()
    ).eval()
    values = (2.0, 1.0, 3.0, 5.0, 0.5, 3.0)
    conv, norm = model[:2]
    with torch.no_grad():
        for tensor, value in zip(
            (
                *(conv.weight, conv.bias, norm.weight, norm.bias),
                *(norm.running_mean, norm.running_var),
            ),
            values,
        ):
            tensor.fill_(value)
    assert fold_batch_norms(model) == ['1']
    assert model[0].weight.item() == 3.0  # 2 * 3 / 2
    assert model[0].bias.item() == 5.75  # (1 - 0.5) * 3 / 2 + 5
    strange = nn.Sequential(Normalised(2, 2, 1), nn.BatchNorm2d(2)).eval()
    unsettle(strange)
    assert fold_batch_norms(strange) == []


def test_what_trains_is_refused():
    with pytest.raises(ValueError, match='evaluation mode alone. Fix'):
        fold_batch_norms(nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)))
