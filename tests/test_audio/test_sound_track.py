from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from scipy.io import wavfile

from mmavs.audio import read_sound, read_sound_track
from mmavs.audio.sound_track import SoundTrack
from mmavs.media.sound_sources import SoundFile
from mmavs.testing.media import cut_off, remux, write_test_video

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


@pytest.mark.parametrize('rate', [16000, 44100])
def test_left_and_right_are_kept(tmp_path, rate):
    """One channel comes twice, at its own level, and by time the same."""
    left = tone(rate)
    for right in (np.zeros(rate), left, None):
        sound = left[None] if right is None else np.stack([left, right])
        path = write_test_video(
            tmp_path / 'clip.mp4', BLACK, sound=sound, sample_rate=rate
        )
        waveform = read_sound_track(path, 'clip.mp4', channels=2)
        assert waveform.dtype == torch.float32 and len(waveform) == 2
        found = waveform.numpy()[:, 2000:14000]
        expected = tone(16000)[2000:14000]
        assert np.abs(found[0] - expected).max() < 0.03
        level = 1 if right is None or right.any() else 0
        assert np.abs(found[1] - level * expected).max() < 0.03
        reader = SoundFile(path).open(channels=2)
        assert torch.equal(reader.read(0.5, 0.25), waveform[:, 8000:12000])
        outside = reader.read(-0.25, 0.5)
        assert outside.shape == (2, 8000) and not outside[:, :4000].any()
        assert torch.equal(outside[:, 4000:], waveform[:, :4000])


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


def beeps(*seconds, length=5.0):
    """Sound that is loud for 0.1 s from each of these seconds on."""
    times = np.arange(round(16000 * length)) / 16000
    loud = [(second <= times) & (times < second + 0.1) for second in seconds]
    return (np.any(loud, 0) * 0.8 * np.sin(2500 * times)).astype('f4')[None]


def starts(waveform) -> list:
    """Seconds at which loud stretches begin."""
    loud = np.flatnonzero(np.abs(np.asarray(waveform)) > 0.2) / 16000
    return loud[np.diff(loud, prepend=-1) > 0.2].tolist()


def heard(path) -> list:
    """What training and inference hear of a file: the same."""
    whole = read_sound_track(path, path.name)
    reader = SoundFile(path).open()
    read = reader.read(0, len(whole) / 16000)
    reader.close()
    assert torch.equal(read, whole)
    return starts(whole)


@pytest.mark.parametrize('suffix', ['mp4', 'mkv', 'ts'])
def test_sound_after_a_hole_comes_at_its_time(tmp_path, suffix):
    sound = beeps(0.5, 1.5, 2.5, 3.5)
    source = write_test_video(tmp_path / 'clip.mp4', BLACK, sound=sound)
    path = remux(
        write_test_video(tmp_path / 'sound.mp4', sound=sound)
        if suffix == 'ts'
        else source,
        tmp_path / f'hole.{suffix}',
        lambda second: 1.0 if second > 2 else 0.0,
    )
    assert heard(path) == pytest.approx([0.5, 1.5, 3.5, 4.5], abs=0.07)
    whole = read_sound_track(path, 'hole')
    assert whole[33200:48000].abs().max() == 0  # silence in between


def test_late_sound_is_preceded_by_silence(tmp_path):
    source = write_test_video(
        tmp_path / 'clip.mp4', BLACK, sound=beeps(0, 2, length=3)
    )
    late = remux(source, tmp_path / 'late.mp4', lambda second: 0.5)
    # an edit list may count the codec's delay (0.064 s) or not
    assert heard(late) == pytest.approx([0.5, 2.5], abs=0.07)
    assert read_sound_track(late, 'late.mp4')[:6800].abs().max() == 0


def test_a_codecs_delay_is_not_counted(tmp_path):
    """Below 0.1 s, second 0 is the first sample, for all that follows."""
    source = write_test_video(tmp_path / 'clip.mp4', BLACK, sound=beeps(1, 3))
    late = remux(source, tmp_path / 'late.mkv', lambda second: 0.09)
    assert torch.equal(
        read_sound_track(late, 'late.mkv'),
        read_sound_track(remux(source, tmp_path / 'same.mkv'), 'same.mkv'),
    )


def write_pieces(path, pieces, kind='s16', layout='mono', pictures=0):
    """Write sound as it is stored: (second, samples (S,)) one by one."""
    with av.open(str(path), 'w') as container:
        if pictures:
            video = container.add_stream('mpeg4', rate=10)
            video.width = video.height = 32
            video.pix_fmt = 'yuv420p'
        sound = container.add_stream(
            f'pcm_{kind}le', rate=16000, layout=layout
        )
        for _ in range(pictures):
            frame = av.VideoFrame.from_ndarray(BLACK[0], format='bgr24')
            container.mux(video.encode(frame))
        form = {'s16': 's16', 'f32': 'flt', 'f64': 'dbl'}[kind]
        for second, samples in pieces:
            frame = av.AudioFrame.from_ndarray(samples[None], form, layout)
            frame.sample_rate = 16000
            frame.pts, frame.time_base = (
                round(16000 * second),
                Fraction(1, 16000),
            )
            container.mux(sound.encode(frame))
        for stream in container.streams:
            container.mux(stream.encode(None))
    return path


def numbered(piece: int) -> np.ndarray:
    """A second of samples: 1000 times the piece, and their place / 100."""
    return (1000 * piece + np.arange(16000) // 100).astype(np.int16)


def places(path, *seconds) -> list:
    waveform = read_sound_track(path, path.name) * 32768
    reader = SoundFile(path).open()
    assert torch.equal(reader.read(0, 2) * 32768, waveform[:32000])
    reader.close()
    return [int(waveform[int(16000 * second)]) for second in seconds]


def test_every_sample_is_at_its_time(tmp_path):
    pieces = [(0, numbered(1)), (1.5, numbered(2)), (2.5, numbered(3))]
    path = write_pieces(tmp_path / 'gap.mkv', pieces, pictures=40)
    assert places(path, 0, 0.5, 1, 1.49, 1.5, 2.25, 3) == [
        *(1000, 1080, 0, 0, 2000, 2120, 3080)
    ]


def test_sound_that_overlaps_is_left_out(tmp_path):
    pieces = [(0, numbered(1)), (0.5, numbered(2)), (1.5, numbered(3))]
    path = write_pieces(tmp_path / 'overlap.mkv', pieces, pictures=40)
    assert places(path, 0.5, 0.99, 1, 1.25, 1.5, 2) == [
        *(1080, 1158, 2080, 2120, 3000, 3080)
    ]


def test_sound_before_the_first_picture_is_cut(tmp_path):
    pieces = [(0, numbered(1)), (1, numbered(2)), (2, numbered(3))]
    path = write_pieces(tmp_path / 'whole.mkv', pieces)
    with SoundTrack(path, 'whole.mkv', start=1.25) as track:
        waveform = np.concatenate(list(track)) * 32768
    assert len(waveform) == 28000
    assert waveform[[0, 12000]].tolist() == [2040, 3000]
    with SoundTrack(path, 'whole.mkv', start=1.25, channels=2) as track:
        pair = np.concatenate(list(track), axis=1) * 32768
    assert np.array_equal(pair, [waveform, waveform])


@pytest.mark.parametrize(
    'pieces, message',
    [
        ([0, 602], 'forward by 601 s'),
        ([0, *range(1, 1300, 101)], 'forward by 700 s'),  # altogether
    ],
)
def test_leaping_time_stamps_are_refused(tmp_path, pieces, message):
    pieces = [(second, numbered(1)) for second in pieces]
    path = write_pieces(tmp_path / 'leap.mkv', pieces)
    with pytest.raises(
        ValueError, match=f'leap.mkv: time stamps leap {message}'
    ):
        read_sound_track(path, 'leap.mkv')


def test_time_stamps_that_begin_anew_are_refused(tmp_path):
    """As in recordings that were put together byte by byte."""
    sound = write_test_video(tmp_path / 'a.mp4', sound=beeps(1))
    data = remux(sound, tmp_path / 'a.ts').read_bytes()
    (tmp_path / 'twice.ts').write_bytes(data + data)
    with pytest.raises(
        ValueError, match='twice.ts: time stamps leap back by 5'
    ):
        read_sound_track(tmp_path / 'twice.ts', 'twice.ts')


@pytest.mark.parametrize('kind', ['f32', 'f64'])
@pytest.mark.parametrize(
    'bad, message',
    [
        (np.nan, '1 samples that are NaN'),
        (np.inf, 'NaN or inf'),
        (99, 'to 99'),
    ],
)
def test_samples_that_are_none_are_refused(tmp_path, kind, bad, message):
    samples = np.zeros(16000, dict(f32=np.float32, f64=np.float64)[kind])
    samples[9000] = bad
    path = write_pieces(tmp_path / 'bad.mkv', [(0, samples)], kind)
    for read in (read_sound, lambda p: SoundFile(p).open().read(0, 1)):
        with pytest.raises(ValueError, match=f'bad.mkv holds .*{message}'):
            read(path)


def test_so_many_channels_are_averaged(tmp_path):
    samples = np.tile(np.arange(20, dtype=np.int16) * 100, (16000, 1))
    wavfile.write(tmp_path / 'crowd.wav', 16000, samples)
    found = read_sound_track(tmp_path / 'crowd.wav', 'crowd.wav')
    assert (found * 32768).tolist() == [950] * 16000
    found = read_sound_track(tmp_path / 'crowd.wav', 'crowd.wav', channels=2)
    assert (found * 32768).unique(dim=1).tolist() == [[0], [100]]


def test_channels_may_change(tmp_path):
    """As where two recordings follow each other in one stream."""
    left = np.stack([beeps(0.5)[0], np.zeros(80000, np.float32)])
    parts = []
    for name, sound in (('mono', beeps(1)), ('stereo', 2 * left)):
        source = write_test_video(tmp_path / f'{name}.mp4', sound=sound)
        delay = 5.12 * len(parts)
        part = remux(source, tmp_path / f'{name}.ts', lambda _, d=delay: d)
        parts.append(part.read_bytes())
    (tmp_path / 'both.ts').write_bytes(b''.join(parts))
    assert heard(tmp_path / 'both.ts') == pytest.approx([1, 5.6], abs=0.1)
    left, right = read_sound(tmp_path / 'both.ts', channels=2)
    assert starts(left) == pytest.approx([1, 5.6], abs=0.1)
    assert starts(right) == pytest.approx([1], abs=0.1)


def test_sound_that_is_cut_off_is_named(tmp_path):
    source = write_test_video(tmp_path / 'a.mp4', BLACK, sound=beeps(0.5, 3))
    cut = cut_off(source, tmp_path / 'cut.mp4', 0.9)
    message = r'cut.mp4 is cut off: its sound should last until 5.00 s, and '
    with pytest.raises(ValueError, match=message + r'ends at [1-4]\..*Fix: '):
        read_sound(cut)
    # what is needed of it may be there
    whole = read_sound_track(source, 'a.mp4')
    first = read_sound_track(cut, 'cut.mp4', seconds=1)
    assert starts(first) == pytest.approx([0.5], abs=0.07)
    assert torch.equal(first, whole[:16000])


def test_bad_files_are_named(tmp_path):
    silent = write_test_video(tmp_path / 'silent.mp4', BLACK)
    with pytest.raises(ValueError, match='silent.mp4 has no sound track.*Fix'):
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
