"""The overlay video: its pictures, their times, its sound."""

from fractions import Fraction

import av
import numpy as np
import pytest
from scipy.io import wavfile

from mmavs.media import video_writer
from mmavs.media.sound_sources import SoundFile
from mmavs.media.video import VideoPictures
from mmavs.media.video_writer import VideoWriter, find_encoder, kind_of
from mmavs.testing.media import write_test_video


def grey(level, size=(48, 64)):
    return np.full((*size, 3), level, np.uint8)


def write(path, levels, times, size=(48, 64), **options):
    with VideoWriter(path, size, Fraction(10), **options) as writer:
        for level, time in zip(levels, times):
            writer.write(grey(level, size), time, 0.1)


def codecs(path):
    with av.open(str(path)) as container:
        return [s.codec_context.name for s in container.streams]


def test_pictures_keep_level_and_time(tmp_path):
    levels, times = [30, 90, 150, 210], [0, 0.1, 0.7, 0.75]
    write(tmp_path / 'a.mp4', levels, times)
    assert codecs(tmp_path / 'a.mp4') == ['h264']
    pictures = list(VideoPictures(tmp_path / 'a.mp4'))
    assert [p.time for p in pictures] == pytest.approx(times, abs=1e-4)
    found = [p.read().mean() for p in pictures]
    assert found == pytest.approx(levels, abs=5)


def test_odd_sizes_grow_by_a_pixel(tmp_path):
    write(tmp_path / 'a.mp4', [99], [0], size=(47, 63))
    assert VideoPictures(tmp_path / 'a.mp4').size == (48, 64)


def noise(seconds, rate):
    generator = np.random.default_rng(0)
    return generator.uniform(-0.5, 0.5, (1, seconds * rate)).astype('f4')


def test_sound_is_copied_untouched(tmp_path):
    source = write_test_video(
        tmp_path / 'in.mp4', np.stack([grey(0)] * 20), sound=noise(2, 16000)
    )
    write(
        tmp_path / 'out.mp4',
        [10] * 20,
        [i / 10 for i in range(20)],
        sound=SoundFile(source),
    )
    assert codecs(tmp_path / 'out.mp4') == ['h264', 'aac']
    before = SoundFile(source).open().read(0, 2)
    after = SoundFile(tmp_path / 'out.mp4').open().read(0, 2)
    assert before.abs().max() > 0.1
    assert (before - after).abs().max() < 1e-6


def test_sound_moves_with_the_first_picture(tmp_path):
    """A video whose pictures start 0.5 s into its clock."""
    samples = np.zeros((1, 32000), np.float32)
    samples[:, 16000:16800] = 0.8 * np.sin(np.arange(800))  # at 1 s
    source = write_test_video(
        tmp_path / 'in.mp4', np.stack([grey(0)] * 5), sound=samples
    )
    write(
        tmp_path / 'out.mp4',
        [10] * 15,
        [i / 10 for i in range(15)],
        sound=SoundFile(source, 0.5),
    )
    heard = SoundFile(tmp_path / 'out.mp4').open().read(0, 1).abs().numpy()
    assert abs(np.flatnonzero(heard > 0.3)[0] - 8000) < 400


@pytest.mark.parametrize('rate', [7000, 16000, 48000])
@pytest.mark.parametrize('channels', [1, 2])
def test_other_sound_is_encoded(tmp_path, rate, channels):
    times = np.arange(2 * rate) / rate
    tone = 0.5 * np.sin(2 * np.pi * 440 * times)
    tone[: rate // 2] = 0
    wavfile.write(
        tmp_path / 'in.wav',
        rate,
        np.stack([tone] * channels, 1).astype(np.float32),
    )
    write(
        tmp_path / 'out.mp4',
        [10] * 20,
        [i / 10 for i in range(20)],
        sound=SoundFile(tmp_path / 'in.wav'),
    )
    assert codecs(tmp_path / 'out.mp4') == ['h264', 'aac']
    sound = SoundFile(tmp_path / 'out.mp4').open()
    heard = sound.read(0, 2).abs().numpy()
    begins = np.flatnonzero(heard > 0.2)[0] / sound.sample_rate
    assert begins == pytest.approx(0.5, abs=0.07)
    assert heard.max() == pytest.approx(0.5, abs=0.1)


def test_no_encoder_is_said(monkeypatch):
    assert find_encoder(kind_of('a.mp4')) in video_writer.ENCODERS
    monkeypatch.setattr(video_writer, 'ENCODERS', ('no-such-encoder',))
    with pytest.raises(RuntimeError, match='no H.264 encoder.*Fix'):
        find_encoder(kind_of('a.mp4'))
