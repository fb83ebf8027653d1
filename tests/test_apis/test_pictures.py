"""Pictures of videos and folders, upright and in time."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from mmavs.media.picture_streams import (
    FolderPictures,
    VideoPictures,
    check_jump,
)
from mmavs.media.sources import find_media
from mmavs.testing.media import write_test_video


def flat(levels, size=(48, 64)):
    """One grey picture a level."""
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
    check_jump(tmp_path / 'a.ts', 599)
    with pytest.raises(ValueError, match='a.ts: time stamps leap'):
        check_jump(tmp_path / 'a.ts', 601)


def write_folder(folder, levels, names=None):
    folder.mkdir(parents=True)
    for i, picture in enumerate(flat(levels)):
        name = names[i] if names else f'{i}.png'
        cv2.imwrite(str(folder / name), picture)
    return folder


def test_folder_is_one_picture_a_second(tmp_path):
    names = ['2.png', '10.png', '1.png']
    folder = write_folder(tmp_path / 'clip', [20, 30, 10], names)
    media = find_media(folder)
    assert media.name == 'clip' and media.sound_path is None
    pictures = media.pictures
    assert pictures.size == (48, 64) and pictures.rate == Fraction(1)
    assert [p.time for p in pictures] == [0, 1, 2]
    assert [p.read()[0, 0, 0] for p in pictures] == [10, 20, 30]


def test_clip_folder_with_its_sound(tmp_path):
    write_folder(tmp_path / 'clip' / 'frames', [10, 20])
    (tmp_path / 'clip' / 'audio.wav').write_bytes(b'')
    media = find_media(tmp_path / 'clip')
    assert media.sound_path == tmp_path / 'clip' / 'audio.wav'
    (tmp_path / 'clip' / 'other.wav').write_bytes(b'')
    with pytest.raises(ValueError, match='2 sound files'):
        find_media(tmp_path / 'clip')
    chosen = find_media(tmp_path / 'clip', tmp_path / 'clip' / 'other.wav')
    assert chosen.sound_path.name == 'other.wav'
    with pytest.raises(FileNotFoundError, match='absent.wav'):
        find_media(tmp_path / 'clip', tmp_path / 'absent.wav')


def test_folder_errors(tmp_path):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='no picture in'):
        find_media(tmp_path / 'empty')
    folder = write_folder(tmp_path / 'mixed', [10, 20])
    cv2.imwrite(str(folder / '1.png'), np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(ValueError, match='1.png is 10 x 10'):
        [p.read() for p in FolderPictures(sorted(folder.iterdir()))]
    (folder / '0.png').write_bytes(b'no picture')
    with pytest.raises(ValueError, match='0.png is truncated or not a'):
        FolderPictures(sorted(folder.iterdir()))
