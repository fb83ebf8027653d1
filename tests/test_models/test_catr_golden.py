"""CATR against its released code, at equal weights.

The golden arrays are frame-major, row t * B + b; mmavs is clip-major.
"""

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper

from mmavs.models.layers.instance_decoder import Prediction
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, AVHeadOutput, LabeledFrames
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    randn,
    recipe_state_dict,
)
from mmavs.weights.released import catr

T = 5
LOSSES = [
    dict(type='FrameDiceLoss', skip_empty=False, loss_weight=5.0),
    dict(type='SigmoidFocalLoss', loss_weight=5.0),
    dict(type='FrameBCELoss', loss_weight=4.0),
]
# released name of a term: ours, and its weight in the sum
TERMS = {
    'loss_sigmoid_focal': ('loss_focal', 5.0),
    'loss_dice': ('loss_dice', 5.0),
    'bce_loss': ('loss_bce', 4.0),
    'loss_is_referred': ('loss_referred', 1.0),
}


def clip_major(frames, num_clips):
    """(T * B, ...) -> (B * T, ...)."""
    return frames.unflatten(0, (T, num_clips)).transpose(0, 1).flatten(0, 1)


def frame_major(frames, num_clips):
    """(B * T, ...) -> (T, B, ...)."""
    return frames.unflatten(0, (num_clips, T)).transpose(0, 1)


@pytest.fixture(scope='module')
def model():
    """The released network with PVT-v2-b0; widths after it are CATR's."""
    model = MODELS.build(
        dict(
            type='AVSegmentor',
            backbone=dict(
                type='EnlargedBackbone',
                scale=1.0,
                backbone=dict(
                    type='PyramidVisionTransformerV2',
                    variant='b0',
                    out_indices=(1, 2, 3),
                    drop_path_rate=0.0,
                ),
            ),
            neck=[
                dict(type='DilatedSumNeck', in_channels=[64, 160, 256]),
                dict(
                    type='DecoupledAVEncoder',
                    in_channels=[256] * 3,
                    dropout=0.0,
                ),
            ],
            decode_head=dict(
                type='CATRHead',
                in_channels=[256] * 4,
                dropout=0.0,
                loss_decode=LOSSES,
            ),
        )
    )
    model.load_state_dict(recipe_weights())
    return model.eval()


def recipe_weights():
    return catr.convert(recipe_state_dict(load_json('catr_recipe_pvt_b0')))


def test_one_squared_attention(model):
    query, memory, position = (
        randn(181200 + i, length, 2, 256).transpose(0, 1)
        for i, length in enumerate((7, 5, 5))
    )
    attend = model.neck[1].temporal_layers[0].listen
    golden = load_arrays('catr_transformer')['unit__fusion']
    assert_close(attend(query, memory, position).transpose(0, 1), golden)


@torch.no_grad()
@pytest.mark.parametrize(
    'name, num_clips, size, seed',
    [('t1', 1, (8, 8), 181000), ('t2', 2, (4, 12), 181100)],
)
def test_encoders_gates_and_mask_features(model, name, num_clips, size, seed):
    golden = load_arrays('catr_transformer')

    def compare(part, found, *, step, axis):
        expected = golden[f'{name}__{part}']
        found = found.movedim(axis, 0)[::step].movedim(0, axis)
        assert_close(found, expected, part)

    def released(level, seed):
        """Frame-major input of a level -> clip-major."""
        height, width = size[0] // level, size[1] // level
        maps = randn(seed, T * num_clips, 256, height, width)
        return clip_major(maps, num_clips)

    neck, head = model.neck[1], model.decode_head
    video = released(1, seed)
    sound = randn(seed + 1, T * num_clips, 128)
    features = AVFeatures((video,), sound, num_frames=T)
    neck_proj, neck.video_proj = neck.video_proj, torch.nn.Identity()
    tokens = neck.tokenize(features)
    neck.video_proj = neck_proj
    seen, heard = neck.encode_space(tokens)
    memory = torch.cat([seen.flatten(2).transpose(1, 2), heard], dim=1)
    memory = frame_major(memory, num_clips).flatten(0, 1).transpose(0, 1)
    coarse = name == 't2'
    compare('memory', memory, step=16 if coarse else 4, axis=2)
    gates = neck.encode_time(tokens)
    for index, gate in enumerate(gates):
        if f'{name}__gate{index}' in golden:
            gate = frame_major(gate, num_clips).flatten(0, 1).flatten(2)
            step = 16 if coarse else (8, 8, 4)[index]
            compare(f'gate{index}', gate.permute(2, 0, 1), step=step, axis=2)
    weights = neck.gates.weights(*gates[:2])[..., 0, 0]
    weights = frame_major(weights, num_clips).flatten(0, 1)
    compare('G', weights, step=1, axis=0)
    fused = neck.gates(*gates)
    found = frame_major(fused, num_clips).flatten(0, 1)
    compare('vid_memory', found, step=8 if coarse else 4, axis=1)
    maps = (fused, seen, released(2, seed + 3), released(4, seed + 2))
    masks = head.mask_decoder(maps)
    found = frame_major(masks, num_clips).flatten(0, 1)
    compare('features', found, step=1, axis=1)


@torch.no_grad()
@pytest.mark.parametrize(
    'name, num_clips, size, seed',
    [('clip1', 1, (64, 64), 182034), ('clip2', 2, (64, 96), 182222)],
)
def test_whole_network(model, name, num_clips, size, seed):
    golden = load_arrays('catr_model_pvt_b0')
    images = clip_major(randn(seed, T * num_clips, 3, *size), num_clips)
    sound = randn(seed + 1, T * num_clips, 128)
    maps = model.backbone(images)
    features = AVFeatures(maps, sound, num_frames=T)
    for neck in model.neck:
        features = neck(features)
    model.decode_head.train()  # predictions of every layer; no dropout here
    output = model.decode_head(features)
    model.decode_head.eval()
    layers = output.extras['predictions']
    for layer, prefix in zip(layers, ('aux0_', 'aux1_', '')):
        for key, values in (
            ('pred_is_referred', layer.class_logits),
            ('pred_masks', layer.mask_logits),
        ):
            key = f'{name}__{prefix}{key}'
            assert_close(frame_major(values, num_clips), golden[key], key)
    scores = layers[-1].class_logits.softmax(-1)[..., 0].argmax(1)
    chosen = load_json('catr_model_pvt_b0')['selected_query (t*B+b)'][name]
    assert frame_major(scores, num_clips).flatten().tolist() == chosen
    step = 2 if name == 'clip1' else 4
    logits = torch.nn.functional.interpolate(
        output.logits, size, mode='bilinear'
    )[:, 0, ::step, ::step]
    expected = golden[f'{name}__selected_logits']
    assert_close(frame_major(logits, num_clips).flatten(0, 1), expected)


def given_prediction(seed, num_clips):
    """Predictions of the golden losses, clip-major, with gradients."""

    def draw(seed, *shape, scale=1.0):
        values = randn(seed, T, num_clips, *shape, scale=scale).flatten(0, 1)
        return clip_major(values, num_clips).requires_grad_()

    return Prediction(
        class_logits=draw(seed + 1, 50, 2),
        mask_logits=draw(seed, 50, 12, 10, scale=2),
    )


def output_of(predictions):
    features = AVFeatures((), num_frames=T)
    return AVHeadOutput(None, features, dict(predictions=predictions))


def labels_of(masks, indices):
    masks = torch.from_numpy(masks).long()
    return LabeledFrames(indices, indices // T, masks, [])


def released_terms(losses, layers=('d0.', 'd1.', '')):
    """Our losses under released names, without their weights."""
    suffixes = dict(zip(('d0.', 'd1.', ''), ('_0', '_1', '')))
    return {
        name + suffixes[layer]: float(losses[layer + ours]) / weight
        for layer in layers
        for name, (ours, weight) in TERMS.items()
    }


def test_losses_of_the_first_frame(model):
    golden = load_json('catr_losses')['loss']
    masks = load_arrays('catr_losses')['loss__masks_u8']
    layers = [given_prediction(183000 + s, 3) for s in (10, 20, 0)]
    labels = labels_of(masks, torch.arange(3) * T)
    losses = model.decode_head.loss(output_of(layers), labels)
    found = released_terms(losses)
    assert found == pytest.approx(golden['values'], rel=1e-5)
    total = sum(losses.values())
    assert float(total) == pytest.approx(golden['total'], rel=1e-6)
    total.backward()
    for name, tensor in (
        ('pred_masks', layers[2].mask_logits),
        ('pred_is_referred', layers[2].class_logits),
        ('aux0_pred_masks', layers[0].mask_logits),
        ('aux1_pred_is_referred', layers[1].class_logits),
    ):
        gradient = tensor.grad.double()
        expected = golden['grad'][name]
        assert float(gradient.abs().sum()) == pytest.approx(
            expected[1], rel=1e-4
        )
        assert float(gradient.sum()) == pytest.approx(expected[0], abs=1e-4)
        assert not gradient.unflatten(0, (3, T))[:, 1:].any()
    clips = model.decode_head.clip_objects(labels)
    matched = [
        [
            int(queries)
            for queries, _ in model.decode_head.matcher(
                layer.class_logits[::T], layer.mask_logits[::T], clips
            )
        ]
        for layer in (layers[2], layers[0], layers[1])
    ]
    assert matched == golden['matched_query[final,aux0,aux1][video]']


def test_losses_of_five_frames(model):
    golden = load_json('catr_losses')['loss5']
    masks = load_arrays('catr_losses')['loss5__masks_u8']  # (T, B, H, W)
    layer = given_prediction(183030, 2)
    masks = np.swapaxes(masks, 0, 1).reshape(2 * T, *masks.shape[2:])
    labels = labels_of(masks, torch.arange(2 * T))
    losses = model.decode_head.loss(output_of([layer]), labels)
    found = released_terms(losses, layers=('',))
    assert found == pytest.approx(golden['values'], rel=1e-5)
    sum(losses.values()).backward()
    for name, tensor in zip(('pred_is_referred', 'pred_masks'), layer):
        absolute = float(tensor.grad.double().abs().sum())
        assert absolute == pytest.approx(golden['grad'][name][1], rel=1e-4)


@pytest.fixture
def float64(monkeypatch):
    """Everything in float64, positions included."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    monkeypatch.setattr(torch.Tensor, 'float', torch.Tensor.double)
    yield
    torch.set_default_dtype(default)


def test_three_training_steps(model, float64):
    """Terms, gradient norm and final weights of the released training."""
    golden = load_json('catr_losses')['step']
    masks = load_arrays('catr_losses')['step__masks_u8']
    model.double().train()
    wrapper = build_optim_wrapper(
        model,
        dict(
            type='OptimWrapper',
            optimizer=dict(type='Adam', lr=1e-5),
            clip_grad=dict(max_norm=5.0),
        ),
    )
    before = {k: v.clone() for k, v in model.state_dict().items()}
    labels = labels_of(masks, torch.arange(2) * T)
    for step, seed in zip(golden['steps'], (184216, 184420, 184628)):
        images = clip_major(randn(seed, 2 * T, 3, 64, 64), 2).double()
        sound = randn(seed + 1, 2 * T, 128).double()
        features = AVFeatures(model.backbone(images), sound, num_frames=T)
        for neck in model.neck:
            features = neck(features)
        output = model.decode_head(features)
        losses = model.decode_head.loss(output, labels)
        expected = step['values']
        assert released_terms(losses) == pytest.approx(expected, rel=1e-9)
        wrapper.update_params(sum(losses.values()))
    check_final(golden['final'], before, model.state_dict())


def check_final(golden, before, after):
    """Compare sums of every trained tensor, under released keys."""
    records = load_json('catr_recipe_pvt_b0')['tensors']
    position = {r['key']: i for i, r in enumerate(records)}
    marked = catr.convert(
        {r['key']: torch.full(r['shape'], position[r['key']]) for r in records}
    )
    found = {key: np.zeros(3) for key in golden}
    names = [r['key'] for r in records]
    for key, owner in marked.items():
        values = after[key].reshape(-1)
        moved = (after[key] - before[key]).reshape(-1)
        for index in owner.unique():
            chosen = owner.reshape(-1) == index
            name = names[int(index)]
            if name in found:
                found[name] += [
                    float(values[chosen].sum()),
                    float(values[chosen].abs().sum()),
                    float(moved[chosen].abs().sum()),
                ]
    unused = load_json('catr_losses')['step']['without_gradient_but_used']
    assert {k for k, sums in found.items() if not sums.any()} == set(unused)
    for name, expected in golden.items():
        if name in unused:
            continue
        tolerance = 1e-9 * max(1.0, expected[1])
        assert found[name][:2] == pytest.approx(expected[:2], abs=tolerance), (
            name
        )
        elements = int(np.prod(records[position[name]]['shape']))
        atol = max(1e-5 * 1e-5 * elements, 1e-8 * expected[2])
        assert found[name][2] == pytest.approx(expected[2], abs=atol), name
