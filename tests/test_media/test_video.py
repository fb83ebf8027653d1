import cv2
import numpy as np
import pytest

from mmavs.media.video import read_frames
from mmavs.testing.media import write_test_video


def counted(count: int) -> np.ndarray:
    """Pictures that show their number as eight black or white stripes."""
    bits = (np.arange(count)[:, None] >> np.arange(8)) & 1
    rows = np.repeat(bits * 255, 8, axis=1).astype(np.uint8)
    return np.tile(rows[:, None, :, None], (1, 32, 1, 3))


def numbers(frames: list) -> list:
    stripes = [frame.mean((0, 2)).reshape(8, 8).mean(1) for frame in frames]
    return [int(((s > 128) << np.arange(8)).sum()) for s in stripes]


@pytest.mark.parametrize(
    'fps, expected',
    [
        (10, [9, 19, 29]),  # int((l + 15/16) * 10)
        (7.288, [6, 13, 20]),  # rounded to 7
        (29.97, [28, 58, 88]),
    ],
)
def test_pictures_by_index_follow_the_released_rule(tmp_path, fps, expected):
    path = write_test_video(tmp_path / 'clip.mp4', counted(100), fps=fps)
    assert numbers(read_frames(path, 3)) == expected


def test_pictures_by_time_of_a_variable_rate(tmp_path):
    # 20 pictures in the first half second, one at 0.9 s, one at 1.5 s
    times = [*range(0, 500, 25), 900, 1500, 2500]
    path = write_test_video(
        tmp_path / 'clip.mp4', counted(len(times)), times_ms=times
    )
    # shown at 0.9375 s: the one of 0.9 s (20); at 1.9375 s: of 1.5 s (21)
    assert numbers(read_frames(path, 3, 'time')) == [20, 21, 22]


def test_both_rules_agree_at_a_whole_constant_rate(tmp_path):
    path = write_test_video(tmp_path / 'clip.mp4', counted(80), fps=16)
    for index, time in zip(read_frames(path, 5), read_frames(path, 5, 'time')):
        np.testing.assert_array_equal(index, time)


def test_equal_to_opencv(tmp_path):
    rng = np.random.RandomState(0)
    small = rng.randint(0, 255, (30, 6, 8, 3)).astype(np.uint8)
    pictures = np.stack([cv2.resize(picture, (96, 64)) for picture in small])
    path = write_test_video(tmp_path / 'clip.mp4', pictures)
    ours = read_frames(path, 3, size=(40, 40))
    capture, theirs = cv2.VideoCapture(str(path)), []
    for count in range(30):
        picture = capture.read()[1]
        if count in (9, 19, 29):
            theirs.append(cv2.resize(picture, (40, 40)))
    np.testing.assert_array_equal(np.stack(ours), np.stack(theirs))


@pytest.mark.parametrize('turns, side', [(1, 'top'), (2, 'right'), (3, 'low')])
def test_rotated_videos_come_upright(tmp_path, turns, side):
    picture = np.zeros((32, 48, 3), np.uint8)
    picture[:, :24] = 200  # bright to the left
    pictures = np.stack([picture] * 10)
    path = write_test_video(tmp_path / 'clip.mp4', pictures, rotation=turns)
    (frame,) = read_frames(path, 1)
    bright = {
        'top': frame[: len(frame) // 2],
        'low': frame[len(frame) // 2 :],
        'right': frame[:, frame.shape[1] // 2 :],
    }[side]
    assert frame.shape[:2] == ((48, 32) if turns % 2 else (32, 48))
    assert bright.mean() > 180 and frame.mean() < 110


def test_a_last_second_that_is_not_whole_gives_its_last_picture(tmp_path):
    path = write_test_video(tmp_path / 'clip.mp4', counted(45))
    assert numbers(read_frames(path, 5))[-1] == 44
    assert numbers(read_frames(path, 5, 'time'))[-1] == 44


@pytest.mark.parametrize('sampling', ['index', 'time'])
def test_a_video_that_ends_early_is_an_error(tmp_path, sampling):
    path = write_test_video(tmp_path / 'clip.mp4', counted(40))
    with pytest.raises(ValueError, match='lasts for 4.00 s.*5.*Fix'):
        read_frames(path, 5, sampling)


def test_bad_files_are_named(tmp_path):
    tone = np.zeros((1, 16000))
    sound = write_test_video(tmp_path / 'sound.mp4', sound=tone)
    with pytest.raises(ValueError, match='sound.mp4 has no pictures.*Fix'):
        read_frames(sound, 1)
    text = tmp_path / 'text.mp4'
    text.write_text('no video at all')
    with pytest.raises(ValueError, match='text.mp4 is not a video.*Fix'):
        read_frames(text, 1)
    whole = write_test_video(tmp_path / 'whole.mp4', counted(20))
    cut = tmp_path / 'cut.mp4'
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match='cut.mp4'):
        read_frames(cut, 2)
    with pytest.raises(FileNotFoundError, match='absent.mp4'):
        read_frames(tmp_path / 'absent.mp4', 1)
    with pytest.raises(ValueError, match="'index', 'time'"):
        read_frames(whole, 1, 'second')
