"""CATR's encoder: who hears whom, as released and as the paper means."""

import pytest
import torch

from mmavs.models.necks.decoupled_encoder import (
    DecoupledAVEncoder,
    GatedSum,
    SquaredAttention,
)
from mmavs.structures import AVFeatures
from mmavs.testing import check_gradients


def build(as_released=False, **options):
    torch.manual_seed(0)
    neck = DecoupledAVEncoder(
        in_channels=[12, 5],
        audio_channels=6,
        embed_dims=16,
        num_heads=2,
        num_layers=2,
        ffn_channels=8,
        dropout=0.0,
        as_released=as_released,
        **options,
    )
    return neck.double().eval()


def clips(num_clips, num_frames, seed=0, valid=None):
    generator = torch.Generator().manual_seed(seed)
    frames = num_clips * num_frames

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return AVFeatures(
        (draw(frames, 12, 4, 3), draw(frames, 5, 2, 2)),
        draw(frames, 6),
        valid=valid,
        num_frames=num_frames,
    )


@torch.no_grad()
@pytest.mark.parametrize('as_released', [True, False])
def test_order_of_sounds(as_released):
    """As released reversing the seconds changes nothing."""
    neck = build(as_released)
    features = clips(1, 4)
    plain = neck(features)
    turned = neck(features._replace(audio=features.audio.flip(0)))
    moved = (plain.visual[0] - turned.visual[0]).abs().max()
    assert (moved < 1e-10) == as_released
    assert torch.allclose(plain.visual[1], turned.visual[1], atol=1e-12)
    assert torch.allclose(plain.audio, turned.audio.flip(1), atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize('as_released', [True, False])
@pytest.mark.parametrize('num_frames', [1, 3, 7])
def test_clips_do_not_hear_each_other(as_released, num_frames):
    neck = build(as_released)
    both = clips(2, num_frames)
    alone = neck(_rows(both, slice(num_frames)))
    together = _rows(neck(both), slice(num_frames))
    for one, other in zip(alone.visual, together.visual):
        assert torch.allclose(one, other, atol=1e-12)
    assert torch.allclose(alone.audio, together.audio, atol=1e-12)
    assert together.audio.shape == (num_frames, num_frames, 16)


@torch.no_grad()
@pytest.mark.parametrize('as_released', [True, False])
def test_padding_changes_nothing(as_released):
    neck = build(as_released)
    short = clips(1, 3)
    valid = torch.tensor([True, True, True, False, False])
    noise = clips(1, 2, seed=5)
    padded = AVFeatures(
        tuple(map(torch.cat, zip(short.visual, noise.visual))),
        torch.cat([short.audio, noise.audio]),
        valid=valid,
        num_frames=5,
    )
    expected, found = neck(short), neck(padded)
    for one, other in zip(expected.visual, found.visual):
        assert torch.allclose(one, other[:3], atol=1e-12)
    assert torch.allclose(expected.audio, found.audio[:3, :3], atol=1e-12)


@pytest.mark.parametrize('as_released', [True, False])
def test_every_parameter_takes_part(as_released):
    neck = build(as_released).train()
    features = clips(2, 3)

    def run():
        out = neck(features)
        return sum(x.square().mean() for x in (*out.visual[:2], out.audio))

    check_gradients(neck, run)


def test_squared_attention_is_its_formula():
    attend = SquaredAttention(4, 1).double()
    query = torch.randn(1, 3, 4).double()
    memory = torch.randn(1, 2, 4).double()
    place = torch.randn(1, 2, 4).double()
    parts = attend.attn.in_proj_weight.chunk(3)
    q, k, v = (
        query @ parts[0].T,
        (memory + place) @ parts[1].T,
        (memory @ parts[2].T),
    )
    weights = (q @ k.mT / 2).softmax(-1)
    attended = weights @ v @ attend.attn.out_proj.weight.T
    expected = query * attended**2
    assert torch.allclose(attend(query, memory, place), expected)


@torch.no_grad()
@pytest.mark.parametrize('as_released', [True, False])
def test_gates_are_their_formula(as_released):
    """With a convolution of zeros and biases a, b the gates are known."""
    gates = GatedSum(2, as_released).double().eval()
    gates.weigh.weight.zero_()
    gates.weigh.bias.copy_(torch.tensor([0.4, -1.0]))
    gates.blocks = torch.nn.ModuleList(torch.nn.Identity() for _ in range(2))
    outer, middle, inner = (torch.randn(3, 2, 4, 4).double() for _ in 'EMK')
    a, b = torch.tensor([0.4, -1.0]).double().sigmoid()
    second = (a + b) / 2
    if as_released:
        second = (a.sigmoid() + b.sigmoid()) / 2
    expected = a * middle + second * inner
    assert torch.allclose(gates(outer, middle, inner), expected)


def _rows(features, rows):
    return features._replace(
        visual=tuple(x[rows] for x in features.visual),
        audio=features.audio[rows],
    )


def test_recomputing_changes_no_gradient():
    features, grads = clips(2, 3), []
    for with_cp in (False, True):
        neck = build(with_cp=with_cp).train()
        out = neck(features)
        (out.visual[0].sum() + out.audio.square().sum()).backward()
        grads.append({k: p.grad for k, p in neck.named_parameters()})
    torch.testing.assert_close(*grads)
