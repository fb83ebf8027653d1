import math
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.models.losses import AVFSLoss
from mmavs.registry import MODELS
from mmavs.structures import (
    AVFeatures,
    AVSDataSample,
    FramePixelData,
    LabeledFrames,
)
from mmavs.testing import check_gradients

CONFIGS = Path(__file__).parents[3] / 'configs' / 'synthetic'

collect = LabeledFrames.collect


def features_of(audio, visual, valid=None):
    return AVFeatures((visual,), aligned_audio=(audio,), valid=valid)


def run(audio, visual, num_frames=1, valid=None, **options):
    loss = AVFSLoss(**options)
    out = loss(
        features_of(audio, visual, valid)._replace(num_frames=num_frames),
        None,
        collect([], num_frames),
    )
    return out['loss_avfs']


def by_equation_4(audio, visual, axis):
    """Extend F_a to the map, softmax both, KL of each frame, mean over T."""
    extended = audio[..., None, None].expand_as(visual)
    if axis == 'joint':
        p, q = (x.flatten(1).softmax(1) for x in (extended, visual))
        frames = (p * (p / q).log()).sum(1)
    else:
        p, q = (x.softmax(1) for x in (extended, visual))
        frames = (p * (p / q).log()).sum(1).mean((1, 2))
    return frames.mean()


@pytest.mark.parametrize('axis', ['channel', 'joint'])
def test_equals_equation_4_written_out(axis):
    audio, visual = torch.randn(6, 8), torch.randn(6, 8, 3, 5)
    torch.testing.assert_close(
        run(audio, visual, num_frames=3, axis=axis),
        by_equation_4(audio, visual, axis),
    )


def test_hand_computed():
    """P(a) = (3/4, 1/4), P(v) = (1/2, 1/2)."""
    audio = torch.tensor([[math.log(3), 0.0]])
    visual = torch.zeros(1, 2, 1, 1)
    kl = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert run(audio, visual).item() == pytest.approx(kl)
    distance = math.sqrt(2 * 0.25**2)
    for kind in ('l2', 'frame_l2'):
        assert run(audio, visual, kind=kind).item() == pytest.approx(distance)


@pytest.mark.parametrize('axis', ['channel', 'joint'])
@pytest.mark.parametrize('kind', ['kl', 'l2', 'frame_l2'])
def test_zero_when_vision_equals_sound(axis, kind):
    audio = torch.randn(2, 4)
    visual = audio[..., None, None].expand(-1, -1, 3, 3)
    value = run(audio, visual, axis=axis, kind=kind).item()
    assert value == pytest.approx(0, abs=2e-6)


def test_frame_l2_averages_lengths_and_l2_squares():
    """One frame at distance d, one at 0: d / 2 against d / sqrt(2)."""
    audio = torch.tensor([[math.log(3), 0.0], [0.0, 0.0]])
    visual = torch.zeros(2, 2, 1, 1)
    d = math.sqrt(2 * 0.25**2)
    value = run(audio, visual, num_frames=2, kind='frame_l2').item()
    assert value == pytest.approx(d / 2, rel=1e-4)
    value = run(audio, visual, num_frames=2, kind='l2').item()
    assert value == pytest.approx(d / math.sqrt(2), rel=1e-4)


def test_joint_distance_is_over_the_whole_map():
    audio, visual = torch.randn(2, 4), torch.randn(2, 4, 3, 5)
    extended = audio[..., None, None].expand_as(visual)
    p, q = (x.flatten(1).softmax(1) for x in (extended, visual))
    expected = (p - q).norm(dim=1).mean()
    value = run(audio, visual, num_frames=2, axis='joint', kind='frame_l2')
    torch.testing.assert_close(value, expected)


@pytest.mark.parametrize('kind', ['kl', 'l2', 'frame_l2'])
def test_padded_frames_do_not_count(kind):
    audio, visual = torch.randn(4, 8), torch.randn(4, 8, 2, 2)
    valid = torch.tensor([True, True, True, False])
    alone = [
        run(audio[i:j], visual[i:j], j - i, kind=kind)
        for i, j in ((0, 2), (2, 3))
    ]
    together = run(audio, visual, 2, valid, kind=kind)
    torch.testing.assert_close(together, sum(alone) / 2)


@pytest.mark.parametrize('detach', [False, True])
def test_detach_audio_leaves_vision_alone_to_move(detach):
    audio = torch.randn(2, 4, requires_grad=True)
    visual = torch.randn(2, 4, 3, 3, requires_grad=True)
    run(audio, visual, detach_audio=detach).backward()
    assert visual.grad.abs().sum() > 0
    assert (audio.grad is None) == detach


def test_a_step_brings_vision_to_sound():
    audio = torch.randn(1, 4)
    visual = torch.randn(1, 4, 3, 3, requires_grad=True)
    before = run(audio, visual)
    before.backward()
    after = run(audio, visual.detach() - visual.grad)
    assert after < before


@pytest.mark.parametrize('shape', [(4, 6), (4, 3, 6)])
def test_projects_sound_that_no_neck_aligned(shape):
    """For models whose features hold the encoder's sound alone."""
    loss = AVFSLoss(audio_channels=6, visual_channels=8, loss_weight=0.5)
    features = AVFeatures((torch.randn(4, 8, 2, 2),), torch.randn(shape))
    check_gradients(
        loss,
        lambda: loss(features._replace(num_frames=2), None, collect([], 2))[
            'loss_avfs'
        ],
    )


OWN = dict(audio_channels=128, visual_channels=16)  # aligns no sound


@pytest.mark.parametrize(
    'method, options',
    [
        ('tpavi', dict(features='neck')),
        ('film', dict(features='neck')),
        ('avsbg', dict(features='neck')),
        ('avis', dict(features='neck', **OWN)),
        ('avsegformer', dict(features='head')),
        ('avsac', dict(features='head', loss_name='loss_second')),
    ],
)
def test_plugs_into_every_method(method, options):
    config = Config.fromfile(CONFIGS / f'{method}_tiny_ms3.py').model
    others = config.get('auxiliary_losses', [])
    config.auxiliary_losses = [*others, dict(type='AVFSLoss', **options)]
    model = MODELS.build(config)
    inputs = dict(
        imgs=torch.randn(1, 5, 3, 64, 64), audio=torch.randn(1, 5, 1, 96, 64)
    )
    sample = AVSDataSample(
        metainfo=dict(
            num_frames=5, labeled_frames=[0], img_path=['-'] * 5, clip_id='-'
        )
    )
    mask = torch.zeros(5, 1, 64, 64, dtype=torch.long)
    mask[0, :, :32] = 1
    sample.gt_sem_seg = FramePixelData(data=mask)
    value = model.loss(inputs, [sample])[options.get('loss_name', 'loss_avfs')]
    assert value.isfinite() and value > 0


def test_finest_map_and_name():
    visual = (torch.randn(1, 8, 4, 4), torch.randn(1, 8, 2, 2))
    audio = (torch.randn(1, 8), torch.randn(1, 8))
    features = AVFeatures(visual, aligned_audio=audio)
    loss = AVFSLoss(loss_name='loss_sync', loss_weight=2.0)
    value = loss(features._replace(num_frames=1), None, collect([], 1))[
        'loss_sync'
    ]
    torch.testing.assert_close(value, 2 * run(audio[0], visual[0]))


def test_half_precision_is_summed_in_float32():
    audio, visual = torch.randn(2, 256), torch.randn(2, 256, 16, 16)
    expected = run(audio, visual)
    value = run(audio.bfloat16(), visual.bfloat16())
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(expected.item(), rel=0.01)


def test_errors_name_what_does_not_fit():
    with pytest.raises(ValueError, match="axis must be.*'time'"):
        AVFSLoss(axis='time')
    with pytest.raises(ValueError, match="kind must be.*'l1'"):
        AVFSLoss(kind='l1')
    with pytest.raises(ValueError, match='go together'):
        AVFSLoss(audio_channels=8)
    with pytest.raises(ValueError, match='aligns no sound.*Fix'):
        features = AVFeatures((torch.randn(1, 8, 2, 2),), torch.randn(1, 6))
        AVFSLoss()(features._replace(num_frames=1), None, collect([], 1))
    with pytest.raises(ValueError, match='width 6 and a map of 8'):
        run(torch.randn(1, 6), torch.randn(1, 8, 2, 2))
