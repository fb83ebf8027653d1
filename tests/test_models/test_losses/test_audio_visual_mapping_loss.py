"""L_AVM, AV and VV, against released figures and by hand."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.models.losses import (
    AudioVisualMappingLoss,
    FrameBCELoss,
    FrameCrossEntropyLoss,
)
from mmavs.structures import AVFeatures, LabeledFrames
from mmavs.testing.golden import assert_close, load_arrays, load_json, randn

ROOT = Path(__file__).resolve().parents[3]


def clips(*labeled):
    return [list(frames) for frames in labeled]


def collect(labeled, num_frames):
    """Clips with these labelled frames; what they hold does not count."""
    places = [
        clip * num_frames + t
        for clip, frames in enumerate(labeled)
        for t in frames
    ]
    indices = torch.tensor(places, dtype=torch.long)
    masks = torch.zeros(len(places), 1, 1, dtype=torch.long)
    return LabeledFrames(indices, indices // num_frames, masks, [])


def golden_ms3():
    arrays = load_arrays('avsbench_losses')

    def leaf(name):
        return torch.from_numpy(arrays[name]).requires_grad_()

    logits = leaf('ms3_pred')
    visual = [leaf(f'ms3_v_map_{i}') for i in range(4)]
    sound = [leaf(f'ms3_a_fea_{i}') for i in range(4)]
    aligned = tuple(vectors.flatten(0, 1) for vectors in sound)
    features = AVFeatures(tuple(visual), aligned_audio=aligned)
    return features, logits, clips(range(5), range(5)), sound, arrays


def golden_avss():
    logits = randn(60100, 20, 5, 32, 32, scale=2.0)
    visual = tuple(
        randn(60120 + i, 20, 16, 16 >> i, 16 >> i).clamp(min=0)
        for i in range(4)
    )
    aligned = tuple(randn(60110 + i, 4, 5, 16).flatten(0, 1) for i in range(4))
    features = AVFeatures(visual, aligned_audio=aligned)
    return features, logits, clips([0], range(10))


def settings(name):
    """Every released combination of flags: options and expected value."""
    for key, values in load_json('avsbench_losses')[name].items():
        stages, pool, normalize, distance = re.fullmatch(
            r'stages=\[(.*)\] pool=(\w+) norm_fea=(\w+) (\w+)', key
        ).groups()
        options = dict(
            stages=[int(i) for i in stages.split(',')],
            pool=pool,
            normalize=normalize == 'True',
            distance='kl' if distance == 'kl' else 'euclidean',
            loss_weight=1.0,
        )
        yield dict(options), values['A_MaskedV_SimmLoss threshold=False']
        yield (
            dict(options, mask_thr=0.5),
            values['A_MaskedV_SimmLoss threshold=True'],
        )
        yield dict(options, mode='visual-visual'), values['closer_loss']


def test_golden_ms3_all_settings():
    features, logits, samples, _, _ = golden_ms3()
    count = 0
    with torch.no_grad():
        for options, expected in settings('ms3_sa_losses'):
            loss = AudioVisualMappingLoss(reduction='sum', **options)
            value = float(
                loss(features, logits, collect(samples, 5))['loss_avm']
            )
            # small sums of large terms lose digits: an absolute share too
            assert value == pytest.approx(expected, rel=1e-5, abs=1e-6)
            count += 1
    assert count == 120


def test_golden_avss_all_settings():
    """But for its visual-visual KL, which compares with sound instead."""
    features, logits, samples = golden_avss()
    count = 0
    for options, expected in settings('avss_sa_losses'):
        if options.get('mode') and options['distance'] == 'kl':
            options['mode'] = 'audio-visual'
        loss = AudioVisualMappingLoss(reduction='mean', **options)
        value = float(loss(features, logits, collect(samples, 10))['loss_avm'])
        assert value == pytest.approx(expected, rel=1e-5, abs=1e-6)
        count += 1
    assert count == 72


def test_golden_ms3_total_and_gradients():
    features, logits, samples, sound, arrays = golden_ms3()
    target = torch.from_numpy(arrays['ms3_gt'][:, 0]).long()
    total = FrameBCELoss(on_probabilities=True)(logits, target)
    loss = AudioVisualMappingLoss()
    total = total + loss(features, logits, collect(samples, 5))['loss_avm']
    expected = load_json('avsbench_losses')
    expected = expected['ms3_IouSemanticAwareLoss_shipped']['total']
    assert float(total.detach()) == pytest.approx(expected, rel=1e-5)
    total.backward()
    assert_close(logits.grad, arrays['ms3_shipped_grad_pred'])
    for i in range(4):
        visual = features.visual[i].grad
        assert_close(visual, arrays[f'ms3_shipped_grad_v_map_{i}'])
        assert_close(sound[i].grad, arrays[f'ms3_shipped_grad_a_fea_{i}'])


@pytest.mark.parametrize('detach', [False, True])
def test_sound_may_be_spared(detach):
    """The same value and the same pull on vision; none on the sound."""
    features, logits, samples, sound, _ = golden_ms3()
    loss = AudioVisualMappingLoss(detach_audio=detach)
    value = loss(features, logits, collect(samples, 5))['loss_avm']
    plain = AudioVisualMappingLoss()
    expected = plain(features, logits, collect(samples, 5))['loss_avm']
    torch.testing.assert_close(value, expected)
    inputs = [*features.visual, *sound]
    moved = torch.autograd.grad(
        value, inputs, allow_unused=True, retain_graph=True
    )
    wanted = torch.autograd.grad(expected, features.visual)
    for gradient, same in zip(moved[:4], wanted):
        torch.testing.assert_close(gradient, same)
    assert [gradient is None for gradient in moved[4:]] == [detach] * 4


def test_golden_avss_total():
    features, logits, samples = golden_avss()
    logits.requires_grad_()
    figures = load_json('avsbench_losses')
    labeled = [0, *range(10, 20)]
    target = load_arrays('avsbench_losses')['avss_gt'][labeled]
    total = FrameCrossEntropyLoss()(
        logits[labeled], torch.from_numpy(target).long()
    )
    loss = AudioVisualMappingLoss(reduction='mean')
    total = total + loss(features, logits, collect(samples, 10))['loss_avm']
    expected = figures['avss_IouSemanticAwareLoss_shipped']['total']
    assert float(total.detach()) == pytest.approx(expected, rel=1e-5)
    total.backward()  # the mask is an argmax: cross-entropy's gradient alone
    gradient = float(logits.grad.double().abs().sum())
    expected = figures['avss_shipped_grad_pred']['abs_sum']
    assert gradient == pytest.approx(expected, rel=1e-4)


def test_background_index():
    """The old value counted all but the last class as foreground."""
    features, _, samples = golden_avss()
    logits = torch.zeros(20, 71, 32, 32)
    logits[:, 0] = 1.0  # background everywhere
    means = {}
    for index in (0, 70):
        loss = AudioVisualMappingLoss(
            reduction='mean', background_index=index, distance='euclidean'
        )
        means[index] = float(
            loss(features, logits, collect(samples, 10))['loss_avm']
        )
    labeled = [0, *range(10, 20)]
    expected = {0: [], 70: []}
    for visual, sound in zip(features.visual, features.aligned_audio):
        sound, visual = sound[labeled], visual[labeled].mean((2, 3))
        expected[0].append(float((sound - 1e-6).norm(dim=1).mean()))
        distance = (visual - sound + 1e-6).norm(dim=1)
        expected[70].append(float(distance.mean()))
    for index, values in expected.items():
        assert means[index] == pytest.approx(0.5 * sum(values) / 4, rel=1e-5)


def test_closest_sound():
    """By hand: sounds 0, 1, 5, and a padded frame that no one may choose."""
    sound = torch.tensor([[0.0], [1.0], [5.0], [5.0]])
    valid = torch.tensor([True, True, True, False])
    loss = AudioVisualMappingLoss(mode='visual-visual')
    assert loss._closest(sound, valid)[:3].tolist() == [1, 0, 1]
    # released: a sound farther than 10 from all others is its own partner
    far = torch.tensor([[0.0], [11.0], [13.0]])
    assert loss._closest(far, None).tolist() == [0, 2, 1]
    arrays = load_arrays('avsbench_losses')
    sound = torch.from_numpy(arrays['ms3_a_fea_0']).flatten(0, 1)
    expected = arrays['ms3_closest_audio_index'].tolist()
    assert loss._closest(sound, None).tolist() == expected


def test_scales_without_sound_are_left_out():
    features, logits, samples, _, _ = golden_ms3()
    partial = features._replace(
        aligned_audio=(None, *features.aligned_audio[1:3], None)
    )
    every = AudioVisualMappingLoss()(partial, logits, collect(samples, 5))
    chosen = AudioVisualMappingLoss(stages=(1, 2))
    expected = chosen(features, logits, collect(samples, 5))
    torch.testing.assert_close(every['loss_avm'], expected['loss_avm'])
    with pytest.raises(ValueError, match=r'projected at \(1, 2\) only'):
        AudioVisualMappingLoss(stages=(0,))(
            partial, logits, collect(samples, 5)
        )


def test_without_sound_or_labels_it_is_zero():
    features, logits, samples, _, _ = golden_ms3()
    silent = features._replace(aligned_audio=())
    values = [
        AudioVisualMappingLoss()(silent, logits, collect(samples, 5))[
            'loss_avm'
        ],
        AudioVisualMappingLoss()(features, logits, collect(clips([], []), 5))[
            'loss_avm'
        ],
    ]
    for value in values:
        assert float(value.detach()) == 0
        assert value.requires_grad


def test_in_the_small_model_it_does_not_grow_with_the_batch():
    """Its target may grow; a sum over 40 frames drowned the loss of masks."""
    config = Config.fromfile(ROOT / 'configs/synthetic/tpavi_tiny_ms3_avm.py')
    (options,) = config.model.auxiliary_losses
    options = dict(options)
    assert (options.pop('type'), options.pop('features')) == (
        'AudioVisualMappingLoss',
        'head',
    )
    loss = AudioVisualMappingLoss(**options)

    def of_frames(copies):
        maps = randn(1, 5, 8, 4, 4).repeat(copies, 1, 1, 1)
        sound = 20 * randn(2, 5, 8).repeat(copies, 1)
        logits = randn(3, 5, 1, 8, 8).repeat(copies, 1, 1, 1)
        features = AVFeatures((maps,), aligned_audio=(sound,))
        labeled = collect(clips(*[range(5)] * copies), 5)
        return loss(features, logits, labeled)['loss_avm']

    assert float(of_frames(1)) > 1
    torch.testing.assert_close(of_frames(8), of_frames(1))


def test_errors():
    with pytest.raises(ValueError, match="mode must be one of .* got 'av'"):
        AudioVisualMappingLoss(mode='av')
    with pytest.raises(ValueError, match="distance must be one of .*'l2'"):
        AudioVisualMappingLoss(distance='l2')
