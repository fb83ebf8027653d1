"""Stages, losses, instances and errors of SoundingInstanceHead."""

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from small_instance_head import CATEGORIES, CHANNELS, STAGE_2, build, instances

from mmavs.structures import (
    AVFeatures,
)
from mmavs.testing import check_gradients, labels_of
from mmavs.weights.checkpoint import load_model_weights

MASK2FORMER = dict(
    pixel_decoder=dict(kind='msdeform', num_layers=1),
    decoder=dict(num_layers=2, ffn_channels=64, masked_attention=True),
    deep_supervision=True,
    loss_instances=dict(mask_loss='bce', mask_weight=5.0, num_points=50),
)


def features(num_frames=4, size=64):
    visual = tuple(
        torch.randn(num_frames, channels, size // stride, size // stride)
        for channels, stride in zip(CHANNELS, (4, 8, 16, 32))
    )
    return AVFeatures(visual, audio=torch.randn(num_frames, 5, 12))


def frame(category='dog', size=64, box=(8, 40)):
    mask = torch.zeros(1, size, size, dtype=torch.long)
    mask[:, box[0] : box[1], box[0] : box[1]] = 1
    return SegDataSample(
        metainfo=dict(clip_id='clip', category=category),
        gt_sem_seg=PixelData(data=mask),
    )


LABELED = torch.tensor([0, 3])


def stage_losses(head, given):
    output = head(given)
    return head.loss(
        output, labels_of([frame('dog'), frame('guitar')], LABELED)
    )


# ------------------------------------------------------------------- stages


def test_stage_1_losses():
    losses = stage_losses(build(), features())
    assert set(losses) == {'loss_cls', 'loss_mask', 'loss_dice', 'loss_silent'}
    assert all(float(value.detach()) > 0 for value in losses.values())


def test_deep_supervision_trains_every_prediction():
    head = build(**MASK2FORMER)
    names = set(stage_losses(head, features()))
    # one before the first layer and one after each of two
    terms = ('loss_cls', 'loss_mask', 'loss_dice', 'loss_silent')
    assert names == {p + t for p in ('d0.', 'd1.', '') for t in terms}
    head.eval()
    assert len(head(features()).extras['predictions']) == 1


@pytest.mark.parametrize(
    'options',
    [{}, dict(pixel_decoder=dict(num_layers=1)), MASK2FORMER],
    ids=str,
)
def test_every_parameter_of_stage_1_learns(options):
    head, given = build(**options), features()
    # Queries of the plain decoder start at zero (DETR), so the first
    # self-attention compares values that are all the same bias.
    dead = 'transformer_decoder.layers.0.self_attn.attn.in_proj_weight'
    allowed = () if options is MASK2FORMER else (dead,)
    check_gradients(
        head, lambda: sum(stage_losses(head, given).values()), allowed
    )


def test_stage_2_trains_avsc_alone():
    head, given = build(**STAGE_2), features()
    losses = stage_losses(head, given)
    assert set(losses) == {'loss_avc'}
    check_gradients(head, lambda: stage_losses(head, given)['loss_avc'])
    learning = {
        n.split('.')[0] for n, p in head.named_parameters() if p.requires_grad
    }
    assert learning == {'avsc'}
    head.train()
    assert head.avsc.training and not head.pixel_decoder.training


def test_joint_training_by_field():
    head = build(**STAGE_2, freeze_segmentation=False)
    losses = stage_losses(head, features())
    assert {'loss_avc', 'loss_mask', 'loss_silent'} <= set(losses)


def test_without_silent_object_loss_by_field():
    assert 'loss_silent' not in stage_losses(
        build(loss_silent=None), features()
    )


@pytest.mark.parametrize('options', [{}, STAGE_2], ids=['one', 'two'])
def test_no_labelled_frame(options):
    head = build(**options)
    output = head(features())
    losses = head.loss(output, labels_of([], []))
    total = sum(losses.values())
    assert float(total.detach()) == 0
    total.backward()


# --------------------------------------------------------------- predictions


def test_without_avsc_the_highest_scored_object(monkeypatch):
    head = build().eval()
    monkeypatch.setattr(
        'mmavs.models.decode_heads.sounding_instance_head.filter_instances',
        lambda *_: instances([0.6, 0.7]),
    )
    output = head(features(1))
    assert output.extras['sounding'].tolist() == [[0.0, 1.0]]
    assert (output.logits[0, 0, 0] > 0).tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    'activation, given, expected',
    [
        (None, None, 0.5),  # w/o AVSC: the masks' own
        ('softmax', None, 0.25),
        ('sigmoid', None, 0.5),
        ('softmax', 0.4, 0.4),
    ],
)
def test_threshold_follows_the_audio_activation(activation, given, expected):
    options = dict(threshold=given)
    if activation:
        avsc = dict(STAGE_2['avsc'], audio_activation=activation)
        options.update(STAGE_2, avsc=avsc)
    assert build(**options).threshold == expected


def test_with_avsc_the_sound_decides(monkeypatch):
    head = build(**STAGE_2).eval()
    monkeypatch.setattr(
        'mmavs.models.decode_heads.sounding_instance_head.filter_instances',
        lambda *_: instances([0.6, 0.7]),
    )
    heard = torch.tensor([[0.9, 0.8, 0.1]])
    monkeypatch.setattr(head.avsc, 'forward', lambda audio: heard)
    output = head(features(1))
    assert output.extras['sounding'][0].tolist() == pytest.approx([0.9, 0.1])
    # cut at the size of the input: 4 x 4 masks at stride 4
    assert output.logits.shape == (1, 1, 16, 16)
    torch.testing.assert_close(
        output.logits.sigmoid()[0, 0, 5],
        torch.tensor([0.9] * 8 + [0.1] * 8),
    )


@pytest.mark.parametrize('options', [{}, MASK2FORMER, STAGE_2], ids=str)
def test_frames_are_independent(options):
    head, given = build(**options).eval(), features(4)
    with torch.no_grad():
        whole = head(given).logits
        alone = head(
            AVFeatures(tuple(v[2:3] for v in given.visual), given.audio[2:3]),
        ).logits
    torch.testing.assert_close(whole[2:3], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    head, given = build(**STAGE_2).eval(), features(2)
    with torch.no_grad(), torch.autocast('cpu', dtype=dtype):
        output = head(given)
    assert output.logits.dtype == torch.float32
    assert bool(torch.isfinite(output.logits).all())


# -------------------------------------------------------------------- errors


def test_one_category_is_refused_with_the_reason():
    with pytest.raises(ValueError, match='sound would decide nothing'):
        build(categories=['sounding'])
    with pytest.raises(ValueError, match='names one twice'):
        build(categories=['dog', 'dog'])


def test_checkpoint_of_other_categories(tmp_path):
    trained = build().state_dict()
    with pytest.raises(ValueError, match='knows 3 categories.*names 4.*drum'):
        build(categories=(*CATEGORIES, 'drum')).load_state_dict(trained)
    with pytest.raises(ValueError, match='the order differs'):
        build(categories=CATEGORIES[::-1]).load_state_dict(trained)
    with pytest.raises(ValueError, match=r"names 2; \['dog'\] are not named"):
        build(categories=CATEGORIES[1:]).load_state_dict(trained)
    path = tmp_path / 'stage1.pth'
    torch.save({'state_dict': trained}, path)
    with pytest.raises(ValueError, match='knows 3 categories'):
        load_model_weights(build(categories=(*CATEGORIES, 'drum')), path)
    load_model_weights(build(), path)


def test_stage_2_starts_from_stage_1():
    first, second = build(), build(**STAGE_2)
    report = second.load_state_dict(first.state_dict(), strict=False)
    assert report.unexpected_keys == []
    assert all(key.startswith('avsc.') for key in report.missing_keys)


def test_unknown_pixel_decoder_and_too_few_scales():
    with pytest.raises(ValueError, match="'fpn', 'msdeform'"):
        build(pixel_decoder=dict(kind='unet'))
    with pytest.raises(ValueError, match='out_indices'):
        build(in_channels=[8, 16], pixel_decoder=dict(kind='msdeform'))
