"""AddAudio, AudioFiLM and ChannelAlign: each frame by itself."""

import pytest
import torch

from mmavs.models.necks import AddAudio, AudioFiLM, ChannelAlign
from mmavs.structures import AVFeatures
from mmavs.testing import check_gradients


def features(channels=(2, 2), audio=3):
    visual = tuple(torch.randn(4, c, 3, 2) for c in channels)
    return AVFeatures(visual, torch.randn(4, audio))


def test_add_audio_by_hand():
    neck = AddAudio([2], audio_channels=1)
    with torch.no_grad():
        neck.blocks['0'].weight.copy_(torch.tensor([[1.0], [-2.0]]))
        neck.blocks['0'].bias.copy_(torch.tensor([0.5, 0.0]))
    given = AVFeatures((torch.ones(1, 2, 1, 1),), torch.tensor([[3.0]]))
    fused = neck(given)
    assert fused.visual[0].flatten().tolist() == [4.5, -5.0]
    assert fused.aligned_audio[0].tolist() == [[3.5, -6.0]]
    assert fused.audio is given.audio


def test_film_by_hand():
    neck = AudioFiLM([2], audio_channels=1)
    with torch.no_grad():  # gamma = (a, 0), beta = (1, 2 a)
        weight = torch.tensor([[1.0], [0.0], [0.0], [2.0]])
        neck.blocks['0'].weight.copy_(weight)
        neck.blocks['0'].bias.copy_(torch.tensor([0.0, 0.0, 1.0, 0.0]))
    visual = torch.tensor([5.0, 7.0]).view(1, 2, 1, 1)
    fused = neck(AVFeatures((visual,), torch.tensor([[3.0]])))
    assert fused.visual[0].flatten().tolist() == [5 * 4 + 1, 7 + 6]
    assert fused.aligned_audio[0].tolist() == [[1.0, 6.0]]


@pytest.mark.parametrize('kind', [AddAudio, AudioFiLM])
def test_frames_hear_their_own_second_only(kind):
    neck = kind([2, 2], audio_channels=3)
    given = features()
    before = neck(given)
    given.audio[1] += 1
    after = neck(given)
    for old, new in zip(before.visual, after.visual):
        same = (old == new).flatten(1).all(dim=1)
        assert same.tolist() == [True, False, True, True]


@pytest.mark.parametrize('kind', [AddAudio, AudioFiLM])
def test_stages_and_bias(kind):
    neck = kind([2, 2], audio_channels=3, stages=(1,))
    given = features()
    torch.nn.init.zeros_(neck.blocks['1'].bias)
    fused = neck(given._replace(audio=torch.zeros(4, 3)))
    assert fused.visual[0] is given.visual[0]
    # without a bias, silence of zeros leaves the map as it is
    assert torch.equal(fused.visual[1], given.visual[1])
    assert fused.aligned_audio[0] is None


@pytest.mark.parametrize('kind', [AddAudio, AudioFiLM])
def test_fusion_gradients(kind):
    neck = kind([2, 2], audio_channels=3)
    given = features()
    check_gradients(
        neck, lambda: sum(x.pow(2).sum() for x in neck(given).visual)
    )


@pytest.mark.parametrize('kind', [AddAudio, AudioFiLM])
def test_fusion_errors(kind):
    neck = kind([2, 2], audio_channels=3)
    with pytest.raises(ValueError, match=rf'{kind.__name__} was built for ma'):
        neck(features(channels=(2,)))
    with pytest.raises(ValueError, match='4 frames came with 3 seconds'):
        given = features()
        neck(given._replace(audio=given.audio[:3]))


def test_channel_align():
    neck = ChannelAlign([2, 3], 4)
    given = features(channels=(2, 3))
    aligned = neck(given)
    weight = neck.convs[1].conv.weight.flatten(1)
    expected = torch.einsum('oc,nchw->nohw', weight, given.visual[1])
    expected = expected + neck.convs[1].conv.bias[:, None, None]
    torch.testing.assert_close(aligned.visual[1], expected)
    assert aligned.audio is given.audio
    check_gradients(
        neck, lambda: sum(x.pow(2).sum() for x in neck(given).visual)
    )
    with pytest.raises(ValueError, match=r'in_channels=\(2, 3\), but gets'):
        neck(features(channels=(3, 2)))
