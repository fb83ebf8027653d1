import math

import numpy as np
import pytest
import torch

from mmavs.audio import vggish_log_mel
from mmavs.audio.log_mel import log_mel, mel_matrix
from mmavs.testing.golden import load_arrays, load_json

GOLDEN = load_arrays('audio_frontend')


def golden_wave(name: str) -> torch.Tensor:
    wave = GOLDEN[f'{name}__wave_i16'].astype(np.float32) / 32768
    return torch.from_numpy(wave.T.copy())


@pytest.mark.parametrize(
    'name',
    [
        'mono16k_5s',
        'stereo16k_5s',
        'silence16k_5s',
        'mono16k_10s',
        'impulse16k_5s',
    ],
)
def test_equals_the_released_front_end(name):
    ours = vggish_log_mel(golden_wave(name), 16000)
    expected = GOLDEN[f'{name}__logmel_f32'][:, None]
    assert ours.dtype == torch.float32 and not ours.requires_grad
    np.testing.assert_allclose(ours.numpy(), expected, rtol=0, atol=1e-5)


def test_resampled_sound_stays_within_the_stated_tolerance():
    ours = vggish_log_mel(golden_wave('mono44k1_5s'), 44100)
    expected = GOLDEN['mono44k1_5s__logmel_f32'][:, None]
    assert ours.shape == expected.shape
    distance = np.abs(ours.numpy() - expected)
    assert distance.max() < 2e-3 and distance.mean() < 1e-4


def test_resampling_is_the_only_difference():
    wave = torch.from_numpy(GOLDEN['mono44k1_5s__resampled_f32'])
    expected = GOLDEN['mono44k1_5s__logmel_f32'][:, None]
    ours = vggish_log_mel(wave, 16000).numpy()
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)


def test_mel_matrix_is_the_released_one():
    expected = GOLDEN['mel_matrix_257x64_f64']
    np.testing.assert_allclose(mel_matrix().numpy(), expected, atol=1e-12)


def test_number_of_examples_follows_the_released_table():
    table = load_json('audio_frontend')['n_samples_to_n_examples']
    found = {
        samples: len(vggish_log_mel(torch.zeros(int(samples)), 16000))
        for samples in table
    }
    assert found == table


def test_silence_is_the_log_of_the_offset():
    ours = vggish_log_mel(torch.zeros(16000), 16000)
    torch.testing.assert_close(ours, torch.full_like(ours, math.log(0.01)))


def test_float32_batches_agree_with_float64():
    pieces = torch.randn(3, 2, 15600) * 0.1
    ours = log_mel(pieces)
    assert ours.shape == (3, 2, 96, 64)
    expected = log_mel(pieces.double()).float()
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-4)


def test_no_pieces_give_no_spectra():
    assert log_mel(torch.zeros(0, 15600)).shape == (0, 96, 64)


def test_nan_is_refused():
    wave = torch.zeros(16000)
    wave[5] = float('nan')
    with pytest.raises(ValueError, match='NaN'):
        vggish_log_mel(wave, 16000)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_around_it_changes_nothing(dtype):
    pieces = torch.randn(2, 15600) * 0.1
    expected = log_mel(pieces)
    with torch.autocast('cpu', dtype):
        assert torch.equal(log_mel(pieces), expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_the_same_on_a_gpu():
    pieces = torch.randn(3, 15600) * 0.1
    ours = log_mel(pieces.cuda()).cpu()
    torch.testing.assert_close(ours, log_mel(pieces), rtol=0, atol=1e-3)
