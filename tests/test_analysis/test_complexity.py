"""Multiply-accumulates against counts by hand."""

import pytest
import torch
from mmengine.config import Config
from torch import nn
from torch.nn import functional as F

from mmavs.analysis.complexity import (
    audio_shape,
    clip_complexity,
    count_macs,
    frame_size,
)
from mmavs.models.layers import MultiScaleDeformableAttention
from mmavs.models.necks import AVCorrelation, MotionCorrelation
from mmavs.models.necks.tpavi import TPAVIBlock
from mmavs.structures import AVFeatures

DEVICES = pytest.mark.parametrize('device', ['meta', 'cpu'])


def macs_of(module, *args, device='meta'):
    """Count one module, as the only child of a model."""
    model = nn.Sequential(module).to(device).eval()
    args = [a.to(device) if isinstance(a, torch.Tensor) else a for a in args]
    return sum(count_macs(model, lambda: model[0](*args)).values())


@DEVICES
def test_convolution_and_matrix(device):
    conv = nn.Conv2d(3, 8, 3, padding=1, stride=2)
    x = torch.zeros(2, 3, 10, 12)
    assert macs_of(conv, x, device=device) == 2 * (5 * 6) * 8 * (3 * 9)
    linear = nn.Linear(7, 11)
    x = torch.zeros(4, 5, 7)
    assert macs_of(linear, x, device=device) == 20 * 7 * 11


class _Attend(nn.Module):
    def forward(self, query, key, value):
        return F.scaled_dot_product_attention(query, key, value)


@DEVICES
def test_fused_attention(device):
    query, key = torch.zeros(2, 4, 6, 16), torch.zeros(2, 4, 9, 16)
    # scores and mixture: 16 MACs each for a pair, 4 heads, 2 frames
    assert macs_of(_Attend(), query, key, key, device=device) == (
        2 * 4 * 6 * 9 * (16 + 16)
    )


@DEVICES
def test_a_layer_that_pytorch_would_run_as_one_kernel(device):
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    x = torch.zeros(3, 10, 16)
    projections = 4 * 10 * 16 * 16
    attention = 10 * 10 * (16 + 16)
    mlp = 2 * 10 * 16 * 32
    assert macs_of(layer, x, device=device) == 3 * (
        projections + attention + mlp
    )
    assert torch.backends.mha.get_fastpath_enabled()
    assert all(p.requires_grad for p in layer.parameters())


@DEVICES
def test_deformable_sampling(device):
    attention = MultiScaleDeformableAttention(16, 4, 2, 3)
    shapes = [(4, 5), (2, 3)]
    query, value = torch.zeros(2, 7, 16), torch.zeros(2, 26, 16)
    points = torch.full((2, 7, 2, 2), 0.5)
    projections = 26 * 16 * 16 + 7 * 16 * 16  # values in, queries out
    choices = 7 * 16 * (4 * 2 * 3) * (2 + 1)  # two offsets and a weight
    samples = 7 * 4 * (2 * 3) * 4 * (16 // 4)  # four corners a point
    assert macs_of(
        attention, query, value, points, shapes, device=device
    ) == 2 * (projections + choices + samples)


class _Sample(nn.Module):
    def forward(self, maps, grid):
        return F.grid_sample(maps, grid, align_corners=False)


@DEVICES
def test_grid_sampling(device):
    maps, grid = torch.zeros(2, 3, 5, 5), torch.zeros(2, 7, 4, 2)
    assert macs_of(_Sample(), maps, grid, device=device) == 4 * 2 * 3 * 7 * 4


@DEVICES
def test_factorised_tpavi(device):
    frames, width, hidden, sound, pixels = 5, 16, 8, 12, 6 * 4
    block = TPAVIBlock(
        width, sound, hidden, 'audio-visual', True, dict(type='BN'), True
    )
    args = (
        torch.zeros(frames, width, 6, 4),
        torch.zeros(frames, sound),
        torch.full((1, frames), 1 / frames),
    )
    per_second = (
        sound * width  # align
        + width * hidden  # phi
        + hidden * width
        + hidden  # theta folded into phi, and its bias
        + width * hidden
        + hidden * width  # g and rho of the mean pixel
    )
    # each pixel meets the T seconds, and reads T values
    per_pixel = frames * width + frames * width
    assert macs_of(block, *args, device=device) == frames * (
        per_second + pixels * per_pixel
    )


@DEVICES
def test_motion_correlation(device):
    neck = MotionCorrelation(num_scales=2).to(device)
    visual = tuple(torch.zeros(10, 8, s, s, device=device) for s in (6, 3))
    macs = count_macs(
        nn.Sequential(neck),
        lambda: neck(AVFeatures(visual)._replace(num_frames=5)),
    )
    # two clips of four pairs of frames, and one multiplication a position
    expected = sum(2 * 4 * p * p * 8 + 10 * p for p in (36, 9))
    assert sum(macs.values()) == expected


def test_av_correlation():
    neck = AVCorrelation((16,), 16)
    features = AVFeatures((torch.zeros(2, 16, 6, 4),), torch.zeros(2, 16))
    macs = count_macs(
        nn.Sequential(neck), lambda: neck(features._replace(num_frames=2))
    )
    assert sum(macs.values()) == 2 * 24 * (16 * 4 + 4 * 4 * 49 + 4)


def test_full_size_model_by_hand():
    """AVS-BG's decoder and necks at 224 px, from their definition."""
    config = Config.fromfile('configs/avsbg/avsbg_pvt_ms3.py')
    found = clip_complexity(config)
    assert (found.num_frames, found.size) == (5, (224, 224))
    assert found.parameters['decode_head'] == 2_160_257
    scales = [56**2, 28**2, 14**2, 7**2]
    unit = 2 * 9 * 128 * 128
    units = unit * (sum(scales) + sum(scales[:3]))  # merge and lateral
    last = 9 * 128 * 64 * 112**2 + (9 * 64 * 32 + 32) * 224**2
    assert found.macs['decode_head'] == 5 * (units + last)
    widths = (64, 128, 320, 512)
    reduce = sum(
        p * (w * 128 + 2 * 9 * 128 * 128) for p, w in zip(scales, widths)
    )
    gate = sum(scales) * (128 * 32 + 49 * 32 * 32 + 32)
    motion = sum(4 * p * p * 128 + 5 * p for p in scales)
    assert found.macs['neck'] == 5 * (reduce + gate) + motion


def test_devices_frames_and_sizes():
    config = Config.fromfile('configs/synthetic/tpavi_tiny_ms3.py')
    five = clip_complexity(config, (64, 96))
    assert clip_complexity(config, (64, 96), device='cpu') == five
    ten = clip_complexity(config, (64, 96), num_frames=10)
    for part, count in five.macs.items():  # windows of TPAVI stay at five
        assert ten.macs[part] == 2 * count
    assert ten.parameters == five.parameters
    assert set(five.parameters) == {
        'backbone',
        'audio_encoder',
        'neck',
        'decode_head',
    }


def pipeline_config(*transforms, **model):
    dataset = dict(pipeline=list(transforms))
    return Config(
        dict(test_dataloader=dict(dataset=dataset), model=dict(**model))
    )


def test_frame_size():
    resize = dict(type='Resize', scale=(320, 240))  # width, height
    nested = dict(type='ForEachFrame', transforms=[resize])
    assert frame_size(pipeline_config(nested)) == (240, 320)
    assert frame_size(pipeline_config(dict(type='LoadAudio'))) == (224, 224)


@pytest.mark.parametrize(
    'transform, front_end, shape',
    [
        (dict(type='VGGishLogMel'), None, (5, 1, 96, 64)),
        (dict(type='BEATsFbank'), None, (5, 98, 128)),
        (dict(type='AudioSegments'), None, (5, 16000)),
        (
            dict(type='AudioSegments', length=15600, hop=15360),
            'VGGishLogMelFrontEnd',
            (5, 1, 96, 64),
        ),
    ],
)
def test_sound_of_a_clip(transform, front_end, shape):
    preprocessor = {}
    if front_end:
        preprocessor = dict(audio_front_end=dict(type=front_end))
    config = pipeline_config(
        dict(type='LoadAudio'), transform, data_preprocessor=preprocessor
    )
    assert audio_shape(config, 5) == shape


def test_sound_without_a_front_end():
    with pytest.raises(ValueError, match='no transform .* Fix: add VGGish'):
        audio_shape(pipeline_config(dict(type='LoadAudio')), 5)
