import struct

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from mmavs.audio import decode_wav, read_wav


def pcm_bytes(samples: np.ndarray, rate: int, bits: int) -> bytes:
    """A PCM wav file from integers (S, channels) of ``bits`` bits."""
    channels, width = samples.shape[1], bits // 8
    if bits == 8:  # unsigned
        body = (samples + 128).astype(np.uint8).tobytes()
    else:
        wide = samples.astype('<i8').reshape(-1, 1).view(np.uint8)
        body = wide.reshape(-1, 8)[:, :width].tobytes()
    header = struct.pack(
        '<4sI4s4sIHHIIHH4sI',
        b'RIFF',
        36 + len(body),
        b'WAVE',
        b'fmt ',
        16,
        1,
        channels,
        rate,
        rate * channels * width,
        channels * width,
        bits,
        b'data',
        len(body),
    )
    return header + body


@pytest.mark.parametrize('bits', [8, 16, 24, 32])
def test_every_bit_depth_reads_at_full_scale_one(tmp_path, bits):
    top = 2 ** (bits - 1)
    values = np.array([[0], [top // 2], [-top], [top - 1], [-1]])
    path = tmp_path / 'clip.wav'
    path.write_bytes(pcm_bytes(values, 16000, bits))
    waveform, rate = read_wav(path)
    assert rate == 16000 and waveform.dtype == torch.float32
    expected = (values[:, 0] / top).astype(np.float32)
    np.testing.assert_array_equal(waveform[0].numpy(), expected)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_float_files_are_taken_as_they_are(tmp_path, dtype):
    values = np.array([0, 0.25, -1, 1.5], dtype)
    wavfile.write(tmp_path / 'clip.wav', 8000, values)
    waveform, rate = read_wav(tmp_path / 'clip.wav')
    assert rate == 8000
    assert waveform.tolist() == [[0, 0.25, -1, 1.5]]


def test_six_channels_come_channels_first(tmp_path):
    values = np.arange(60, dtype=np.int16).reshape(10, 6)
    wavfile.write(tmp_path / 'clip.wav', 48000, values)
    waveform, _ = read_wav(tmp_path / 'clip.wav')
    assert waveform.shape == (6, 10)
    np.testing.assert_array_equal((waveform * 32768).numpy(), values.T)


def test_unknown_chunks_are_harmless():
    data = pcm_bytes(np.full((50, 1), 100), 16000, 16)
    tagged = data + struct.pack('<4sI4s', b'LIST', 4, b'INFO')
    tagged = tagged[:4] + struct.pack('<I', len(tagged) - 8) + tagged[8:]
    assert decode_wav(tagged, 'clip.wav')[0].shape == (1, 50)


def with_lengths(data: bytes, riff: int, size: int) -> bytes:
    """The same file, stating other lengths of itself and its samples."""
    riff, size = struct.pack('<I', riff), struct.pack('<I', size)
    return data[:4] + riff + data[8:40] + size + data[44:]


@pytest.mark.parametrize(
    'riff, size',
    [
        (0xFFFFFFFF, 0xFFFFFFFF),  # ffmpeg
        (0x7FFFF024, 0x7FFFF000),  # SoX
        (0x7FFFFFFF, 0x7FFFFFFF),
        (0x80000024, 0x80000000),  # arecord
        (0, 0),
        (36, 0),
        (0, 100),
    ],
)
@pytest.mark.parametrize('surplus', [b'', b'\1'])
def test_a_piped_file_of_open_length_is_read(riff, size, surplus):
    values = np.arange(-25, 25)[:, None]
    whole = pcm_bytes(values, 16000, 16)
    data = with_lengths(whole, riff, size) + surplus
    waveform, rate = decode_wav(data, 'clip.wav')
    assert rate == 16000
    assert (waveform[0] * 32768).tolist() == values[:, 0].tolist()


def test_samples_of_a_closed_file_end_where_it_says():
    data = with_lengths(pcm_bytes(np.ones((50, 1)), 16000, 16), 136, 40)
    assert decode_wav(data, 'clip.wav')[0].shape == (1, 20)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='absent.wav.*Fix'):
        read_wav(tmp_path / 'absent.wav')


GOOD = pcm_bytes(np.full((800, 1), 100), 16000, 16)
MU_LAW = GOOD[:20] + struct.pack('<H', 7) + GOOD[22:]
NO_CHANNELS = GOOD[:22] + struct.pack('<H', 0) + GOOD[24:]
MANY_CHANNELS = GOOD[:22] + struct.pack('<H', 65535) + GOOD[24:]
SEVEN_BITS = GOOD[:34] + struct.pack('<H', 7) + GOOD[36:]


@pytest.mark.parametrize(
    'data, message',
    [
        (b'', 'is empty'),
        (b'no sound at all', 'not a readable wav'),
        (GOOD[:30], 'clip.wav is'),
        (GOOD[:44] + GOOD[44:1000], 'truncated'),
        (GOOD[:44] + GOOD[44:1001], 'clip.wav is'),
        (pcm_bytes(np.zeros((0, 1)), 16000, 16), 'zero length'),
        (pcm_bytes(np.ones((9, 1)), 0, 16), 'sample rate of 0 Hz'),
        (pcm_bytes(np.ones((9, 1)), 1, 16), '1 Hz; sound has 1000 to 1000000'),
        (pcm_bytes(np.ones((9, 1)), 2**30, 16), 'of 1073741824 Hz'),
        (NO_CHANNELS, '0 channels'),
        (MANY_CHANNELS, '65535 channels of 16 bits do not fit into 2 bytes'),
        (SEVEN_BITS, '1 channels of 7 bits do not fit into 2 bytes'),
        (MU_LAW, 'not a readable wav'),
    ],
    ids=[
        'empty',
        'text',
        'half-a-header',
        'truncated',
        'truncated-within-a-sample',
        'zero-length',
        'rate-0',
        'rate-1',
        'rate-2**30',
        'no-channels',
        'many-channels',
        'seven-bits',
        'mu-law',
    ],
)
def test_bad_files_are_named_with_a_fix(data, message):
    with pytest.raises(ValueError, match=message) as caught:
        decode_wav(data, 'clip.wav')
    assert 'clip.wav' in str(caught.value) and 'Fix' in str(caught.value)


@pytest.mark.parametrize(
    'bad, message',
    [
        (np.nan, '2 samples that are NaN'),
        (np.inf, '2 samples that are NaN or inf'),
        (12000.0, 'divide by 32768'),
    ],
)
def test_bad_float_samples_are_refused(tmp_path, bad, message):
    values = np.zeros(100, np.float32)
    values[[3, 50]] = bad
    wavfile.write(tmp_path / 'clip.wav', 16000, values)
    with pytest.raises(ValueError, match=message) as caught:
        read_wav(tmp_path / 'clip.wav')
    assert 'clip.wav' in str(caught.value)
