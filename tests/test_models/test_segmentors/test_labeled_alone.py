"""What training computes for labelled frames alone is what it was of all."""

import pytest
import torch
from small_parts import (
    BACKBONE,
    CHANNELS,
    FILM,
    FPN_HEAD,
    FRAMES,
    TO_16,
    TPAVI,
    batch,
    build,
)

from mmavs.models.segmentors import av_segmentor
from mmavs.models.segmentors.labeled_alone import first_alone
from mmavs.structures import AVFeatures

SMALL = dict(num_layers=1, ffn_channels=32)
SEGFORMER_HEAD = dict(
    type='AVSegFormerHead',
    in_channels=CHANNELS,
    embed_dims=32,
    dropout=0.0,
    encoder=SMALL,
    queries=dict(SMALL, num_queries=4),
    decoder=SMALL,
    composer=dict(mlp_channels=16, conv_channels=(8, 8)),
    loss_mix=dict(type='FrameDiceLoss', loss_name='loss_mix'),
    loss_decode=dict(type='FrameDiceLoss'),
)
BRIDGE = dict(
    type='AVBridge',
    in_channels=CHANNELS,
    embed_dims=32,
    dropout=0.0,
    encoder=SMALL,
    queries=dict(SMALL, num_queries=4),
    decoder=dict(num_layers=1, audio_weight=0.7),
)
BAVD_HEAD = dict(
    type='BAVDHead',
    embed_dims=32,
    num_queries=4,
    mlp_channels=16,
    conv_channels=(8, 8),
    loss_decode=dict(type='FrameDiceLoss'),
)
AVM = dict(type='AudioVisualMappingLoss')
AVFS = dict(type='AVFSLoss', audio_channels=128, visual_channels=16)
TO_AUDIO = dict(
    type='VisualToAudioLoss', in_channels=16, feature_size=2, mask='predicted'
)
# parts of a model, and the first of them that sees labelled frames alone
CASES = {
    'tpavi': (dict(neck=[TO_16, TPAVI]), 3),
    'tpavi, each frame alone': (
        dict(neck=[TO_16, dict(TPAVI, window=1, norm_cfg=None)]),
        0,
    ),
    'nothing mixes': (dict(neck=[TO_16, FILM]), 0),
    'motion first': (
        dict(neck=[TO_16, dict(type='MotionCorrelation'), FILM]),
        3,
    ),
    'labelled loss': (
        dict(
            neck=[TO_16, TPAVI],
            auxiliary_losses=[
                dict(AVM, features='head'),
                dict(TO_AUDIO, mask='ground_truth', features='neck.0'),
            ],
        ),
        3,
    ),
    'loss of the closest sound': (
        dict(
            neck=[TO_16, FILM],
            auxiliary_losses=[dict(AVM, mode='visual-visual')],
        ),
        4,
    ),
    'loss of predictions': (
        dict(neck=[TO_16, FILM], auxiliary_losses=[TO_AUDIO]),
        4,
    ),
    'loss of all frames': (
        dict(
            neck=[TO_16, FILM],
            auxiliary_losses=[dict(type='AVFSLoss', features='neck')],
        ),
        3,
    ),
    'loss of all frames of the first neck': (
        dict(
            neck=[TO_16, FILM],
            auxiliary_losses=[dict(AVFS, features='neck.0'), AVM],
        ),
        2,
    ),
    'loss of all frames of the head': (
        dict(
            neck=[TO_16, FILM],
            auxiliary_losses=[dict(type='AVFSLoss', features='head')],
        ),
        4,
    ),
    'batch norm in the head': (
        dict(
            neck=[TO_16, FILM],
            decode_head=dict(FPN_HEAD, norm_cfg=dict(type='BN')),
        ),
        4,
    ),
    'batch norm in the backbone': (
        dict(
            backbone=dict(BACKBONE, norm_cfg=dict(type='BN')),
            neck=[TO_16, FILM],
        ),
        1,
    ),
    'avsegformer': (dict(decode_head=SEGFORMER_HEAD), 0),
    'avsac': (dict(neck=BRIDGE, decode_head=BAVD_HEAD), 0),
    'stock head': (
        dict(
            neck=[TO_16, TPAVI],
            decode_head=dict(
                type='FCNHead',
                in_channels=16,
                channels=8,
                num_classes=2,
                num_convs=1,
                dropout_ratio=0.0,
                norm_cfg=dict(type='BN'),
            ),
        ),
        3,
    ),
}


def losses_and_gradients(model, data):
    model.zero_grad()
    losses = model.loss(*data)
    sum(losses.values()).backward()
    grads = {
        name: parameter.grad.clone()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    return {k: v.detach() for k, v in losses.items()}, grads


@pytest.mark.parametrize('case', CASES)
def test_losses_and_gradients_are_those_of_all_frames(case, monkeypatch):
    parts, first = CASES[case]
    model = build(**parts).train()
    assert first_alone(model) == first
    data = batch(model, labelled=(1,))
    state = {key: value.clone() for key, value in model.state_dict().items()}
    losses, grads = losses_and_gradients(model, data)
    after = model.state_dict()
    model.load_state_dict(state)
    monkeypatch.setattr(av_segmentor, 'first_alone', lambda model: 99)
    wanted, wanted_grads = losses_and_gradients(model, data)
    torch.testing.assert_close(losses, wanted, rtol=1e-9, atol=1e-12)
    assert grads.keys() == wanted_grads.keys()
    largest = max(float(grad.abs().max()) for grad in wanted_grads.values())
    torch.testing.assert_close(
        grads, wanted_grads, rtol=1e-7, atol=1e-9 * largest
    )
    # running statistics too
    torch.testing.assert_close(after, model.state_dict())


def seen_by(model, module, data):
    """Frames that a module is given in a training step."""
    seen = []

    def note(module, args):
        given = args[0]
        is_features = isinstance(given, AVFeatures)
        seen.append(len(given.visual[0] if is_features else given))

    handle = module.register_forward_pre_hook(note)
    losses_and_gradients(model, data)
    handle.remove()
    return seen


def test_work_is_spared_from_where_frames_stand_alone():
    model = build(neck=[TO_16, TPAVI]).train()
    data = batch(model)
    assert seen_by(model, model.backbone, data) == [2 * FRAMES]
    assert seen_by(model, model.decode_head, data) == [2]
    alone = build(neck=[TO_16, FILM]).train()
    assert seen_by(alone, alone.backbone, data) == [2]
    assert seen_by(alone, alone.audio_encoder, data) == [2]
    # evaluation mode: batch norm computes with what it knows
    parts, _ = CASES['batch norm in the backbone']
    known = build(**parts).eval()
    assert seen_by(known, known.backbone, data) == [2]


@pytest.mark.parametrize('labelled', [(), tuple(range(FRAMES))])
def test_all_frames_run_where_none_or_all_are_labelled(labelled):
    model = build(neck=[TO_16, FILM]).train()
    data = batch(model, labelled)
    assert seen_by(model, model.decode_head, data) == [2 * FRAMES]


def test_padded_frames_stay_apart():
    model = build(neck=[TO_16, FILM]).train()
    inputs, samples = batch(model)
    inputs['valid_frames'] = torch.ones(2, FRAMES, dtype=torch.bool)
    inputs['valid_frames'][:, 2] = False
    inputs['imgs'][:, 2] = 0
    losses, _ = losses_and_gradients(model, (inputs, samples))
    del inputs['valid_frames']
    without, _ = losses_and_gradients(model, (inputs, samples))
    torch.testing.assert_close(losses, without)
