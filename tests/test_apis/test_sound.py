"""Sound by time, whatever the file."""

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from mmavs.audio import read_wav, to_mono
from mmavs.media.sound_sources import SoundFile
from mmavs.media.sound_stream import warn_if_short
from mmavs.testing.media import write_test_video

RATE = 8000


def write_wav(path, seconds, channels=1, rate=RATE):
    """Samples that count upwards, so that places can be told."""
    samples = np.arange(int(seconds * rate), dtype=np.int16)
    samples = np.stack([samples] * channels, axis=1)
    samples[:, 1:] //= 2
    wavfile.write(path, rate, samples)
    return path


def test_pieces_are_the_samples_of_the_file(tmp_path):
    path = write_wav(tmp_path / 'a.wav', 3)
    whole = to_mono(read_wav(path)[0])
    sound = SoundFile(path).open(RATE)
    assert sound.sample_rate == RATE
    for start, seconds in ((0, 1), (0.25, 1.5), (1, 2), (0.5, 0.5)):
        first, length = int(start * RATE), int(seconds * RATE)
        piece = sound.read(start, seconds)
        assert torch.equal(piece, whole[first : first + length])
    sound.close()


def test_channels_are_averaged(tmp_path):
    path = write_wav(tmp_path / 'a.wav', 1, channels=2)
    expected = read_wav(path)[0].mean(dim=0)
    found = SoundFile(path).open(RATE).read(0, 1)
    assert (found - expected).abs().max() <= 1 / 32768


def test_outside_the_file_is_silence(tmp_path):
    path = write_wav(tmp_path / 'a.wav', 1.5)
    whole = to_mono(read_wav(path)[0])
    sound = SoundFile(path).open(RATE)
    before = sound.read(-0.5, 1)
    assert torch.equal(before[: RATE // 2], torch.zeros(RATE // 2))
    assert torch.equal(before[RATE // 2 :], whole[: RATE // 2])
    after = sound.read(1, 1)
    assert torch.equal(after[: RATE // 2], whole[RATE:])
    assert torch.equal(after[RATE // 2 :], torch.zeros(RATE // 2))
    assert sound.end == 1.5
    assert torch.equal(sound.read(5, 1), torch.zeros(RATE))


def test_start_moves_second_zero(tmp_path):
    path = write_wav(tmp_path / 'a.wav', 2)
    whole = to_mono(read_wav(path)[0])
    later = SoundFile(path, 0.5).open(RATE).read(0, 1)
    assert torch.equal(later, whole[RATE // 2 : 3 * RATE // 2])
    earlier = SoundFile(path, -0.5).open(RATE).read(0, 1)
    assert torch.equal(earlier[: RATE // 2], torch.zeros(RATE // 2))
    assert torch.equal(earlier[RATE // 2 :], whole[: RATE // 2])


def test_little_is_kept_of_long_sound(tmp_path):
    path = write_wav(tmp_path / 'a.wav', 30)
    whole = to_mono(read_wav(path)[0])
    sound = SoundFile(path).open(RATE, 2)
    for second in range(29):
        piece = sound.read(second, 1)
        assert torch.equal(piece, whole[second * RATE : (second + 1) * RATE])
        assert len(sound._buffer) <= 6 * RATE
    assert torch.equal(sound.read(27, 1), whole[27 * RATE : 28 * RATE])
    with pytest.raises(ValueError, match='no longer kept'):
        sound.read(0, 1)


def test_sound_of_a_video_is_in_its_place(tmp_path):
    beep = np.zeros((1, 16000), np.float32)
    beep[:, 8000:8800] = 0.8 * np.sin(np.arange(800))
    pictures = np.zeros((10, 32, 32, 3), np.uint8)
    path = write_test_video(tmp_path / 'a.mp4', pictures, sound=beep)
    found = SoundFile(path).open().read(0, 1).numpy()
    loud = np.flatnonzero(np.abs(found) > 0.3)
    # AAC's own delay is corrected by the decoder to within a few samples
    assert abs(loud[0] - 8000) < 160 and abs(loud[-1] - 8800) < 160


def test_errors_name_the_file(tmp_path):
    pictures = np.zeros((5, 32, 32, 3), np.uint8)
    silent = write_test_video(tmp_path / 'silent.mp4', pictures)
    with pytest.raises(ValueError, match='silent.mp4 has no sound track'):
        SoundFile(silent).open()
    empty = tmp_path / 'empty.wav'
    wavfile.write(empty, RATE, np.zeros(0, np.int16))
    with pytest.raises(ValueError, match='empty.wav'):
        SoundFile(empty).open()
    (tmp_path / 'text.wav').write_text('no sound at all')
    with pytest.raises(ValueError, match='text.wav is not a video or sound'):
        SoundFile(tmp_path / 'text.wav').open()
    with pytest.raises(FileNotFoundError, match='nowhere.wav'):
        SoundFile(tmp_path / 'nowhere.wav').open()


def test_short_sound_is_said(tmp_path, warned):
    sound = SoundFile(write_wav(tmp_path / 'short.wav', 1)).open()
    sound.read(0, 2)
    warn_if_short(sound, pictures_end=1.9)
    assert not warned
    warn_if_short(sound, pictures_end=2.1)
    assert len(warned) == 1
    assert 'short.wav: the sound ends at 1.0 s' in warned[0]
