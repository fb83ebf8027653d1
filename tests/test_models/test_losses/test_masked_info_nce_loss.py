"""A sound finds its masked features among those of other clips."""

import math

import pytest
import torch

from mmavs.models.losses import MaskedInfoNCELoss
from mmavs.structures import AVFeatures, LabeledFrames

AXES = torch.eye(3)


def features(seen, heard):
    """N frames of 2 x 2: the left half shows ``seen``, the right noise."""
    x = torch.randn(len(seen), 3, 2, 2)
    x[..., 0] = seen[..., None] * 2.0
    return AVFeatures((torch.zeros(len(seen), 5, 4, 4), x), audio=heard)


def labels(clips, sounding=None):
    """Of frames of 4 x 4: the left half sounds, where ``sounding``."""
    masks = torch.zeros(len(clips), 4, 4, dtype=torch.long)
    masks[..., :2] = 1
    masks[:, 0, 0] = 255
    if sounding is not None:
        masks[~sounding] = 0
    return LabeledFrames(
        torch.arange(len(clips)), torch.tensor(clips), masks, []
    )


@pytest.fixture
def loss():
    torch.manual_seed(0)
    loss = MaskedInfoNCELoss(
        in_channels=[3], audio_channels=3, proj_channels=3, temperature=0.5
    )
    for layer in (loss.visual_proj, loss.audio_proj):
        torch.nn.init.eye_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    return loss


def value(loss, *args):
    return loss(args[0], None, args[1])['loss_info_nce'].item()


def test_value(loss):
    """Scores are 1 / 0.5 for the own one, 0 for the two others."""
    seen = 7.0 * AXES  # of any length
    found = value(loss, features(seen, AXES), labels([0, 1, 2]))
    assert found == pytest.approx(-math.log(math.e**2 / (math.e**2 + 2)))
    # the first two are taken for each other: 0 for the own one, 2 for it
    swapped = features(AXES, AXES[[1, 0, 2]])
    wrong = -math.log(1 / (1 + math.e**2 + 1))
    right = -math.log(math.e**2 / (math.e**2 + 2))
    assert value(loss, swapped, labels([0, 1, 2])) == pytest.approx(
        (2 * wrong + right) / 3
    )


def test_frames_of_one_clip_are_not_compared(loss):
    given = features(AXES[[0, 0, 1]], AXES[[0, 0, 1]])
    found = value(loss, given, labels([4, 4, 5]))
    alone = -math.log(math.e**2 / (math.e**2 + 1))  # one other for the first
    last = -math.log(math.e**2 / (math.e**2 + 2))
    assert found == pytest.approx((2 * alone + last) / 3)
    assert value(loss, given, labels([4, 4, 4])) == pytest.approx(0, abs=1e-6)


def test_silent_frames_do_not_count(loss):
    given = features(AXES, AXES)
    sounding = torch.tensor([True, False, True])
    assert value(loss, given, labels([0, 1, 2], sounding)) == pytest.approx(
        -math.log(math.e**2 / (math.e**2 + 1))
    )
    nothing = loss(given, None, labels([0, 1, 2], ~torch.ones(3).bool()))
    assert nothing['loss_info_nce'].requires_grad
    assert nothing['loss_info_nce'].item() == 0


def test_errors(loss):
    given = features(AXES, AXES)
    with pytest.raises(ValueError, match=r'in_channels=\(3,\).*\(5,\)'):
        loss(given._replace(visual=given.visual[:1]), None, labels([0] * 3))
    with pytest.raises(ValueError, match='no audio_encoder. Fix: leave it'):
        loss(given._replace(audio=None), None, labels([0] * 3))
