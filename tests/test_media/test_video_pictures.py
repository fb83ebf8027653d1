"""Pictures of a video: upright, in time, and all of them."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from mmavs.compat.av_files import check_jump
from mmavs.media.video import VideoPictures, read_frames
from mmavs.testing.media import (
    last_forever,
    remux,
    write_test_video,
)


def flat(levels, size=(48, 64)):
    """One grey picture per level."""
    return np.stack([np.full((*size, 3), v, np.uint8) for v in levels])


def test_video_gives_its_pictures_in_order(tmp_path):
    levels = [20, 60, 100, 140, 180, 220]
    path = write_test_video(tmp_path / 'a.mp4', flat(levels), fps=4)
    video = VideoPictures(path)
    assert video.size == (48, 64)
    assert video.rate == 4 and video.start == 0.0
    assert video.duration == pytest.approx(1.5)
    for _ in range(2):  # more than once
        pictures = list(video)
        times = [picture.time for picture in pictures]
        assert times == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1.25])
        found = [picture.read().mean() for picture in pictures]
        assert found == pytest.approx(levels, abs=6)


def test_time_stamps_of_a_variable_rate(tmp_path):
    times = [0, 40, 700, 710, 2500]
    path = write_test_video(tmp_path / 'a.mp4', flat([50] * 5), times_ms=times)
    found = [picture.time for picture in VideoPictures(path)]
    assert found == pytest.approx([t / 1000 for t in times], abs=1e-3)


@pytest.mark.parametrize('turns', [1, 2, 3])
def test_rotated_video_is_upright(tmp_path, turns):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32] = 250  # top left
    path = write_test_video(
        tmp_path / 'a.mp4', np.stack([picture] * 3), rotation=turns
    )
    video = VideoPictures(path)
    assert video.size == ((64, 48) if turns % 2 else (48, 64))
    shown = next(iter(video)).read()
    assert shown.shape[:2] == video.size
    expected = np.rot90(picture, -turns)  # clockwise
    assert np.abs(shown.astype(int) - expected).mean() < 12


def test_broken_and_wrong_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.mp4'):
        VideoPictures(tmp_path / 'nowhere.mp4')
    (tmp_path / 'text.mp4').write_text('no video at all')
    with pytest.raises(ValueError, match='text.mp4 is not a video'):
        VideoPictures(tmp_path / 'text.mp4')
    whole = write_test_video(tmp_path / 'a.mp4', flat([9] * 9)).read_bytes()
    (tmp_path / 'cut.mp4').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match='cut.mp4'):
        VideoPictures(tmp_path / 'cut.mp4')
    sound = np.zeros((1, 16000), np.float32)
    only_sound = write_test_video(tmp_path / 'sound.mp4', sound=sound)
    with pytest.raises(ValueError, match='sound.mp4 has no pictures'):
        VideoPictures(only_sound)


def test_leaping_time_stamps(tmp_path):
    check_jump('a.ts', 599)
    check_jump('a.ts', -0.9)
    with pytest.raises(ValueError, match='a.ts: time stamps leap forward by'):
        check_jump(tmp_path / 'a.ts', 601)
    with pytest.raises(ValueError, match='a.ts: time stamps leap back by 2'):
        check_jump(tmp_path / 'a.ts', -2)
    path = write_test_video(
        tmp_path / 'a.mp4', flat([9] * 3), times_ms=[0, 100, 601_000]
    )
    with pytest.raises(ValueError, match='a.mp4: time stamps leap forward by'):
        list(VideoPictures(path))


def noise(count, size=(48, 64)):
    shape = count, *size, 3
    return np.random.default_rng(0).integers(0, 255, shape, np.uint8)


@pytest.mark.parametrize('suffix', ['mp4', 'mkv'])
@pytest.mark.parametrize('pause', [0.1, 7, 590])
def test_every_picture_knows_how_long_it_stays(tmp_path, suffix, pause):
    times = [0, 100, 1000 * pause + 100, 1000 * pause + 300]
    source = write_test_video(
        tmp_path / 'a.mp4', flat([9] * 4), times_ms=times
    )
    video = VideoPictures(remux(source, tmp_path / f'b.{suffix}'))
    seconds = [picture.seconds for picture in video]
    # the last one stays for as long as the file says, not for the mean
    assert seconds == pytest.approx([0.1, pause, 0.2, 0.1], abs=0.002)
    end = pause + 0.4
    assert video.measure() == pytest.approx(end, abs=0.002)
    assert video.duration == pytest.approx(end, abs=0.002)
    assert video.missing is None


def test_the_last_picture_does_not_stay_forever(tmp_path):
    times = [0, 200, 400, 600, 2000]
    source = write_test_video(
        tmp_path / 'a.mp4', flat([9] * 5), times_ms=times
    )
    video = VideoPictures(last_forever(source))
    assert video.duration == 131072
    *_, last = video
    # but for as long as those before it on average
    assert last.time == 2 and last.seconds == pytest.approx(0.5)
    assert video.measure() == pytest.approx(2.5)
    assert video.missing is None
    only = write_test_video(tmp_path / 'b.mp4', flat([9]), fps=6)
    (picture,) = VideoPictures(last_forever(only))
    assert picture.seconds == 1


@pytest.mark.parametrize('suffix', ['mp4', 'mkv', 'avi', 'flv', 'webm'])
def test_what_a_cut_off_file_lacks(tmp_path, suffix):
    codec = dict(flv='flv', webm='libvpx').get(suffix, 'mpeg4')
    path = tmp_path / f'a.{suffix}'
    with av.open(str(path), 'w', options={'movflags': '+faststart'}) as file:
        stream = file.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        for picture in noise(50):
            frame = av.VideoFrame.from_ndarray(picture, format='bgr24')
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    whole = VideoPictures(path)
    pictures = list(whole)
    assert len(pictures) == 50 and whole.missing is None
    assert whole.measure() == pytest.approx(5, abs=0.01)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    cut = VideoPictures(path)
    assert cut.missing is None  # nobody knows yet
    times = [picture.time for picture in cut]
    assert len(times) < 40 and cut.missing == pytest.approx(
        (times[-1] + 0.1, 5), abs=0.02
    )
    again = VideoPictures(path)
    assert again.measure() == pytest.approx(times[-1] + 0.1, abs=0.01)
    assert again.missing == cut.missing
    # a picture that is half there is none
    last = list(cut)[-1].read()
    assert (last == pictures[len(times) - 1].read()).all()
    for sampling in ('index', 'time'):
        assert len(read_frames(path, 2, sampling)) == 2
        with pytest.raises(
            ValueError, match='is cut off: its pic.* 5.00 s.*F'
        ):
            read_frames(path, 5, sampling)


def test_a_shorter_track_is_not_cut_off(tmp_path):
    """Matroska states the length of all tracks together, too."""
    source = write_test_video(
        tmp_path / 'a.mp4', flat([9] * 20), sound=np.zeros((1, 80000))
    )
    for suffix in ('mp4', 'mkv', 'flv', 'ts'):
        path = source
        if suffix in ('mkv',):
            path = remux(source, tmp_path / f'b.{suffix}')
        video = VideoPictures(path)
        assert len(list(video)) == 20 and video.missing is None


def test_an_angle_that_is_none_is_refused(tmp_path, monkeypatch):
    path = write_test_video(tmp_path / 'a.mp4', flat([9] * 3), rotation=1)
    data = path.read_bytes()
    start = data.index(b'tkhd') + 44
    eighth = int(0.7071 * 65536)
    turn = [(eighth, eighth), (-eighth, eighth)]
    matrix = b''.join(
        a.to_bytes(4, 'big', signed=True)
        + b.to_bytes(4, 'big', signed=True)
        + bytes(4)
        for a, b in turn
    )
    path.write_bytes(data[:start] + matrix + data[start + 24 :])
    with pytest.raises(ValueError, match='a.mp4 is to be shown at an angle'):
        VideoPictures(path)


def test_pictures_of_another_size_are_fitted_to_the_first(tmp_path):
    path = tmp_path / 'a.mkv'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mjpeg', rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuvj420p'
        for index, (level, size) in enumerate(
            [(50, (48, 64)), (200, (24, 32))]
        ):
            data = cv2.imencode('.jpg', flat([level], size)[0])[1].tobytes()
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 10)
            packet.pts = packet.dts = index
            container.mux(packet)
    first, second = (picture.read() for picture in VideoPictures(path))
    assert first.shape == second.shape == (48, 64, 3)
    assert abs(first.mean() - 50) < 3 and abs(second.mean() - 200) < 3
