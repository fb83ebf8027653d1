"""AuralSAM2's fuser, clip by clip, with and without its scrambling."""

import pytest
import torch

from mmavs.models.necks import SAM2FPN, AuralFuser
from mmavs.models.necks.aural_fuser import SoundPixelFusion
from mmavs.structures import AVFeatures
from mmavs.testing import check_gradients


def build(scrambled=True):
    torch.manual_seed(0)
    fuser = AuralFuser(
        in_channels=[16] * 3,
        audio_channels=16,
        num_heads=2,
        visual_depths=(1, 1, 1),
        audio_depth=1,
        dropout=0.0,
        scrambled=scrambled,
    ).double()
    for fusion in fuser.fusion_modules:  # they start at zero
        for branch in (fusion.W_z, fusion.W_z2):
            torch.nn.init.normal_(branch[1].weight)
    return fuser.eval()


def clips(num_clips, num_frames, valid=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    frames = num_clips * num_frames

    def draw(*shape):
        return torch.randn(
            frames, *shape, generator=generator, dtype=torch.float64
        )

    maps = tuple(draw(16, 4 * s, 4 * s) for s in (4, 2, 1))
    return AVFeatures(maps, draw(16), valid=valid, num_frames=num_frames)


@torch.no_grad()
@pytest.mark.parametrize('scrambled', [True, False])
@pytest.mark.parametrize('num_frames', [1, 3])
def test_clips_do_not_hear_each_other(scrambled, num_frames):
    fuser, both = build(scrambled), clips(2, num_frames)
    together = fuser(both)
    alone = fuser(
        both._replace(
            visual=tuple(x[num_frames:] for x in both.visual),
            audio=both.audio[num_frames:],
        )
    )
    for one, other in zip(alone.visual, together.visual):
        assert torch.allclose(one, other[num_frames:], atol=1e-10)
    assert torch.allclose(alone.audio, together.audio[num_frames:])


@torch.no_grad()
@pytest.mark.parametrize('scrambled', [True, False])
def test_padding_changes_nothing(scrambled):
    fuser, short = build(scrambled), clips(1, 3)
    noise = clips(1, 2, seed=5)
    padded = AVFeatures(
        tuple(map(torch.cat, zip(short.visual, noise.visual))),
        torch.cat([short.audio, noise.audio]),
        valid=torch.tensor([True] * 3 + [False] * 2),
        num_frames=5,
    )
    expected, found = fuser(short), fuser(padded)
    for one, other in zip(expected.visual, found.visual):
        assert torch.allclose(one, other[:3], atol=1e-10)
    assert torch.allclose(expected.audio, found.audio[:3])


@torch.no_grad()
def test_clean_fusion_keeps_pixels_in_place():
    """Mirroring the pictures mirrors the result, unless scrambled."""
    torch.manual_seed(0)
    pixels = torch.randn(2, 6, 8).double()
    audio = torch.randn(1, 2, 8).double()
    for scrambled in (True, False):
        torch.manual_seed(1)
        fusion = SoundPixelFusion(8, scrambled).double().eval()
        torch.nn.init.normal_(fusion.W_z[1].weight)
        plain = fusion(pixels, audio)[0]
        mirrored = fusion(pixels.flip(1), audio)[0].flip(1)
        assert torch.allclose(plain, mirrored) != scrambled


@pytest.mark.parametrize('scrambled', [True, False])
def test_every_parameter_takes_part(scrambled):
    fuser, features = build(scrambled).train(), clips(2, 3)

    def run():
        out = fuser(features)
        made = (*out.visual[3:], out.audio)
        weights = torch.Generator().manual_seed(1)
        return sum(
            (x * torch.randn(x.shape, generator=weights).double()).sum()
            for x in made
        )

    check_gradients(fuser, run)


def test_checkpointing_gives_the_same_gradients():
    """With dropout drawn alike, and batch norms that move once."""
    found = []
    for with_cp in (False, True):
        fuser, features = build(), clips(2, 3)
        fuser.with_cp = with_cp
        for module in fuser.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.3
        fuser.train()
        torch.manual_seed(2)
        out = fuser(features)
        sum(x.square().sum() for x in (*out.visual[3:], out.audio)).backward()
        found.append(
            [p.grad for p in fuser.parameters()] + list(fuser.buffers())
        )
    for plain, saving in zip(*found):
        assert torch.allclose(plain, saving, atol=1e-9)


def test_widths_must_be_alike():
    with pytest.raises(ValueError, match='all widths must be alike'):
        AuralFuser(in_channels=[16, 16, 8], audio_channels=16)


@torch.no_grad()
def test_only_the_third_map_takes_from_the_coarsest():
    neck = SAM2FPN(in_channels=[2, 3, 4, 5], out_channels=6)
    maps = [
        torch.randn(1, c, s, s) for c, s in zip((2, 3, 4, 5), (8, 4, 2, 1))
    ]
    plain = neck(AVFeatures(tuple(maps))).visual
    maps[3] = maps[3] + 1
    moved = neck(AVFeatures(tuple(maps))).visual
    same = [torch.equal(a, b) for a, b in zip(plain, moved)]
    assert same == [True, True, False]
    coarsest = neck.convs[0].conv(maps[3])
    lateral = neck.convs[1].conv(maps[2])
    assert torch.allclose(moved[2], lateral + coarsest)
