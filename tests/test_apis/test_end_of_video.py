"""Where a video ends: as it says, and what if it does not."""

import json

import numpy as np
import pytest
from noise_video import noise_video

from mmavs.apis import AVSInferencer
from mmavs.apis.timing import pictures_of_masks
from mmavs.media.sound_sources import SoundFile
from mmavs.media.video import VideoPictures
from mmavs.testing.media import cut_off, last_forever, write_test_video


@pytest.fixture
def cut(tmp_path):
    source = noise_video(tmp_path / 'in.mp4', 5)
    return cut_off(source, tmp_path / 'cut.mp4', 0.6)


def test_what_is_missing_is_said(binary_model, cut, tmp_path, warned):
    out = tmp_path / 'out'
    summary = AVSInferencer(binary_model)(
        cut,
        out_video=out / 'o.mp4',
        out_dir=out / 'masks',
        out_json=out / 's.json',
        progress=False,
    )
    pictures, sound = summary['missing']
    assert pictures['what'] == 'pictures' and sound['what'] == 'sound'
    for part in (pictures, sound):
        assert 2 < part['start'] < 4 and part['end'] == 5
    assert json.loads((out / 's.json').read_text()) == summary
    # of what is there nothing is lost
    assert len(summary['masks']) == 3
    assert len(list((out / 'masks').glob('*.png'))) == 3
    shown = VideoPictures(out / 'o.mp4')
    assert len(list(shown)) == len(list(VideoPictures(cut)))
    assert shown.missing is None
    reader = SoundFile(out / 'o.mp4').open()
    reader.read(0, 5)
    assert reader.end == pytest.approx(sound['start'], abs=0.1)
    assert warned == [
        f'{cut} is cut off: of 5.0 s of {part["what"]} only {part["start"]} '
        's are there. Fix: download or record it again.'
        for part in (pictures, sound)
    ]


def test_of_a_whole_video_nothing_is_missing(binary_model, tmp_path, warned):
    video = noise_video(tmp_path / 'in.mp4', 2)
    summary = AVSInferencer(binary_model)(video, progress=False)
    assert summary['missing'] == [] and not warned


def test_a_deaf_model_misses_no_sound(deaf_model, cut):
    summary = AVSInferencer(deaf_model)(cut, progress=False)
    assert [part['what'] for part in summary['missing']] == ['pictures']


def test_a_picture_that_stays_forever_ends(deaf_model, tmp_path, warned):

    video = write_test_video(
        tmp_path / 'in.mp4',
        np.zeros((4, 32, 32, 3), np.uint8),
        times_ms=[0, 500, 1000, 2500],
    )
    summary = AVSInferencer(deaf_model)(
        last_forever(video), out_video=tmp_path / 'o.mp4', progress=False
    )
    # 2.5 s, and the mean stay of 2.5 / 3 s
    assert len(summary['masks']) == 4 and summary['missing'] == []
    assert len(warned) == 1 and 'to stay for 131072 s' in warned[0]
    overlay = VideoPictures(tmp_path / 'o.mp4')
    assert overlay.duration == pytest.approx(2.5 + 2.5 / 3, abs=0.01)


def test_pictures_far_apart_make_no_mask_past_the_end(tmp_path):

    video = write_test_video(
        tmp_path / 'in.mp4',
        np.zeros((2, 32, 32, 3), np.uint8),
        times_ms=[0, 590_000],
    )
    masks = list(pictures_of_masks(VideoPictures(video), 1))
    assert len(masks) == 591
    assert [picture.time for _, picture in masks] == [0] * 590 + [590]
