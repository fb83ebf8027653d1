"""SAM 2's decoder as a head: memory, choice of the mask, losses."""

import pytest
import torch

from mmavs.models.decode_heads.sam2_mask_head import SAM2MaskHead
from mmavs.models.decode_heads.write_maps import HowToWrite
from mmavs.structures import AVFeatures, AVSDataSample, LabeledFrames
from mmavs.testing import check_gradients


def build(**options):
    torch.manual_seed(0)
    head = SAM2MaskHead(
        embed_dims=32,
        memory_dims=8,
        num_heads=2,
        ffn_channels=16,
        memory_layers=1,
        frozen=False,
        loss_mask=dict(type='SAM2MaskLoss'),
        **options,
    )
    return head.double().eval()


def fused(num_clips, num_frames, valid=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    frames = num_clips * num_frames

    def draw(*shape):
        return torch.randn(
            frames, *shape, generator=generator, dtype=torch.float64
        )

    maps = [draw(32, 4 * s, 4 * s) for s in (4, 2, 1, 1, 1, 1)]
    return AVFeatures(
        tuple(maps), draw(3, 32), valid=valid, num_frames=num_frames
    )


def rows(features, chosen):
    return features._replace(
        visual=tuple(x[chosen] for x in features.visual),
        audio=features.audio[chosen],
    )


@torch.no_grad()
@pytest.mark.parametrize('num_frames', [1, 2, 9])
def test_clips_do_not_see_each_other(num_frames):
    head, both = build(), fused(2, num_frames)
    together = head(both).extras
    alone = head(rows(both, slice(num_frames, None))).extras
    for name, value in alone.items():
        assert torch.allclose(value, together[name][num_frames:], atol=1e-10)


@torch.no_grad()
def test_padding_changes_nothing():
    head, short = build(), fused(1, 3)
    noise = fused(1, 2, seed=5)
    padded = AVFeatures(
        tuple(map(torch.cat, zip(short.visual, noise.visual))),
        torch.cat([short.audio, noise.audio]),
        valid=torch.tensor([True] * 3 + [False] * 2),
        num_frames=5,
    )
    expected, found = head(short).logits, head(padded).logits
    assert torch.allclose(expected, found[:3], atol=1e-10)
    assert not found[3:].any()


@torch.no_grad()
def test_frames_see_the_past_alone():
    """In evaluation frame 0 is decoded first, then the others in order."""
    head, clip = build(), fused(1, 4)
    before = head(clip).extras['masks']
    changed = [x.clone() for x in clip.visual]
    for level in changed:
        level[2] += 1
    after = head(clip._replace(visual=tuple(changed))).extras['masks']
    same = [torch.equal(a, b) for a, b in zip(before, after)]
    assert same == [True, True, False, False]


@torch.no_grad()
def test_memory_reaches_six_frames_back():
    """Frame 8 sees frames 2 to 7 and the first; pointers reach further."""
    head, seen = build(), []
    head.memory_attention.forward = lambda pixels, memory, position, count: (
        seen.append((memory.shape[1] - count, count)) or pixels
    )
    head(fused(1, 9))
    spatial = [count // 16 for count, _ in seen]  # 16 pixels per frame
    assert spatial == [1, 2, 3, 4, 5, 6, 7, 7]
    assert [count // 4 for _, count in seen] == [1, 2, 3, 4, 5, 6, 7, 8]


@torch.no_grad()
@pytest.mark.parametrize('past_only, expected', [(True, [0]), (False, [1])])
def test_pointer_of_a_later_conditioning_frame(past_only, expected):
    """In training frame 1 of two is decoded first."""
    head, seen = build(pointers_in_past_only=past_only).train(), []
    head.memory_attention.forward = lambda pixels, memory, position, count: (
        seen.append(count // 4) or pixels
    )
    head(fused(1, 2))
    assert seen == expected


@torch.no_grad()
def test_a_video_comes_clip_after_clip():
    """Of 24 frames, one by one memories and pointers run out of reach."""
    head, clip = build(), fused(1, 24)
    whole, parts = head(clip), []
    video, held = head.begin_video(), []
    for start in range(0, 24, 3):
        video.start = start
        with head.within(video):
            part = rows(clip, slice(start, start + 3))
            parts.append(head(part._replace(num_frames=3)))
        held.append(len(video.frames))
    for name, value in whole.extras.items():
        found = torch.cat([part.extras[name] for part in parts])
        assert torch.allclose(found, value, atol=1e-10), name
    # 14 before the clip, the clip, and the conditioning frame
    assert held == [3, 6, 9, 12, 15, 18, 18, 18]


@torch.no_grad()
def test_a_clip_may_reach_back():
    """Frames that were decoded before are decoded as before."""
    head, clip = build(), fused(1, 5)
    whole, video = head(clip).extras['masks'], head.begin_video()
    for start in (0, 2):
        video.start = start
        with head.within(video):
            part = rows(clip, slice(start, start + 3))
            found = head(part._replace(num_frames=3)).extras['masks']
        assert torch.allclose(found, whole[start : start + 3], atol=1e-10)


@torch.no_grad()
def test_clips_of_one_video_come_one_by_one():
    head = build()
    with pytest.raises(ValueError, match='2 clips came at once.*batch_size=1'):
        with head.within(head.begin_video()):
            head(fused(2, 3))
    head(fused(2, 3))  # and no video is left behind


def test_three_ways_to_choose():
    masks = torch.arange(6.0).view(2, 3, 1, 1)
    iou = torch.tensor([[0.1, 0.9, 0.2], [0.8, 0.1, 0.2]])
    score = torch.tensor([[-1.0], [1.0]])
    for way, expected in (
        ('first', [0, 3]),
        ('iou', [1, 3]),
        ('iou-occlusion', [0, 3]),
    ):
        head = build(mask_choice=way)
        assert head.choose(masks, iou, score).flatten().tolist() == expected
    with pytest.raises(ValueError, match="mask_choice must be.*'best'"):
        build(mask_choice='best')


@torch.no_grad()
def test_predictions_say_which_mask_they_are():
    head = build(mask_choice='iou-occlusion')
    sample = AVSDataSample(
        metainfo=dict(num_frames=2, img_shape=(32, 32), ori_shape=(24, 32))
    )
    how = HowToWrite((32, 32), 'original', True, 0.5)
    head.write_predictions(head(fused(1, 2)), [sample], how)
    assert sample.mask_choice == 'iou-occlusion'
    assert sample.seg_logits.data.shape == (2, 1, 24, 32)


def test_every_parameter_takes_part():
    head, clip = build().train(), fused(1, 3)
    labels = LabeledFrames(
        torch.arange(3),
        torch.zeros(3, dtype=torch.long),
        torch.randint(0, 2, (3, 32, 32)),
        [],
    )

    bias = head.sam_mask_decoder.pred_obj_score_head.layers[-1].bias

    def run():
        total = 0
        for there in (5.0, -5.0):  # an object pointer, and that of none
            bias.data.fill_(there)
            output = head(clip)
            total = total + output.extras['masks'].square().mean()
            total = total + sum(head.loss(output, labels).values())
        return total

    check_gradients(head, run)


def test_checkpointing_gives_the_same_gradients():
    """Those of what the fuser makes, through masks, memory and pointers."""
    found = []
    for with_cp in (False, True):
        head, clip = build(with_cp=with_cp).train(), fused(1, 4)
        made = [x.requires_grad_() for x in (*clip.visual[3:], clip.audio)]
        head(clip).extras['masks'].square().mean().backward()
        found.append([x.grad for x in (*made, *head.parameters())])
    assert found[0][0].any() and found[0][3].any()
    for plain, saving in zip(*found):
        assert (plain is None) == (saving is None)
        assert plain is None or torch.allclose(plain, saving, atol=1e-12)


def test_frozen_weights_get_no_gradient():
    torch.manual_seed(0)
    head = SAM2MaskHead(embed_dims=32, memory_dims=8, num_heads=2)
    assert not any(p.requires_grad for p in head.parameters())
