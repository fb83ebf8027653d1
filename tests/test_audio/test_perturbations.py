import math

import pytest
import torch

from mmavs.audio import perturbations as p


@pytest.fixture
def tone() -> torch.Tensor:
    return 0.5 * torch.sin(torch.arange(16000) * (2 * torch.pi * 440 / 16000))


def power(waveform: torch.Tensor) -> float:
    return float(waveform.double().square().mean())


def test_mute_keeps_the_length(tone):
    assert p.mute(tone).shape == tone.shape
    assert p.mute(tone).abs().max() == 0 and tone.abs().max() > 0


def test_fit_length_repeats_and_cuts():
    wave = torch.tensor([1.0, 2.0, 3.0])
    assert p.fit_length(wave, 7).tolist() == [1, 2, 3, 1, 2, 3, 1]
    assert p.fit_length(wave, 2).tolist() == [1, 2]


@pytest.mark.parametrize('snr_db', [-10.0, 0.0, 20.0])
def test_mix_keeps_the_asked_ratio(tone, snr_db):
    quiet = tone * 0.05
    other = torch.cos(torch.arange(9000) * 0.3)
    mixed = p.mix(quiet, other, snr_db)
    added = mixed - quiet
    ratio = 10 * math.log10(power(quiet) / power(added))
    assert mixed.shape == tone.shape
    assert abs(ratio - snr_db) < 0.01


def test_a_mixture_beyond_full_scale_is_turned_down_as_a_whole(tone):
    mixed = p.mix(tone * 2, tone * 2, 0.0)
    torch.testing.assert_close(mixed, tone * 2)
    assert mixed.abs().max() <= 1
    loud = p.mix(tone * 2, tone, -6.0)
    assert abs(float(loud.abs().max()) - 1) < 1e-6


def test_silence_has_a_reference_level(tone):
    mixed = p.mix(torch.zeros(16000), tone, 0.0)
    assert abs(math.sqrt(power(mixed)) - 0.1) < 1e-6
    assert torch.equal(p.mix(tone, torch.zeros(5), 0.0), tone)


def test_noise_has_unit_power_and_its_colour():
    generator = torch.Generator().manual_seed(0)
    white = p.noise(1 << 16, 'white', generator)
    pink = p.noise(1 << 16, 'pink', generator)
    for wave in (white, pink):
        assert abs(power(wave) - 1) < 1e-5

    def octaves(wave):
        spectrum = torch.fft.rfft(wave).abs().square()
        sums = [spectrum[2**k : 2 ** (k + 1)].sum() for k in range(8, 15)]
        return torch.stack(sums).log2().diff().mean()

    # Power an octave doubles in white noise, stays in pink noise.
    assert abs(float(octaves(white)) - 1) < 0.1
    assert abs(float(octaves(pink))) < 0.1
    with pytest.raises(ValueError, match="'white', 'pink'.*'brown'"):
        p.noise(10, 'brown')


def test_noise_is_repeatable(tone):
    a, b, c = (
        p.add_noise(tone, 10, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(a, b) and not torch.equal(a, c)
    ratio = power(tone) / power(a - tone)
    assert abs(10 * math.log10(ratio) - 10) < 0.01


@pytest.mark.parametrize(
    'samples, expected',
    [
        (1, [0, 1, 2, 3]),
        (-1, [2, 3, 4, 0]),
        (0, [1, 2, 3, 4]),
        (9, [0, 0, 0, 0]),
        (-9, [0, 0, 0, 0]),
    ],
)
def test_shift(samples, expected):
    wave = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert p.shift(wave, samples).tolist() == expected
    assert wave.tolist() == [1, 2, 3, 4]


def test_channels_are_changed_alike(tone):
    """Two channels are moved and fitted one by one, and get one noise."""
    pair = torch.stack([tone, tone.flip(0) / 2])
    for change in (
        p.mute,
        lambda w: p.shift(w, 300),
        lambda w: p.shift(w, -300),
        lambda w: p.shift(w, 20000),
        lambda w: p.fit_length(w, 20001),
        lambda w: p.fit_length(w, 7),
    ):
        assert torch.equal(change(pair), torch.stack([*map(change, pair)]))
    noisy = p.add_noise(pair, 20.0, 'pink', torch.Generator().manual_seed(0))
    added = noisy - pair
    assert torch.allclose(added[0], added[1], atol=1e-6)
    ratio = 10 * math.log10(power(pair) / power(added))
    assert abs(ratio - 20) < 0.01
    # not a pair of samples over and over
    assert added[0].unique().numel() > 10000
