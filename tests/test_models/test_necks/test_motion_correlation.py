"""Motion correlation against its definition and the released code."""

import pytest
import torch

from mmavs.analysis.naive import naive_copy, naive_neighbour_response
from mmavs.models.necks import MotionCorrelation
from mmavs.structures import AVFeatures
from mmavs.testing import check_gradients
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    recipe_state_dict,
)

WEIGHT, BIAS = 0.75, -0.25  # exact in every type


def build(num_scales=1, **kwargs):
    neck = MotionCorrelation(num_scales=num_scales, **kwargs)
    for gate in neck.gates.values():
        torch.nn.init.constant_(gate.weight, WEIGHT)
        torch.nn.init.constant_(gate.bias, BIAS)
    return neck


def naive_forward(x, num_frames):
    response = naive_neighbour_response(x, num_frames)
    gate = torch.sigmoid(WEIGHT * response + BIAS)
    return x + x * gate[:, None]


def test_golden():
    arrays = load_arrays('avsbg_units')
    recipe = load_json('avsbg_units_recipes')['corr_atten']
    neck = MotionCorrelation(num_scales=3)
    neck.gates.load_state_dict(recipe_state_dict(recipe))
    visual = tuple(
        torch.from_numpy(arrays[f'viscorr_in_{i}']) for i in range(3)
    )
    out = neck(AVFeatures(visual)._replace(num_frames=5))
    for i, level in enumerate(out.visual):
        assert_close(level, arrays[f'viscorr_out_{i}'], f'scale {i}')


@pytest.mark.parametrize('num_frames', [2, 3, 5, 10])
@pytest.mark.parametrize('block_elements', [1, 30, None])
def test_equals_the_naive_form(num_frames, block_elements):
    x = torch.randn(2 * num_frames, 4, 5, 3, dtype=torch.double)
    target = torch.randn_like(x)
    neck = build(block_elements=block_elements).double()
    grads, outputs = [], []
    for run in (
        lambda x: neck(
            AVFeatures((x,))._replace(num_frames=num_frames)
        ).visual[0],
        lambda x: naive_forward(x, num_frames),
    ):
        leaf = x.clone().requires_grad_()
        out = run(leaf)
        (out * target).sum().backward()
        outputs.append(out)
        grads.append(leaf.grad)
    torch.testing.assert_close(*outputs, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(*grads, rtol=1e-12, atol=1e-12)


def test_naive_copy_of_the_neck():
    neck = build(num_scales=2)
    naive, changed = naive_copy(neck)
    assert changed == [''] and type(naive).__name__.startswith('Naive')
    visual = (torch.randn(6, 4, 5, 3), torch.randn(6, 4, 2, 2))
    torch.testing.assert_close(
        neck(AVFeatures(visual)._replace(num_frames=3)).visual,
        naive(AVFeatures(visual)._replace(num_frames=3)).visual,
    )


def test_one_frame_is_the_identity():
    x = torch.randn(3, 4, 5, 5)
    neck = build()
    assert torch.equal(
        neck(AVFeatures((x,))._replace(num_frames=1)).visual[0], x
    )
    assert (
        neck.attention_maps(AVFeatures((x,))._replace(num_frames=1))[0]
        .abs()
        .sum()
        == 0
    )


def test_clips_do_not_mix_and_only_neighbours_do():
    x = torch.randn(10, 4, 3, 3)
    neck = build()
    before = neck(AVFeatures((x,))._replace(num_frames=5)).visual[0]
    changed = x.clone()
    changed[2] = torch.randn(4, 3, 3)  # frame 2 of the first clip
    after = neck(AVFeatures((changed,))._replace(num_frames=5)).visual[0]
    moved = (before != after).flatten(1).any(1).tolist()
    # itself, and frame 1, whose neighbour it is
    assert moved == [False, True, True] + [False] * 7


def test_padded_frames_change_nothing():
    x = torch.randn(8, 4, 3, 3)
    neck = build()
    long = AVFeatures((x,), valid=torch.tensor([1, 1, 1, 0, 1, 0, 0, 0]) > 0)
    out = neck(long._replace(num_frames=4)).visual[0]
    alone = neck(AVFeatures((x[:3],))._replace(num_frames=3)).visual[0]
    torch.testing.assert_close(out[:3], alone)
    assert torch.equal(out[3:], x[3:])  # padding, or without a neighbour


def test_attention_maps_are_the_gates():
    visual = (torch.randn(4, 3, 6, 4), torch.randn(4, 3, 3, 2))
    neck = build(num_scales=2)
    maps = neck.attention_maps(AVFeatures(visual)._replace(num_frames=2))
    assert [m.shape for m in maps] == [(4, 6, 4), (4, 3, 2)]
    out = neck(AVFeatures(visual)._replace(num_frames=2)).visual
    for before, gate, after in zip(visual, maps, out):
        assert 0 < gate.min() and gate.max() < 1
        torch.testing.assert_close(after, before * (1 + gate[:, None]))


def test_stages_choose_the_scales():
    visual = tuple(torch.randn(4, 3, s, s) for s in (4, 3, 2))
    neck = build(num_scales=3, stages=(2,))
    out = neck(AVFeatures(visual)._replace(num_frames=2)).visual
    assert torch.equal(out[0], visual[0]) and torch.equal(out[1], visual[1])
    assert not torch.equal(out[2], visual[2])
    off = build(num_scales=3, stages=())
    assert not list(off.parameters())
    assert off(AVFeatures(visual)._replace(num_frames=2)).visual == visual


def test_every_parameter_gets_a_gradient():
    neck = MotionCorrelation(num_scales=2)
    visual = (torch.randn(6, 4, 5, 5), torch.randn(6, 4, 3, 3))
    check_gradients(
        neck,
        lambda: sum(
            (level * level).sum()
            for level in neck(AVFeatures(visual)._replace(num_frames=3)).visual
        ),
    )


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision(dtype):
    x = torch.nn.functional.normalize(torch.randn(4, 16, 8, 8), dim=1)
    neck = build()
    exact = neck(AVFeatures((x,))._replace(num_frames=2)).visual[0]
    with torch.autocast('cpu', dtype):
        half = neck(AVFeatures((x.to(dtype),))._replace(num_frames=2)).visual[
            0
        ]
    assert half.dtype == dtype
    torch.testing.assert_close(half.float(), exact, rtol=0.02, atol=0.02)


def test_errors():
    with pytest.raises(ValueError, match=r'stages=\(4,\) must lie in 0..3'):
        MotionCorrelation(num_scales=4, stages=(4,))
    neck = MotionCorrelation(num_scales=2)
    x = torch.zeros(5, 2, 2, 2)
    with pytest.raises(ValueError, match='built for 2 maps, but gets 1'):
        neck(AVFeatures((x,))._replace(num_frames=5))
    with pytest.raises(ValueError, match='5 maps are not a multiple of T = 2'):
        neck(AVFeatures((x, x))._replace(num_frames=2))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_on_a_gpu():
    x = torch.nn.functional.normalize(torch.randn(10, 64, 28, 28), dim=1)
    x = x.cuda()
    neck = build(block_elements=10**5).cuda()
    peaks, grads = [], []
    for run in (
        lambda x: neck(AVFeatures((x,))._replace(num_frames=5)).visual[0],
        lambda x: naive_forward(x, 5),
    ):
        leaf = x.clone().requires_grad_()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run(leaf).square().sum().backward()
        peaks.append(torch.cuda.max_memory_allocated() - before)
        grads.append(leaf.grad)
    # products round differently where TF32 is on
    torch.testing.assert_close(*grads, rtol=1e-2, atol=1e-2)
    assert peaks[0] < peaks[1] / 2
