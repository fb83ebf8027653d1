import numpy as np
import pytest
import torch
from scipy.io import wavfile

from mmavs.audio import read_sound, read_sound_track
from mmavs.testing.media import write_test_video

BLACK = np.zeros((10, 32, 32, 3), np.uint8)


def tone(rate: int, seconds: float = 1.0, level: float = 0.5) -> np.ndarray:
    times = np.arange(round(rate * seconds)) / rate
    return level * np.sin(2 * np.pi * 440 * times)


@pytest.mark.parametrize('rate, channels', [(16000, 1), (44100, 2)])
def test_sound_of_a_video(tmp_path, rate, channels):
    sound = np.stack([tone(rate)] * channels)
    path = write_test_video(
        tmp_path / 'clip.mp4', BLACK, sound=sound, sample_rate=rate
    )
    waveform = read_sound_track(path, 'clip.mp4')
    assert waveform.dtype == torch.float32
    assert 16000 <= len(waveform) < 17100  # the codec pads the end
    expected = tone(16000)[2000:14000]
    assert np.abs(waveform.numpy()[2000:14000] - expected).max() < 0.02
    # 16-bit steps, as a wav file made by ffmpeg has
    steps = waveform * 32768
    assert torch.equal(steps, steps.round())


def test_stereo_is_averaged(tmp_path):
    sound = np.stack([tone(16000), np.zeros(16000)])
    path = write_test_video(tmp_path / 'clip.mp4', BLACK, sound=sound)
    waveform = read_sound_track(path, 'clip.mp4').numpy()[2000:14000]
    expected = tone(16000, level=0.25)[2000:14000]
    assert np.abs(waveform - expected).max() < 0.02


def test_any_file_is_read(tmp_path):
    samples = (tone(48000) * 32767).astype(np.int16)
    wavfile.write(tmp_path / 'clip.wav', 48000, samples)
    renamed = tmp_path / 'clip.sound'
    renamed.write_bytes((tmp_path / 'clip.wav').read_bytes())
    video = write_test_video(tmp_path / 'clip.mp4', sound=tone(16000)[None])
    for path in (tmp_path / 'clip.wav', renamed, video):
        waveform = read_sound(path)
        error = waveform.numpy()[2000:14000] - tone(16000)[2000:14000]
        assert np.abs(error).max() < 0.02, path


def test_late_sound_is_preceded_by_silence(tmp_path):
    import av

    source = write_test_video(
        tmp_path / 'clip.mp4', BLACK, sound=tone(16000)[None]
    )
    late = tmp_path / 'late.mp4'
    with av.open(str(source)) as old, av.open(str(late), 'w') as new:
        streams = {s: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == 'audio':
                delay = round(0.5 / packet.time_base)
                packet.pts, packet.dts = packet.pts + delay, packet.dts + delay
            packet.stream = streams[packet.stream]
            new.mux(packet)
    waveform = read_sound_track(late, 'late.mp4').numpy()
    expected = tone(16000)[2000:14000]
    start = 8000 + 2000
    # An edit list may count the codec's delay (1024 samples) or not.
    best = min(
        np.abs(waveform[start + shift : start + shift + 12000] - expected)
        .max()
        .item()
        for shift in range(-1100, 1100)
    )
    assert np.abs(waveform[:6000]).max() < 1e-3 and best < 0.02


def test_bad_files_are_named(tmp_path):
    silent = write_test_video(tmp_path / 'silent.mp4', BLACK)
    with pytest.raises(ValueError, match='silent.mp4 holds no sound.*Mend'):
        read_sound(silent)
    whole = write_test_video(tmp_path / 'whole.mp4', sound=tone(16000)[None])
    cut = tmp_path / 'cut.mp4'
    cut.write_bytes(whole.read_bytes()[:-300])
    with pytest.raises(
        ValueError, match='cut.mp4 is not a video or sound.*Fix'
    ):
        read_sound(cut)
    with pytest.raises(FileNotFoundError, match='absent.mp4'):
        read_sound(tmp_path / 'absent.mp4')
    (tmp_path / 'empty.mp3').write_bytes(b'')
    with pytest.raises(ValueError, match='empty.mp3.*Fix'):
        read_sound(tmp_path / 'empty.mp3')
