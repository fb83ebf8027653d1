"""The parameter counts that the READMEs of configs/ print."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.registry import MODELS
from mmavs.testing.meta import OnMeta

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
# config: (millions of parameters, of which these parts are left out)
SOUND = ('audio_encoder',)
FROZEN = ('audio_encoder', 'backbone')
COUNTS = {
    # the segmentation network, arXiv 2307.16620, Table 5: 101.80
    'avis/avis_swin-b_s4_stage1': (101.80, ()),
    'avis/avis_pvt_s4_stage1': (94.95, ()),
    'avis/avis_r50_s4_stage1': (45.04, ()),
    'avis/avis_swin-b_ms3_m2f_stage1': (106.89, ()),
    # with VGGish
    'avsac/avsac_pvt_ms3': (178.88, ()),
    'avsac/avsac_r50_ms3': (121.67, ()),
    'avsac/avsac_pvt_avss': (178.88, ()),
    'avsac/avsac_swin-b_ms3': (184.41, ()),
    'avsegformer/avsegformer_pvt_s4': (183.95, ()),
    'avsegformer/avsegformer_r50_s4': (126.74, ()),
    'avsegformer/avsegformer_pvt_avss': (183.95, ()),
    'avsegformer/avsegformer_convnext-t_ms3': (130.44, ()),
    # besides VGGish
    'catr/catr_pvt_s4': (106.67, SOUND),
    'catr/catr_r50_ms3': (72.92, SOUND),
    'catr/catr_pvt_avss': (106.69, SOUND),
    'catr/catr_convnext-t_ms3': (56.59, SOUND),
    'avsbg/avsbg_pvt_s4': (85.19, SOUND),
    'avsbg/avsbg_r50_ms3': (27.61, SOUND),
    'avsbg/avsbg_swin-b_ms3': (90.60, SOUND),
}
TRAINED = {
    'avsac/avsac_pvt_ms3': 25.30,
    'avsac/avsac_r50_ms3': 26.02,
    'avsac/avsac_swin-b_ms3': 25.52,
}


def millions(name, without=()):
    with OnMeta():
        model = MODELS.build(Config.fromfile(CONFIGS / f'{name}.py').model)
    counted = sum(
        parameter.numel()
        for key, parameter in model.named_parameters()
        if key.split('.')[0] not in without
    )
    return counted / 1e6


@pytest.mark.parametrize('name', COUNTS)
def test_whole_models(name):
    expected, without = COUNTS[name]
    assert millions(name, without) == pytest.approx(expected, abs=0.005)
    readme = CONFIGS / name.split('/')[0] / 'README.md'
    assert f'{expected:.2f}' in readme.read_text()


@pytest.mark.parametrize('name', TRAINED)
def test_what_avsac_trains(name):
    expected = TRAINED[name]
    assert millions(name, FROZEN) == pytest.approx(expected, abs=0.005)
    assert f'({expected:.2f} M)' in (CONFIGS / 'avsac/README.md').read_text()


def test_sound_encoders_and_avsc():
    """BEATs 90.31 M, VGGish 72.14 M; the MLPs 0.53 M and 0.20 M."""
    for backbone, encoder, mlp in (
        ('swin-b', 90.31, 0.53),
        ('r50', 72.14, 0.20),
    ):
        config = Config.fromfile(CONFIGS / f'avis/avis_{backbone}_s4.py')
        with OnMeta():
            model = MODELS.build(config.model)
        for part, expected in (
            (model.audio_encoder, encoder),
            (model.decode_head.avsc, mlp),
        ):
            counted = sum(p.numel() for p in part.parameters()) / 1e6
            assert counted == pytest.approx(expected, abs=0.005)


def test_heads_of_instances():
    """Table 5 says 101.80 M with Swin-B, which has 86,880,376."""

    def count(**options):
        head = MODELS.build(dict(type='SoundingInstanceHead', **options))
        return sum(p.numel() for p in head.parameters())

    with torch.device('meta'):
        swin = count(in_channels=[128, 256, 512, 1024])
        assert swin == 14_916_376
        assert round((swin + 86_880_376) / 1e6, 2) == 101.80
        # mmdet's MaskFormerHead of the same classes
        r50 = count(
            in_channels=[256, 512, 1024, 2048],
            pixel_decoder=dict(num_layers=6),
        )
        assert r50 == 21_528_856


def avsac_millions(**options):
    """Parameters of AVSAC-PVT, VGGish included, in millions."""
    with torch.device('meta'):
        neck = MODELS.build(
            dict(type='AVBridge', in_channels=[64, 128, 320, 512], **options)
        )
        head = MODELS.build(dict(type='BAVDHead'))
    parts = sum(p.numel() for m in (neck, head) for p in m.parameters())
    return (parts + 81_443_008 + 72_141_184) / 1e6  # PVT-v2-b5, VGGish


@pytest.mark.parametrize(
    'options, expected',
    [
        ({}, 178.88),  # 180.98 with AVSegFormer's 2.10 M of dead layers
        (dict(mixer=False), 178.62),
        (dict(queries=dict(generator='repeat')), 172.49),
        (dict(encoder=dict(num_layers=0)), 171.33),
        (dict(decoder=dict(ffn_channels=2048)), 191.50),
        (dict(decoder=dict(vga_self_attention=True)), 180.46),
        (dict(decoder=dict(vga_residual=False)), 178.88),
        (dict(decoder=dict(direction='a2v')), 177.30),
        (dict(decoder=dict(direction='v2a')), 176.06),
        (dict(decoder=dict(audio_guidance=False)), 177.30),
        (dict(decoder=dict(direction='none')), 174.48),
        (dict(decoder=dict(num_layers=4)), 177.41),
        (dict(decoder=dict(num_layers=2)), 175.95),
    ],
)
def test_parameters_of_each_reading(options, expected):
    assert avsac_millions(**options) == pytest.approx(expected, abs=0.005)
