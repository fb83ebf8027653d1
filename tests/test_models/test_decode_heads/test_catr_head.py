"""CATR's head: what queries hold, answer and are trained on."""

import pytest
import torch

from mmavs.models.decode_heads.catr_head import CATRHead, own_sound
from mmavs.models.layers.instance_decoder import Prediction
from mmavs.structures import AVFeatures, AVHeadOutput, LabeledFrames
from mmavs.testing import check_gradients


def labels_at(indices, masks, num_frames):
    indices = torch.tensor(list(indices), dtype=torch.long)
    return LabeledFrames(indices, indices // num_frames, masks, [])


def build(**options):
    torch.manual_seed(0)
    options = {
        'in_channels': [64, 64, 6, 7],
        'num_queries': 4,
        'num_layers': 2,
        'ffn_channels': 16,
        'dropout': 0.0,
        'loss_decode': dict(type='FrameDiceLoss', skip_empty=False),
        **options,
    }
    return CATRHead(**options).double().eval()


def encoded(num_clips, num_frames, valid=None):
    frames = num_clips * num_frames

    def draw(*shape):
        return torch.randn(frames, *shape, dtype=torch.float64)

    return AVFeatures(
        (draw(64, 8, 8), draw(64, 8, 8), draw(6, 4, 4), draw(7, 2, 2)),
        draw(num_frames, 64),
        valid=valid,
        num_frames=num_frames,
    )


def test_own_sound_is_on_the_diagonal():
    audio = torch.arange(2 * 3 * 3).view(6, 3, 1)
    assert own_sound(audio, 3).flatten().tolist() == [0, 4, 8, 9, 13, 17]


@torch.no_grad()
@pytest.mark.parametrize('as_released', [True, False])
def test_queries_carry_their_second_of_sound(as_released):
    """Other seconds of frame 0's sounds reach it through memory alone."""
    head = build(as_released=as_released)
    features = encoded(1, 3)
    queries = head.first_queries(features)
    expected = torch.zeros(3, 4, 64).double()
    if not as_released:
        expected += features.audio[range(3), range(3)][:, None]
    assert torch.equal(queries, expected)
    louder = features.audio.clone()
    louder[0] *= 2
    moved = (
        head(features._replace(audio=louder)).logits - head(features).logits
    )
    assert moved[0].abs().max() > 1e-6
    assert not moved[1:].any()


@torch.no_grad()
def test_likeliest_query_answers():
    head = build(num_queries=2)
    masks = torch.randn(2, 2, 3, 3).double()
    scores = torch.tensor([[[1.0, 0], [2, 3]], [[0, 1.0], [5, 1]]])
    chosen = head.choose(scores.double(), masks)
    assert torch.equal(chosen, masks[[0, 1], [0, 1]][:, None])


@torch.no_grad()
def test_classes_compete_with_one_half():
    head = build(num_queries=2, num_classes=3)
    masks = torch.tensor([[[[9.0]], [[0.0]]]]).double()
    scores = torch.tensor([[[1.0, 2, 3], [3, 2, 1]]]).double()
    found = head.choose(scores, masks)[0, :, 0, 0]
    chance = scores[0].softmax(-1)[:, :2]
    heard = masks[0, :, 0, 0].sigmoid()
    expected = torch.cat([torch.tensor([0.5]).double(), heard @ chance])
    assert torch.allclose(found, expected)


@torch.no_grad()
def test_padded_sounds_are_not_looked_at():
    head = build(as_released=False)
    features = encoded(1, 3, valid=torch.tensor([True, True, False]))
    before = head(features).logits
    features.audio[:, 2] += 1
    after = head(features).logits
    assert torch.equal(before[:2], after[:2])


def one_prediction(frames, queries, size, num_logits):
    return Prediction(
        torch.randn(frames, queries, num_logits).double().requires_grad_(),
        torch.randn(frames, queries, *size).double().requires_grad_(),
    )


def test_one_query_for_all_frames_of_a_clip():
    """Alone frame 0 would take query 0; the clip takes query 1."""
    head = build(matcher=dict(cls_weight=0.0))
    target = torch.zeros(3, 4, 4).long()
    target[:, :2] = 1
    right = torch.where(target == 1, 5.0, -5.0).double()
    masks = torch.stack([-right, right], dim=1)
    masks[0] = masks[0].flip(0) * 1.0
    prediction = Prediction(torch.zeros(3, 2, 2).double(), masks)
    labels = labels_at(range(3), target, 3)
    clips = head.clip_objects(labels)
    ((queries, objects),) = head.matcher(*prediction, clips)
    assert (queries.tolist(), objects.tolist()) == ([1], [0])
    alone = head.clip_objects(labels_at([0], target[:1], 3))
    ((queries, _),) = head.matcher(
        prediction.class_logits[:1], masks[:1], alone
    )
    assert queries.tolist() == [0]


def test_each_class_of_a_clip_has_a_query():
    head = build(num_classes=4, num_queries=5)
    target = torch.zeros(2, 4, 4).long()
    target[0, 0], target[1, 1], target[1, 2] = 1, 1, 3
    target[1, 3] = 255
    labels = labels_at(range(2), target, 2)
    (clip,) = head.clip_objects(labels)
    assert clip.classes.tolist() == [0, 2]
    assert clip.masks.sum((2, 3)).tolist() == [[4, 0], [4, 4]]
    layer = one_prediction(2, 5, (2, 2), 4)
    output = AVHeadOutput(
        None, AVFeatures((), num_frames=2), dict(predictions=[layer])
    )
    losses = head.loss(output, labels)
    sum(losses.values()).backward()
    trained = layer.mask_logits.grad.abs().sum((0, 2, 3)) > 0
    assert int(trained.sum()) == 2


def test_no_labelled_frame_gives_zeros_with_a_graph():
    head = build()
    layer = one_prediction(2, 4, (2, 2), 2)
    output = AVHeadOutput(
        None, AVFeatures((), num_frames=2), dict(predictions=[layer])
    )
    nothing = torch.zeros(0, dtype=torch.long)
    labels = labels_at([], nothing.view(0, 4, 4), 2)
    losses = head.loss(output, labels)
    assert set(losses) == {'loss_dice', 'loss_referred'}
    assert all(
        float(v.detach()) == 0 and v.requires_grad for v in losses.values()
    )


@pytest.mark.parametrize('as_released', [True, False])
def test_cross_entropy_of_a_second_sigmoid(as_released):
    head = build(
        as_released=as_released,
        loss_decode=dict(type='FrameBCELoss'),
    )
    logits = torch.randn(2, 4, 4).double()
    target = torch.randint(0, 2, (2, 4, 4))
    (loss,) = head.mask_losses(logits, target).values()
    given = logits.sigmoid() if as_released else logits
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        given, target.double()
    )
    assert float(loss) == pytest.approx(float(expected))
    weight = head.matcher.dice_weight
    assert weight == (7.0 if as_released else 5.0)


@pytest.mark.parametrize('as_released', [True, False])
def test_every_parameter_takes_part(as_released):
    head = build(as_released=as_released).train()
    features = encoded(1, 2)
    labels = labels_at(range(2), torch.randint(0, 2, (2, 16, 16)), 2)
    check_gradients(
        head, lambda: sum(head.loss(head(features), labels).values())
    )


def test_widths_that_groups_do_not_divide():
    with pytest.raises(ValueError, match='multiple of 64, got 48'):
        build(in_channels=[48, 48, 6, 7])
