"""Whole models of the AVSBench baseline against the released code."""

from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    randn,
    recipe_state_dict,
)
from mmavs.testing.meta import OnMeta
from mmavs.weights.released import avsbench

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'tpavi'
NAMES = ['ms3_pvt', 'ms3_resnet', 'avss_pvt', 'avss_resnet']
MILLIONS = dict(  # live weights, besides VGGish
    ms3_pvt=100.140417,
    ms3_resnet=68.157697,
    avss_pvt=100.141703,
    avss_resnet=68.158983,
)


class Released:
    """A model of configs/tpavi with the recipe's weights and its inputs."""

    def __init__(self, name):
        self.name = name
        setting, backbone = name.split('_')
        backbone = dict(pvt='pvt', resnet='r50')[backbone]
        config = Config.fromfile(CONFIGS / f'tpavi_{backbone}_{setting}.py')
        config.model.audio_encoder = None  # figures start from its output
        with OnMeta():
            self.model = MODELS.build(config.model)
        recipe = load_json(f'recipe_avsbench_{name}')
        weights = avsbench.convert(recipe_state_dict(recipe))
        self.model.load_state_dict(weights, assign=True)
        self.model.eval()
        self.arrays = load_arrays(f'avsbench_model_{name}')
        self.figures = load_json(f'avsbench_model_{name}')
        inputs = self.figures['inputs']
        self.num_frames = inputs['T']
        self.frames = inputs['frames']
        self.audio = randn(inputs['audio_seed'], self.frames, 128)
        valid = torch.tensor(inputs['flag']).bool()
        self.valid = None if valid.all() else valid

    def images(self):
        seed = self.figures['inputs']['image_seed']
        return randn(seed, self.frames, 3, 64, 64)

    def maps(self):
        seeds = self.figures['inputs']['feature_seeds']
        return tuple(
            randn(seed, self.frames, channels, 16 >> i, 16 >> i)
            for i, (seed, channels) in enumerate(
                zip(seeds, self.model.neck[0].in_channels)
            )
        )

    @torch.no_grad()
    def decode(self, visual, audio=None, valid=None):
        audio = self.audio if audio is None else audio
        features = AVFeatures(tuple(visual), audio, valid=valid)
        for neck in self.model.neck:
            features = neck(features._replace(num_frames=self.num_frames))
        return self.model.decode_head(
            features._replace(num_frames=self.num_frames)
        )

    @cached_property
    def unmasked_logits(self):
        return self.decode(self.maps()).logits

    def assert_logits(self, kind, logits):
        if self.name.startswith('ms3'):
            assert_close(logits, self.arrays[f'{kind}_pred'])
            return
        sparse = logits[:, :, ::8, ::8]
        assert_close(sparse, self.arrays[f'{kind}_pred_stride8'])
        best = logits.argmax(dim=1).numpy().astype(np.uint8)
        same = best == self.arrays[f'{kind}_pred_argmax_u8']
        margin = self.arrays[f'{kind}_top2_margin_stride4_f16']
        assert same[:, ::4, ::4][margin > 1e-3].all()
        assert same.mean() > 0.9999


@pytest.fixture(scope='module', params=NAMES)
def released(request):
    return Released(request.param)


def test_number_of_weights(released):
    total = sum(p.numel() for p in released.model.parameters())
    assert total == pytest.approx(MILLIONS[released.name] * 1e6, abs=0.5)


def test_whole_network(released):
    with torch.no_grad():
        maps = released.model.backbone(released.images())
    if 'pvt' in released.name:
        names = [f'pvt_b5_stage{i}' for i in (1, 2, 3, 4)]
    else:
        names = [f'resnet_layer{i}' for i in ('1', '2', '3_1', '4_1')]
    for name, out in zip(names, maps):
        expected = released.arrays[f'{name}_first2']
        assert_close(out[:2, : expected.shape[1]], expected, name)
    output = released.decode(maps, valid=released.valid)
    released.assert_logits('full', output.logits)
    statistics = released.figures['full_feature_stats_after_decoder']
    for out, expected in zip(output.features.visual, statistics):
        total = float(out.double().abs().sum())
        assert total == pytest.approx(expected['abs_sum'], rel=1e-6)


def test_decoder_path(released):
    if 'resnet' in released.name:
        pytest.skip('no figures')
    output = released.decode(released.maps(), valid=released.valid)
    released.assert_logits('dec', output.logits)
    if released.valid is not None:
        assert not output.logits[~released.valid].any()
    for i, out in enumerate(output.features.visual):
        if i < 2:
            name = f'dec_feature_map_{i}_frame0_ch0to15'
            assert_close(out[0, :16], released.arrays[name], name)
        else:
            name = f'dec_feature_map_{i}'
            assert_close(out, released.arrays[name], name)
        aligned = output.features.aligned_audio[i].unflatten(0, (-1, 5))
        assert_close(aligned, released.arrays[f'dec_a_fea_{i}'])


def test_padding_off(released):
    if released.name != 'avss_pvt':
        pytest.skip('no padded frames')
    total = float(released.unmasked_logits.double().abs().sum())
    expected = released.figures['dec_pred_all_ones_flag']['abs_sum']
    assert total == pytest.approx(expected, rel=1e-6)


def test_windows_of_five(released):
    if released.name != 'avss_pvt':
        pytest.skip('clips of five frames')
    second = slice(10, 20)
    audio = released.audio[second].clone()
    audio[5:] += 1
    maps = [x[second] for x in released.maps()]
    after = released.decode(maps, audio).logits
    before = released.unmasked_logits[second]
    assert_close(after[:5], before[:5].numpy())
    assert (before[5:] - after[5:]).abs().max() > 0.1


@pytest.mark.parametrize('mode', ['both', 'visual-visual', None])
def test_other_modes(released, mode):
    """Visual-visual, both, and no TPAVI, with the same weights."""
    if released.name != 'ms3_pvt':
        pytest.skip('no figures')
    neck = released.model.neck[1]
    name = {
        'both': 'dec_pred_vv_and_va',
        'visual-visual': 'dec_pred_vv_only',
        None: 'dec_pred_no_tpavi',
    }[mode]
    stages, modes = neck.stages, neck.mode
    try:
        if mode is None:
            neck.stages = ()
        for block in neck.blocks.values():
            block.mode = mode
        logits = released.decode(released.maps()).logits
    finally:
        neck.stages = stages
        for block in neck.blocks.values():
            block.mode = modes
    assert_close(logits, released.arrays[name])
