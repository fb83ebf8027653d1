"""The sounds a model is tried under, from samples."""

import pytest
import torch

from mmavs.audio.sounds import (
    FITTING,
    FROM_OTHERS,
    SOUNDS,
    UNFITTING,
    change_sound,
)


@pytest.fixture
def wave():
    return 0.5 * torch.sin(torch.arange(16000) * 0.1)


@pytest.fixture
def other():
    return torch.tensor([0.1, -0.2, 0.3])


def level(waveform):
    return float(waveform.double().square().mean().sqrt())


def test_words():
    assert list(SOUNDS) == 'own mute noise swap offscreen mix'.split()
    # of another clip's sound it is not known whether it fits
    assert {*FITTING, *UNFITTING, 'swap'} == set(SOUNDS)
    assert not set(FITTING) & set(UNFITTING)


def test_each_sound_by_hand(wave, other):
    before = wave.clone()
    assert change_sound(wave, 'own') is wave
    assert torch.equal(change_sound(wave, 'mute'), torch.zeros(16000))
    noise = change_sound(wave, 'noise', seed=1)
    assert level(noise) == pytest.approx(0.1, rel=1e-5)
    assert torch.equal(noise, change_sound(-wave, 'noise', seed=1))
    assert not torch.equal(noise, change_sound(wave, 'noise', seed=2))
    for sound in ('swap', 'offscreen'):
        changed = change_sound(wave, sound, other)
        assert changed[:7].tolist() == other.repeat(3)[:7].tolist()
        assert changed.shape == wave.shape
    mixed = change_sound(wave, 'mix', other)
    added = mixed - wave
    assert level(added) == pytest.approx(level(wave), rel=1e-5)
    assert float(added[2] / added[0]) == pytest.approx(3, rel=1e-3)
    assert torch.equal(wave, before)


@pytest.mark.parametrize('sound', SOUNDS)
def test_channels_are_kept(sound, wave, other):
    stereo = torch.stack([wave, -wave / 2])
    changed = change_sound(stereo, sound, other)
    assert changed.shape == stereo.shape
    if sound in ('noise', 'swap', 'offscreen'):
        assert torch.equal(changed[0], changed[1])
    if sound == 'mix':
        added = changed - stereo
        torch.testing.assert_close(added[0], added[1], atol=1e-6, rtol=0)
    both = torch.stack([other, -other])
    if sound == 'swap':
        swapped = change_sound(stereo, sound, both)
        assert torch.equal(swapped[:, :3], both)


def test_what_is_missing_is_named(wave):
    with pytest.raises(ValueError, match="unknown sound 'loud'.*'offscreen'"):
        change_sound(wave, 'loud')
    for sound in FROM_OTHERS:
        with pytest.raises(ValueError, match=f"'{sound}' .*Fix: give one"):
            change_sound(wave, sound)
