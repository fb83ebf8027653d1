import numpy as np
import pytest
import torch

from mmavs.audio import beats_fbank
from mmavs.audio.fbank import fbank_of_segments
from mmavs.testing.golden import load_arrays, load_json

GOLDEN = load_arrays('audio_frontend')


@pytest.mark.parametrize('name', ['beats_s0', 'beats_s3'])
def test_equals_the_released_front_end(name):
    wave = GOLDEN[f'{name}__wave_i16'].astype(np.float32) / 32768
    ours = beats_fbank(torch.from_numpy(wave), 16000).numpy()
    expected = GOLDEN[f'{name}__fbank_norm_f32']
    assert ours.shape == expected.shape == (98, 128)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-4)


def test_silence_is_the_released_floor():
    value = load_json('audio_frontend')['beats_silence']['value']
    ours = beats_fbank(torch.zeros(16000), 16000)
    torch.testing.assert_close(ours, torch.full((98, 128), value))


@pytest.mark.parametrize('length', [400, 16000, 16050])
def test_a_batch_equals_one_by_one(length):
    pieces = torch.randn(3, length) * 0.1
    batch = fbank_of_segments(pieces)
    single = torch.stack([beats_fbank(p, 16000) for p in pieces])
    assert batch.shape == (3, 1 + (length - 400) // 160, 128)
    torch.testing.assert_close(batch, single, rtol=0, atol=1e-6)


def test_stereo_and_other_rates():
    tone = torch.sin(torch.arange(96000) * (2 * torch.pi * 1000 / 48000)) / 2
    ours = beats_fbank(torch.stack([tone, tone]), 48000)
    tone = torch.sin(torch.arange(32000) * (2 * torch.pi * 1000 / 16000)) / 2
    expected = beats_fbank(tone, 16000)
    assert ours.shape == expected.shape
    band = expected[50].argmax()
    assert ours[50].argmax() == band
    assert abs(float(ours[50, band] - expected[50, band])) < 1e-3


def test_sound_shorter_than_one_window_is_refused():
    with pytest.raises(ValueError, match='399 samples.*24.9 ms.*25 ms'):
        beats_fbank(torch.zeros(399), 16000)


def test_nan_is_refused():
    with pytest.raises(ValueError, match='NaN'):
        beats_fbank(torch.full((16000,), float('nan')), 16000)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_around_it_changes_nothing(dtype):
    pieces = torch.randn(2, 16000)
    expected = fbank_of_segments(pieces)
    with torch.autocast('cpu', dtype):
        assert torch.equal(fbank_of_segments(pieces), expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_the_same_on_a_gpu():
    pieces = torch.randn(3, 16000) * 0.1
    ours = fbank_of_segments(pieces.cuda()).cpu()
    torch.testing.assert_close(
        ours, fbank_of_segments(pieces), rtol=0, atol=1e-3
    )
