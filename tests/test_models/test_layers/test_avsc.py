"""The sound chooses among instances."""

import pytest
import torch
import torch.nn.functional as F

from mmavs.models.layers.avsc import (
    AVSC,
    Instances,
    cut_masks,
    filter_instances,
    log_odds,
    top_mask,
    top_scored,
)
from mmavs.testing import check_gradients


def scene(num_frames=1):
    """A dog (0) on the left and a guitar (2) on the right, 4 x 4 pixels."""
    masks = torch.full((num_frames, 2, 4, 4), -9.0)
    masks[:, 0, :, :2] = 9.0
    masks[:, 1, :, 2:] = 9.0
    return Instances(
        labels=torch.tensor([[0, 2]]).expand(num_frames, -1),
        scores=torch.tensor([[0.9, 0.8]]).expand(num_frames, -1),
        mask_logits=masks,
        valid=torch.ones(num_frames, 2).bool(),
    )


def test_category_and_score_filters():
    # queries: dog, dog (surer), nothing, guitar
    logits = torch.full((1, 4, 4), -9.0)
    logits[0, [0, 1, 2, 3], [0, 0, 3, 2]] = torch.tensor([1.0, 3.0, 5.0, 2.0])
    masks = torch.arange(4.0).view(1, 4, 1, 1).expand(1, 4, 2, 2)
    found = filter_instances(logits, masks)
    assert found.labels.tolist() == [[0, 2]]
    assert found.valid.tolist() == [[True, True]]
    assert found.mask_logits[0, :, 0, 0].tolist() == [1.0, 3.0]
    scores = logits.softmax(-1)
    expected = [float(scores[0, 1, 0]), float(scores[0, 3, 2])]
    assert found.scores[0].tolist() == pytest.approx(expected)


def test_a_query_without_a_pixel_is_no_instance():
    logits = torch.tensor([[[3.0, 0.0, 0.0], [1.0, 0.0, 0.0]]])
    masks = torch.tensor([[[[-1.0, -2.0]], [[-1.0, 2.0]]]])
    found = filter_instances(logits, masks)
    assert found.valid.tolist() == [[True]]  # the second query's
    assert found.mask_logits.tolist() == [[[[-1.0, 2.0]]]]


def test_frames_with_different_numbers_of_instances():
    logits = torch.full((2, 2, 3), -5.0)
    logits[0, :, 2] = 5.0  # nothing at all
    logits[1, 0, 1] = logits[1, 1, 0] = 5.0
    found = filter_instances(logits, torch.ones(2, 2, 1, 1))
    assert found.valid.tolist() == [[False, False], [True, True]]
    assert found.labels[1].tolist() == [0, 1]
    assert top_scored(found)[0].tolist() == [0, 0]
    assert (top_mask(found)[0] < -13).all()


def test_score_threshold():
    logits = torch.zeros(1, 2, 3)
    logits[0, 0, 0], logits[0, 1, 1] = 1.0, 4.0
    masks = torch.ones(1, 2, 1, 1)
    assert filter_instances(logits, masks).valid.sum() == 2
    assert filter_instances(logits, masks, score_thr=0.8).valid.sum() == 1


def test_map_of_equation_1():
    found = scene()
    sounding = torch.tensor([[0.7, 0.2]])
    masks = cut_masks(found.mask_logits, stride=1)
    for overlap in ('max', 'clamp'):
        module = AVSC(3, audio_channels=8, overlap=overlap)
        composed = module.compose(sounding, masks)
        torch.testing.assert_close(
            composed[0, 0], torch.tensor([0.7, 0.7, 0.2, 0.2])
        )


@pytest.mark.parametrize(
    ('overlap', 'expected'), [('max', 0.9), ('clamp', 1.0)]
)
def test_overlapping_masks_stay_probabilities(overlap, expected):
    sounding = torch.tensor([[0.9, 0.8]], requires_grad=True)
    masks = torch.ones(1, 2, 1, 1).bool()
    composed = AVSC(3, audio_channels=8, overlap=overlap).compose(
        sounding, masks
    )
    assert float(composed) == pytest.approx(expected)
    # what the default is for: a clamped sum cannot be corrected
    composed.sum().backward()
    assert (sounding.grad.abs().sum() > 0) == (overlap == 'max')


def train(sounds, found, targets, **options):
    """Learn categories from masks alone, without labels of sounds.

    Args:
        sounds (Tensor): (S, 3), the energy of each category.
        found (Instances): Of S frames.
        targets (Tensor): (S, 1, 4, 4), what sounds.
        **options: Of AVSC.
    """
    module = AVSC(3, audio_channels=3, hidden_channels=(32,), **options)
    masks = cut_masks(found.mask_logits, stride=1)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    for _ in range(60):
        audio = 3 * sounds + 0.1 * torch.rand_like(sounds)
        logits, _ = module.listen(audio, found, masks)
        loss = F.binary_cross_entropy_with_logits(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return module


def dog_and_guitar(activation):
    """Pictures always show the dog (0) and the guitar (2), never the cat (1).

    One sound in four is of both at once.
    """
    sounds = torch.cat([torch.eye(3), torch.tensor([[1.0, 0.0, 1.0]])])
    targets = torch.zeros(4, 1, 4, 4)
    targets[[0, 3], ..., :2] = 1
    targets[[2, 3], ..., 2:] = 1
    return train(sounds, scene(4), targets, audio_activation=activation)


def segment(module, audio):
    found = scene()
    masks = cut_masks(found.mask_logits, stride=1)
    logits, sounding = module.listen(torch.tensor([audio]), found, masks)
    picked = logits[0, 0, 0].sigmoid() > module.threshold
    return [bool(picked[0]), bool(picked[3])], sounding[0]


@pytest.mark.parametrize('activation', ['softmax', 'sigmoid'])
def test_a_mixture_sounds_from_both(activation):
    module = dog_and_guitar(activation)
    assert segment(module, [3.0, 0.0, 0.0])[0] == [True, False]
    assert segment(module, [0.0, 0.0, 3.0])[0] == [False, True]
    assert segment(module, [0.0, 3.0, 0.0])[0] == [False, False]
    assert segment(module, [3.0, 0.0, 3.0])[0] == [True, True]


def test_a_softmax_shares_out_one():
    """Two at once get half each: why its threshold is not 0.5."""
    _, sounding = segment(dog_and_guitar('softmax'), [3.0, 0.0, 3.0])
    assert sounding.tolist() == pytest.approx([0.5, 0.5], abs=0.15)
    assert float(sounding.sum()) <= 1 + 1e-6


def alone(category, num_frames=1):
    """Frames that show one instance, all over the picture."""
    labels = torch.full((num_frames, 1), category)
    return Instances(
        labels=labels,
        scores=torch.ones(num_frames, 1),
        mask_logits=torch.full((num_frames, 1, 4, 4), 9.0),
        valid=torch.ones(num_frames, 1).bool(),
    )


@pytest.mark.parametrize(
    'options, correct', [({}, 1.0), (dict(audio_activation='sigmoid'), 0.0)]
)
def test_where_all_that_is_seen_sounds_silence_is_learnt(options, correct):
    """Each picture shows its own source alone; then the sounds are swapped.

    The right mask is empty. No category of a sigmoid is ever told to be
    silent, so every picture sounds, whatever is heard.
    """
    frames = [alone(category) for category in range(3)]
    found = Instances(*(torch.cat(parts) for parts in zip(*frames)))
    module = train(torch.eye(3), found, torch.ones(3, 1, 4, 4), **options)
    masks = cut_masks(found.mask_logits, stride=1)
    silent = []
    for shift in (0, 1, 2):
        sounds = 3 * torch.eye(3).roll(shift, dims=0)
        _, sounding = module.listen(sounds, found, masks)
        silent.append((sounding <= module.threshold).float().mean().item())
    assert silent == pytest.approx([0.0, correct, correct])


def test_tokens_are_averaged():
    module = AVSC(3, audio_channels=8)
    tokens = torch.randn(2, 5, 8)
    torch.testing.assert_close(module(tokens), module(tokens.mean(1)))
    assert module(tokens).shape == (2, 3)


def test_gradients_and_a_batch_without_instances():
    module = AVSC(3, audio_channels=8)
    found = scene(2)
    masks = cut_masks(found.mask_logits, stride=2)
    assert masks.shape == (2, 2, 8, 8)
    audio = torch.randn(2, 8)
    check_gradients(
        module, lambda: module.listen(audio, found, masks)[0].sum()
    )
    nothing = found._replace(valid=torch.zeros(2, 2).bool())
    logits, sounding = module.listen(audio, nothing, masks)
    assert float(sounding.abs().sum()) == 0
    assert float(logits.max()) < -13
    logits.sum().backward()


def test_log_odds_are_bounded():
    logits = log_odds(torch.tensor([0.0, 0.5, 1.0]))
    assert logits.tolist() == pytest.approx([-13.8155, 0.0, 13.8155], abs=0.1)


def test_errors():
    with pytest.raises(ValueError, match='audio_activation must be one of'):
        AVSC(3, audio_activation='relu')
    with pytest.raises(ValueError, match='overlap must be one of'):
        AVSC(3, overlap='sum')
    module = AVSC(3, audio_channels=8)
    with pytest.raises(ValueError, match='8 channels and got 5'):
        module(torch.zeros(1, 5))
    with pytest.raises(ValueError, match='no audio encoder'):
        module.listen(None, scene(), torch.ones(1, 2, 4, 4).bool())
