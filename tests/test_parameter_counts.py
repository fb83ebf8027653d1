"""The parameter counts that the READMEs of configs/ print."""

from pathlib import Path

import pytest
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
