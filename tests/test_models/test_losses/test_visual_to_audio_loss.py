"""Bidirectional generation against the released code and Eq. 4."""

import pytest
import torch

from mmavs.models.losses import AudioVisualMappingLoss, VisualToAudioLoss
from mmavs.structures import (
    AVFeatures,
    AVSDataSample,
    FramePixelData,
    LabeledFrames,
)
from mmavs.testing import check_gradients
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    recipe_state_dict,
)

collect = LabeledFrames.collect


def clips(masks, num_frames, labeled=None):
    """(N, 1, H, W) masks -> samples; unlabelled frames are 255."""
    samples = []
    for mask in masks.split(num_frames):
        frames = list(range(len(mask))) if labeled is None else labeled
        target = torch.full_like(mask, 255).long()
        target[frames] = mask[frames].long()
        sample = AVSDataSample(
            metainfo=dict(labeled_frames=frames, num_frames=len(mask))
        )
        sample.gt_sem_seg = FramePixelData(data=target)
        samples.append(sample)
    return samples


def small(mask='ground_truth', **kwargs):
    return VisualToAudioLoss(6, 5, feature_size=(2, 3), mask=mask, **kwargs)


def small_inputs(num_frames=4):
    features = AVFeatures(
        (torch.randn(num_frames, 6, 4, 6), torch.randn(num_frames, 6, 2, 3)),
        torch.randn(num_frames, 5),
    )
    masks = torch.randint(0, 2, (num_frames, 1, 8, 12))
    return features, masks


@pytest.mark.parametrize('setting', ['MS3', 'S4'])
def test_golden(setting):
    arrays = load_arrays('avsbg_units')
    mask = 'ground_truth' if setting == 'MS3' else 'predicted'
    loss = VisualToAudioLoss(mask=mask)
    recipe = recipe_state_dict(load_json('avsbg_units_recipes')['latent'])
    # the last five tensors: three convolutions, then the linear layer
    loss.load_state_dict(
        dict(zip(loss.state_dict(), list(recipe.values())[-5:]))
    )
    x = torch.from_numpy(arrays['latent_decode_feature'])
    features = AVFeatures((x,), torch.from_numpy(arrays['latent_audio']))
    samples = clips(torch.from_numpy(arrays['latent_gt']), 5)
    logits = torch.from_numpy(arrays['latent_pred'])
    (value,) = loss(features, logits, collect(samples, 5)).values()
    expected = load_json('avsbg_units')[f'latent_loss_{setting}']['value']
    assert float(value.detach()) == pytest.approx(expected, rel=1e-5)
    used = logits if setting == 'S4' else arrays['latent_gt']
    generated = loss.generate(x, torch.as_tensor(used))
    assert_close(generated, arrays[f'latent_generated_audio_{setting}'])


def test_golden_mapping_loss_of_the_recipe():
    arrays = load_arrays('avsbg_units')
    features = AVFeatures(
        tuple(torch.from_numpy(arrays[f'sim_v_map_{i}']) for i in range(4)),
        aligned_audio=tuple(
            torch.from_numpy(arrays[f'sim_a_fea_BTC_{i}']).flatten(0, 1)
            for i in range(4)
        ),
    )
    logits = torch.from_numpy(arrays['loss_pred'])
    samples = clips(torch.from_numpy(arrays['loss_gt']), 5)
    loss = AudioVisualMappingLoss(normalize=True, loss_weight=1.0)
    (value,) = loss(features, logits, collect(samples, 5)).values()
    table = load_json('avsbg_units')['A_MaskedV_SimmLoss']
    expected = table['avg norm=True thr=False kl']
    assert float(value) == pytest.approx(expected, rel=1e-5)


def test_equation():
    features, masks = small_inputs()
    loss = small(loss_weight=0.5)  # eta of Table 1
    (value,) = loss(features, None, collect(clips(masks, 2), 2)).values()
    total = 0.0
    for x, a, mask in zip(features.visual[-1], features.audio, masks):
        pooled = mask.float().reshape(2, 4, 3, 4).mean(dim=(1, 3))
        encoded = loss.mask_encoder((x * pooled)[None])[0].flatten(1)
        rebuilt = encoded @ loss.mask_decoder.weight[0]
        rebuilt = rebuilt + loss.mask_decoder.bias
        difference = a / a.norm() - rebuilt / rebuilt.norm()
        total += float(difference.norm().detach())
    assert float(value.detach()) == pytest.approx(0.5 * total / 4, abs=5e-6)


def test_zero_weight_builds_nothing():
    features, masks = small_inputs()
    loss = small(loss_weight=0.0)
    assert not list(loss.parameters())
    value = loss(features, None, collect(clips(masks, 2), 2))[
        'loss_visual_to_audio'
    ]
    assert float(value) == 0


def test_only_labelled_frames_count():
    features, masks = small_inputs()
    loss = small()
    every = loss(features, None, collect(clips(masks, 2, labeled=[0]), 2))
    first = AVFeatures(
        tuple(x[::2] for x in features.visual), features.audio[::2]
    )
    alone = loss(first, None, collect(clips(masks[::2], 1), 1))
    torch.testing.assert_close(every, alone)


def test_no_labelled_frame_is_zero_with_a_graph():
    features, masks = small_inputs()
    loss = small()
    (value,) = loss(
        features, None, collect(clips(masks, 2, labeled=[]), 2)
    ).values()
    value.backward()
    assert float(value.detach()) == 0
    assert all(p.grad.abs().sum() == 0 for p in loss.parameters())


def test_predicted_masks_need_no_labels_and_skip_padding():
    features, masks = small_inputs()
    logits = torch.randn(4, 1, 8, 12)
    loss = small('predicted')
    unlabelled = clips(masks, 2, labeled=[])
    (value,) = loss(features, logits, collect(unlabelled, 2)).values()
    assert float(value.detach()) > 0
    padded = features._replace(valid=torch.tensor([1, 1, 1, 0]) > 0)
    (short,) = loss(padded, logits, collect(unlabelled, 2)).values()
    cut = AVFeatures(tuple(x[:3] for x in features.visual), features.audio[:3])
    (expected,) = loss(cut, logits[:3], collect(unlabelled, 1)).values()
    torch.testing.assert_close(short, expected)


def test_sigmoid_option():
    features, _ = small_inputs()
    logits = torch.randn(4, 1, 8, 12)
    soft, raw = small('predicted', sigmoid=True), small('predicted')
    raw.load_state_dict(soft.state_dict())
    torch.testing.assert_close(
        soft(features, logits, collect([], 2)),
        raw(features, logits.sigmoid(), collect([], 2)),
    )


def test_classes_become_the_odds_against_background():
    features, _ = small_inputs()
    logits = torch.randn(4, 3, 8, 12)
    prob = logits.softmax(dim=1)[:, :1]
    odds = torch.log((1 - prob) / prob)
    loss = small('predicted')
    torch.testing.assert_close(
        loss(features, logits, collect([], 2)),
        loss(features, odds, collect([], 2)),
    )


def test_labels_255_are_not_foreground_and_classes_are():
    features, masks = small_inputs()
    loss = small()
    binary = loss(features, None, collect(clips(masks, 2), 2))
    masks[masks == 1] = 7
    torch.testing.assert_close(
        loss(features, None, collect(clips(masks, 2), 2)), binary
    )
    ignored = masks.clone()
    ignored[masks == 0] = 255
    torch.testing.assert_close(
        loss(features, None, collect(clips(ignored, 2), 2)), binary
    )


@pytest.mark.parametrize('mask', ['ground_truth', 'predicted'])
def test_gradients(mask):
    features, masks = small_inputs()
    audio = features.audio[:, None].repeat(1, 3, 1).requires_grad_()  # tokens
    x = features.visual[-1].requires_grad_()
    logits = torch.randn(4, 1, 8, 12, requires_grad=True)
    loss = small(mask)
    given = features._replace(audio=audio)
    check_gradients(
        loss,
        lambda: sum(loss(given, logits, collect(clips(masks, 2), 2)).values()),
    )
    assert x.grad.abs().sum() > 0
    assert audio.grad is None  # the target
    assert (logits.grad is not None) == (mask == 'predicted')


def test_errors():
    with pytest.raises(ValueError, match="mask must be one of .* 'both'"):
        VisualToAudioLoss(mask='both')
    features, masks = small_inputs()
    loss, samples = small(), clips(masks, 2)
    with pytest.raises(ValueError, match=r'but map -1 is \(6, 3, 3\). Fix'):
        loss(AVFeatures((torch.zeros(4, 6, 3, 3),)), None, collect(samples, 2))
    with pytest.raises(ValueError, match='has no audio_encoder'):
        loss(features._replace(audio=None), None, collect(samples, 2))
    with pytest.raises(ValueError, match=r'the sound is \(4, 9\)'):
        loss(
            features._replace(audio=torch.zeros(4, 9)),
            None,
            collect(samples, 2),
        )
    with pytest.raises(ValueError, match='own heads do not hand on. Fix'):
        small('predicted')(features, None, collect(samples, 2))


@pytest.mark.parametrize('size', [(1, 12), (8, 2), (12, 8)])
def test_a_mask_that_does_not_fit(size):
    features, _ = small_inputs()
    samples = clips(torch.ones(4, 1, *size), 2)
    message = f'a mask of {size[0]} x {size[1]} does not fit a map of 2 x 3'
    with pytest.raises(ValueError, match=message):
        small()(features, None, collect(samples, 2))


def test_masks_of_several_sizes():
    features, masks = small_inputs()
    samples = clips(masks, 2)[:1] + clips(torch.ones(2, 1, 16, 24), 2)
    with pytest.raises(ValueError, match='masks of several sizes'):
        small()(features, None, collect(samples, 2))
