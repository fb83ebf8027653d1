"""The decoder of the AVSBench baseline."""

import pytest
import torch
import torch.nn.functional as F

from mmavs.models.decode_heads import AVSFPNHead
from mmavs.models.decode_heads.avs_fpn_head import ResidualUnit
from mmavs.structures import AVFeatures
from mmavs.testing import check_gradients
from mmavs.testing.golden import assert_close, load_arrays


def pyramid(channels=6, frames=2, sizes=((8, 8), (4, 4), (2, 2), (1, 1))):
    return AVFeatures(tuple(torch.randn(frames, channels, *s) for s in sizes))


def head(channels=6, **options):
    return AVSFPNHead([channels] * 4, channels=(5, 4), **options)


def golden_unit(arrays, prefix):
    unit = ResidualUnit(16, norm_cfg=None, relu_skip=True, relu_first=True)
    unit.load_state_dict(
        {
            f'conv{i}.conv.{kind}': torch.from_numpy(
                arrays[f'{prefix}conv{i}.{kind}']
            )
            for i in (1, 2)
            for kind in ('weight', 'bias')
        }
    )
    return unit


def test_golden_residual_unit():
    arrays = load_arrays('avsbench_units')
    x = torch.from_numpy(arrays['rcu__in'])
    before = x.clone()
    assert_close(golden_unit(arrays, 'rcu_w::')(x), arrays['rcu__out'])
    assert torch.equal(x, before)  # the same numbers, yet nothing in place


def test_golden_fusion_block():
    """One step of the decoder: out + unit 1 (skip), unit 2, doubled."""
    arrays = load_arrays('avsbench_units')
    lateral = golden_unit(arrays, 'ffb_w::resConfUnit1.')
    merge = golden_unit(arrays, 'ffb_w::resConfUnit2.')
    coarse = torch.from_numpy(arrays['ffb__in0'])
    skip = torch.from_numpy(arrays['ffb__in1'])

    def double(x):
        return F.interpolate(
            x, scale_factor=2, mode='bilinear', align_corners=True
        )

    one = double(merge(coarse))
    assert_close(one, arrays['ffb__out_one_input'])
    two = double(merge(coarse + lateral(skip)))
    assert_close(two, arrays['ffb__out_two_inputs'])


def test_skip_path_option():
    x = torch.randn(1, 4, 5, 5)
    units = [ResidualUnit(4, None, skip, True) for skip in (True, False)]
    units[1].load_state_dict(units[0].state_dict())
    difference = units[1](x) - units[0](x)
    torch.testing.assert_close(difference, x.clamp(max=0))


@pytest.mark.parametrize('num_upsamples, size', [(0, 8), (1, 16), (2, 32)])
def test_logits_size(num_upsamples, size):
    output = head(num_upsamples=num_upsamples)(pyramid())
    assert output.logits.shape == (2, 1, size, size)


def test_any_frame_size():
    """Maps of 45 x 60, 23 x 30, ... as of frames 180 x 240."""
    sizes = ((45, 60), (23, 30), (12, 15), (6, 8))
    output = head()(pyramid(sizes=sizes))
    assert output.logits.shape == (2, 1, 180, 240)


@pytest.mark.parametrize('relu_skip', [True, False])
def test_features_are_the_maps_the_decoder_saw(relu_skip):
    given = pyramid()
    output = head(relu_skip=relu_skip)(given)
    for seen, entered in zip(output.features.visual, given.visual):
        expected = F.relu(entered) if relu_skip else entered
        assert torch.equal(seen, expected)


def test_frames_do_not_mix_and_padding_is_zero():
    decode = head(num_classes=5).eval()
    given = pyramid(frames=3)
    together = decode(given).logits
    alone = decode(AVFeatures(tuple(x[1:2] for x in given.visual))).logits
    torch.testing.assert_close(together[1:2], alone)
    valid = torch.tensor([True, True, False])
    masked = decode(given._replace(valid=valid)).logits
    torch.testing.assert_close(masked[:2], together[:2])
    assert not masked[2].any()


def test_recomputing_changes_no_gradient():
    plain, saving = head().double(), head(with_cp=True).double()
    saving.load_state_dict(plain.state_dict())
    given = AVFeatures(tuple(x.double() for x in pyramid().visual))
    for decode in (plain, saving):
        decode(given).logits.square().sum().backward()
    pairs = zip(plain.parameters(), saving.parameters())
    for first, second in pairs:
        torch.testing.assert_close(first.grad, second.grad)


def test_prior_prob():
    decode = head(prior_prob=0.1)
    zeros = AVFeatures(tuple(torch.zeros_like(x) for x in pyramid().visual))
    torch.nn.init.zeros_(decode.conv_seg.weight)
    prob = decode(zeros).logits.sigmoid()
    torch.testing.assert_close(prob, torch.full_like(prob, 0.1))


@pytest.mark.parametrize('options', [{}, dict(norm_cfg=dict(type='BN'))])
def test_every_parameter_gets_a_gradient(options):
    decode, given = head(**options), pyramid(frames=4)
    check_gradients(decode, lambda: decode(given).logits.pow(2).sum())


def test_errors():
    with pytest.raises(ValueError, match='needs equal widths, got in_chann'):
        AVSFPNHead([4, 4, 8, 8])
    with pytest.raises(ValueError, match='num_upsamples must be 0, 1 or 2'):
        head(num_upsamples=3)
    with pytest.raises(ValueError, match='prior_prob is for one output chan'):
        head(num_classes=5, prior_prob=0.1)
    with pytest.raises(ValueError, match=r'in_channels=\(6, 6, 6, 6\), but'):
        head()(pyramid(channels=3))
