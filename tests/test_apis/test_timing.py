"""Which picture and which sound make which mask."""

import pytest

from mmavs.apis.timing import (
    ClipWindows,
    picture_time,
    pictures_of_masks,
    sound_start,
)
from mmavs.media.video import Picture


def chosen(times, fps, last_seconds):
    """Index of the picture of every mask."""
    ends = [*times[1:], times[-1] + last_seconds]
    pictures = [
        Picture(time, end - time, lambda: None)
        for time, end in zip(times, ends)
    ]
    found = pictures_of_masks(pictures, fps)
    masks, shown = zip(*found)
    assert masks == tuple(range(len(masks)))
    return [times.index(picture.time) for picture in shown]


@pytest.mark.parametrize('rate', [8, 10, 15, 24, 25, 30, 60])
def test_one_mask_a_second_takes_the_pictures_of_the_benchmark(rate):
    times = [i / rate for i in range(4 * rate)]
    # AVSBench's preprocessing: the last of 16 samples of each second
    released = [int(s * rate + 15 / 16 * rate) for s in range(4)]
    assert chosen(times, 1, 1 / rate) == released


def test_time_stamps_rounded_to_milliseconds_change_nothing():
    exact = [i / 30 for i in range(60)]
    rounded = [round(time, 3) for time in exact]
    assert chosen(rounded, 4, 1 / 30) == chosen(exact, 4, 1 / 30)


def test_variable_rate_takes_what_is_on_screen():
    # on screen at 0.9375, 1.9375 and 2.9375
    times = [0.0, 0.2, 0.95, 1.0, 1.9, 2.95]
    assert chosen(times, 1, 0.05) == [1, 4, 4]


def test_last_picture_stands_in_where_the_video_ends():
    # 2.2 s: the third second has pictures, but none at 2.9375
    times = [i / 10 for i in range(22)]
    assert chosen(times, 1, 0.1) == [9, 19, 21]
    # not a single mask more when it ends on the second
    assert len(chosen(times[:20], 1, 0.1)) == 2


def test_more_masks_than_pictures_repeat_pictures():
    assert chosen([0.0, 1.0], 4, 1.0) == [0, 0, 0, 0, 1, 1, 1, 1]


def test_no_pictures_no_masks():
    assert list(pictures_of_masks([], 1)) == []


def test_sound_starts_as_the_benchmark_pairs_it():
    assert [sound_start(m, 1) for m in range(3)] == [0, 1, 2]
    assert [picture_time(m, 1) for m in range(2)] == [0.9375, 1.9375]
    # whatever the rate: 15/16 s before the picture
    for fps in (2, 5):
        for mask in (0, 3, 11):
            lead = picture_time(mask, fps) - sound_start(mask, fps)
            assert lead == pytest.approx(15 / 16)
    # masks of one sequence are whole seconds apart
    assert sound_start(9, 4) - sound_start(5, 4) == pytest.approx(1)


def windows_of(num_masks, num_frames, fps):
    cutter = ClipWindows(num_frames, fps)
    found = []
    for mask in range(num_masks):
        found.append(cutter.add(mask, f'item {mask}'))
    return [w for w in found if w], cutter.finish()


def test_last_clip_reaches_back():
    full, last = windows_of(8, num_frames=5, fps=1)
    assert [[w.masks for w in group] for group in full] == [[[0, 1, 2, 3, 4]]]
    assert full[0][0].items == [f'item {m}' for m in range(5)]
    assert full[0][0].fresh == 5
    assert [(w.masks, w.fresh) for w in last] == [([3, 4, 5, 6, 7], 3)]


def test_sequences_are_whole_seconds_apart():
    full, last = windows_of(9, num_frames=2, fps=3)
    assert [[w.masks for w in group] for group in full] == [
        [[0, 3], [1, 4], [2, 5]]
    ]
    assert [(w.masks, w.fresh) for w in last] == [
        ([3, 6], 1),
        ([4, 7], 1),
        ([5, 8], 1),
    ]


def test_short_video_makes_a_short_clip():
    full, last = windows_of(3, num_frames=5, fps=1)
    assert not full
    assert [(w.masks, w.fresh) for w in last] == [([0, 1, 2], 3)]
    full, last = windows_of(3, num_frames=5, fps=2)
    assert [(w.masks, w.fresh) for w in last] == [([0, 2], 2), ([1], 1)]


@pytest.mark.parametrize('fps', [1, 2, 7])
@pytest.mark.parametrize('num_masks', [0, 1, 13, 35, 70, 71])
def test_every_mask_is_fresh_exactly_once(num_masks, fps):
    full, last = windows_of(num_masks, num_frames=5, fps=fps)
    fresh = []
    for group in [*full, last]:
        for window in group:
            assert len(window.masks) <= 5
            steps = [b - a for a, b in zip(window.masks, window.masks[1:])]
            assert steps == [fps] * len(steps)
            fresh += window.masks[len(window.masks) - window.fresh :]
    assert sorted(fresh) == list(range(num_masks))
