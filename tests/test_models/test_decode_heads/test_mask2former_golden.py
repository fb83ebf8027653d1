"""The Mask2Former variant equals the papers' code at equal weights."""

import pytest
import torch

from mmavs.models.layers.positions import sine_positions
from mmavs.models.losses.instance_losses import InstanceSetLoss
from mmavs.models.task_modules.hungarian_matcher import (
    HungarianMatcher,
    bce_cost,
    dice_cost,
)
from mmavs.registry import MODELS
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    recipe_state_dict,
)
from mmavs.weights.released.maskformer import convert

RECIPES = 'mask2former_units_recipes'
PARTS = {
    'pixel_decoder': 'sem_seg_head.pixel_decoder.',
    'transformer_decoder': 'sem_seg_head.predictor.',
}


@pytest.fixture(scope='module')
def arrays():
    return load_arrays('mask2former_units')


@pytest.fixture(scope='module')
def outputs(arrays):
    """The predictions of a head with the golden weights, layer by layer."""
    head = MODELS.build(
        dict(
            type='SoundingInstanceHead',
            in_channels=[16, 24, 40, 48],
            categories=['a', 'b', 'c', 'd', 'e'],
            num_queries=10,
            embed_dims=64,
            dropout=0.0,
            pixel_decoder=dict(kind='msdeform', num_layers=2),
            decoder=dict(
                num_layers=4, ffn_channels=128, masked_attention=True
            ),
            deep_supervision=True,
        )
    )
    # the golden unit's feed-forward width, where the paper has 1024
    for layer in head.pixel_decoder.encoder.layers:
        layer.ffn = type(layer.ffn)(64, 128)
    recipes = load_json(RECIPES)
    weights = {
        PARTS[part] + key: value
        for part, records in recipes.items()
        for key, value in recipe_state_dict(records).items()
    }
    converted = {
        key.removeprefix('decode_head.'): value
        for key, value in convert(weights, keep_classes=True).items()
    }
    report = head.load_state_dict(converted, strict=False)
    assert report.missing_keys == ['category_names.names']
    assert report.unexpected_keys == []
    visual = [torch.from_numpy(arrays[f'feat_res{i}']) for i in range(2, 6)]
    with torch.no_grad():
        decoded = head.pixel_decoder(visual)
        predictions = head.train().segment(visual)
    return decoded, predictions


def test_positions(arrays):
    positions = sine_positions(8, 6, 64, normalize=True)
    golden = arrays['pos_normalized_8x6'][0].reshape(64, -1).T
    assert_close(positions, golden)


def test_pixel_decoder(arrays, outputs):
    (mask_feature, memories), _ = outputs
    assert_close(mask_feature, arrays['pd_mask_features'], 'mask feature')
    for i, memory in enumerate(memories):
        assert_close(memory, arrays[f'pd_multi_scale_{i}'], f'scale {i}')


def test_every_layer_of_the_decoder(arrays, outputs):
    _, predictions = outputs
    assert len(predictions) == 5  # before the first layer, and after each
    for i, prediction in enumerate(predictions[:-1]):
        name = f'td_aux{i}_pred_'
        assert_close(prediction.class_logits, arrays[name + 'logits'], name)
        masks = arrays[name + 'masks_first2']
        assert_close(prediction.mask_logits[:2], masks, name)
    assert_close(predictions[-1].class_logits, arrays['td_pred_logits'])
    assert_close(predictions[-1].mask_logits, arrays['td_pred_masks'])


def test_costs(arrays):
    logits = torch.from_numpy(arrays['loss_in'])
    target = torch.from_numpy(arrays['loss_tgt'])
    assert_close(dice_cost(logits, target, False), arrays['batch_dice'])
    assert_close(bce_cost(logits, target, False), arrays['batch_ce'])


def fake_rand(monkeypatch, calls):
    """Answer ``torch.rand`` with the recorded draws, in their order."""
    import numpy as np

    calls = iter(calls)

    def rand(*shape, device=None):
        seed, recorded = next(calls)
        assert list(shape) == list(recorded)
        values = np.random.RandomState(seed).rand(*shape)
        return torch.from_numpy(values.astype(np.float32))

    monkeypatch.setattr(torch, 'rand', rand)


def golden_targets():
    import numpy as np

    masks = [
        torch.from_numpy(np.random.RandomState(seed).rand(n, 64, 64) > 0.7)
        for seed, n in ((112010, 3), (112011, 1))
    ]
    return [torch.tensor([1, 3, 0]), torch.tensor([4])], masks


def test_matcher(outputs, monkeypatch):
    golden = load_json('mask2former_units')['matcher']
    fake_rand(monkeypatch, [(112100, (1, 112, 2)), (112101, (1, 112, 2))])
    matcher = HungarianMatcher(2.0, 5.0, 5.0, 'bce', num_points=112)
    class_logits, mask_logits = (part[:2] for part in outputs[1][-1])
    matches = matcher(class_logits, mask_logits, *golden_targets())
    assert [[q.tolist(), o.tolist()] for q, o in matches] == golden['indices']


def test_criterion(outputs, monkeypatch):
    golden = load_json('mask2former_units')['criterion']
    fake_rand(monkeypatch, golden['rand_calls_in_order'])
    loss = InstanceSetLoss(
        5,
        cls_weight=1.0,
        mask_weight=1.0,
        dice_weight=1.0,
        mask_loss='bce',
        num_points=112,
    )
    # the recorded losses are unweighted, the matching is not
    loss.matcher = HungarianMatcher(2.0, 5.0, 5.0, 'bce', num_points=112)
    names = dict(loss_cls='loss_ce', loss_mask='loss_mask')
    order = [outputs[1][-1], *outputs[1][:-1]]
    for i, prediction in enumerate(order):
        parts = (part[:2] for part in prediction)
        losses, unmatched = loss(*parts, *golden_targets())
        suffix = '' if i == 0 else f'_{i - 1}'
        for name, value in losses.items():
            expected = golden['losses'][names.get(name, name) + suffix]
            assert float(value) == pytest.approx(expected, rel=2e-5), name
        assert unmatched.sum(1).tolist() == [7, 9]
