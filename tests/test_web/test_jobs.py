"""Jobs of the page: sounds side by side, limits, cancelling, messages."""

import json
import threading
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmavs.apis import inferencer as module
from mmavs.media.sound_sources import SoundFile
from mmavs.media.sources import find_media
from mmavs.media.stand_ins import repeated
from mmavs.testing.media import cut_off, write_test_video
from mmavs.web.jobs import Jobs, Limits, Result, Step, Stopped, Wish
from mmavs.web.messages import UNKNOWN, page_message
from mmavs.web.page import _missing, _table
from mmavs.web.visits import Visits

MODEL = 'film_tiny_ms3'


@pytest.fixture
def jobs(film_weights, videos):
    return Jobs({MODEL: str(film_weights)}, 'cpu', examples=[videos[3]])


def run(jobs, folder, video, sounds, **options):
    wish = Wish(str(video), MODEL, sounds, **options)
    items = list(jobs.run(wish, folder, threading.Event()))
    return (
        [item for item in items if isinstance(item, Step)],
        [item for item in items if isinstance(item, Result)],
    )


def test_every_sound_has_its_own_results(jobs, videos, tmp_path):
    words = ['swap', 'own', 'noise', 'mute']
    steps, results = run(jobs, tmp_path, videos[2], words)
    assert [r.sound for r in results] == ['own', 'mute', 'noise', 'swap']
    shares = [step.share for step in steps]
    assert shares == sorted(shares) and shares[0] == 0
    assert shares[-1] == pytest.approx(1, abs=0.01)
    assert [s.second for s in steps if s.sound == 'mute'] == [0, 1, 2]
    heard = {}
    for result in results:
        summary = json.loads(result.summary.read_text())
        assert summary['video'] == 'v2.mp4'
        assert summary['sound'].startswith(f'{result.sound}: ')
        assert len(summary['masks']) == 2
        # nothing of the server
        assert str(tmp_path) not in result.summary.read_text()
        assert not {'weights', 'overlay', 'mask_dir'} & summary.keys()
        with zipfile.ZipFile(result.masks) as archive:
            names = sorted(archive.namelist())
            assert names == ['000000.png', '000001.png']
            data = np.frombuffer(archive.read(names[0]), np.uint8)
            assert cv2.imdecode(data, 0).shape == (40, 56)
        sound = SoundFile(result.overlay).open().read(0.2, 1.5)
        heard[result.sound] = float(sound.square().mean().sqrt())
    assert heard['mute'] == 0
    assert heard['noise'] == pytest.approx(0.1, rel=0.2)
    assert heard['own'] > 0.2 and heard['swap'] > 0.2


def test_the_table_sets_masks_side_by_side():
    row = dict(start=0, end=1)
    cat = dict(name='cat', area=0.125, sounding=True)
    silent = dict(name='dog', area=0.5, sounding=False)
    rows = {
        'own': [dict(row, objects=[cat, silent])],
        'mute': [dict(row, objects=[silent])],
    }
    missing = [dict(what='pictures', start=2.5, end=5.0)]
    results = [
        Result(word, None, None, None, found, missing)
        for word, found in rows.items()
    ]
    headers, table = _table(results)
    assert headers == ['seconds', 'own', 'mute']
    assert table == [['0 to 1', 'cat 12.5 %', 'nothing']]
    assert _missing(results) == (
        'no pictures from 2.5 to 5 s: the file is cut off'
    )
    assert _missing([]) == ''


def test_a_file_that_is_cut_off_is_told(jobs, videos, tmp_path):
    cut = cut_off(videos[3], tmp_path / 'cut.mp4', 0.7)
    (tmp_path / 'out').mkdir()
    _, (result,) = run(jobs, tmp_path / 'out', cut, ['own'])
    assert [part['what'] for part in result.missing][0] == 'pictures'


def test_swap_takes_the_file_that_is_given(jobs, videos, tmp_path):
    """A tone that is shorter than the video goes on and on."""
    tone = np.sin(np.arange(8000) / 5)[None] / 2
    other = write_test_video(tmp_path / 'a.mp4', sound=tone)
    (tmp_path / 'out').mkdir()
    _, (result,) = run(
        jobs, tmp_path / 'out', videos[2], ['swap'], other=str(other)
    )
    sound = SoundFile(result.overlay).open().read(0, 2)
    for start in (2000, 12000, 24000):
        level = sound[start : start + 4000].square().mean().sqrt()
        assert float(level) == pytest.approx(0.5 / 2**0.5, rel=0.1)


@pytest.mark.parametrize(
    'options, limits, message',
    [
        (dict(video=None), {}, 'upload a video first'),
        (dict(sounds=['mix']), {}, 'choose at least one sound'),
        (
            {},
            dict(seconds=1, megabytes=9),
            'longer than 1 seconds, which is the most',
        ),
        ({}, dict(megabytes=0), 'up to 0 MB are taken here'),
    ],
)
def test_limits_have_words(jobs, videos, tmp_path, options, limits, message):
    jobs.limits = Limits(**limits)
    wish = Wish(str(videos[3]), MODEL, ['own'])._replace(**options)
    with pytest.raises(ValueError, match=message) as caught:
        list(jobs.run(wish, tmp_path, threading.Event()))
    assert page_message(caught.value).startswith(message[:9]) or (
        message in page_message(caught.value)
    )


def test_a_file_that_lies_about_its_length_is_stopped(
    jobs, videos, tmp_path, monkeypatch
):
    jobs.limits = Limits(seconds=20)

    def lying(video, audio=None):
        media = find_media(video, audio)
        media.pictures.duration = 3.0
        return media

    monkeypatch.setattr('mmavs.web.jobs.find_media', lying)
    with pytest.raises(ValueError, match='longer than 20 seconds'):
        run(jobs, tmp_path, videos[40], ['own'])
    assert not list(tmp_path.rglob('*.mp4'))


def test_no_other_sound_to_swap(jobs, videos, tmp_path):
    with pytest.raises(ValueError, match='no other sound to swap in'):
        run(jobs, tmp_path, videos[3], ['swap'])


def test_a_job_that_is_left_ends(jobs, videos, tmp_path):
    """Whoever stops asking, and whoever says so."""
    stop = threading.Event()
    wish = Wish(str(videos[40]), MODEL, ['own', 'mute'])
    (tmp_path / 'a').mkdir()
    steps = jobs.run(wish, tmp_path / 'a', stop)
    next(steps)
    before = threading.active_count()
    steps.close()
    assert stop.is_set() and threading.active_count() == before - 1
    stop = threading.Event()
    (tmp_path / 'b').mkdir()
    with pytest.raises(Stopped):
        for item in jobs.run(wish, tmp_path / 'b', stop):
            stop.set()
            assert item.second < 40
    # nothing is left, not even of what was written since
    assert not list(tmp_path.iterdir())


def test_errors_say_nothing_of_the_server(jobs, tmp_path, monkeypatch):
    pictures = np.zeros((6, 32, 32, 3), np.uint8)
    silent = write_test_video(tmp_path / 'my clip.mp4', pictures)
    (tmp_path / 'out').mkdir()
    with pytest.raises(ValueError) as caught:
        run(jobs, tmp_path / 'out', silent, ['own'])
    assert str(tmp_path) in str(caught.value)
    assert page_message(caught.value) == (
        'my clip.mp4 has no sound track. Fix: give its sound as a file of its '
        'own, take a video with sound, or leave the clip out.'
    )
    # under another sound it can be tried all the same
    (tmp_path / 'mute').mkdir()
    _, (result,) = run(jobs, tmp_path / 'mute', silent, ['mute'])
    assert result.overlay.is_file()

    def bug(*args, **options):
        return {}['secret']

    monkeypatch.setattr(module, 'Run', bug)
    (tmp_path / 'bug').mkdir()
    with pytest.raises(KeyError) as caught:
        run(jobs, tmp_path / 'bug', silent, ['mute'])
    assert page_message(caught.value) == UNKNOWN


def test_visits_keep_apart_and_go(tmp_path):
    visits = Visits(tmp_path)
    one, other = visits.of('one'), visits.of('other')
    assert visits.of('one') is one and one.folder != other.folder
    folder, stop = one.begin()
    (folder / 'a.mp4').write_text('overlay')
    later, again = one.begin()
    assert stop.is_set() and not again.is_set()
    assert list(one.folder.iterdir()) == [later]
    visits.leave('one')
    assert again.is_set() and not one.folder.exists()
    assert other.folder.is_dir() and not other.stop.is_set()
    visits.leave('one')


def test_sound_again_and_again(tmp_path):
    tone = np.linspace(-0.5, 0.5, 1600)[None]
    path = write_test_video(tmp_path / 'a.mp4', sound=tone)
    sound = repeated(path)
    assert sound.files == [Path(path)] and not sound.ends
    reader = sound.open()
    length = len(SoundFile(path).open().read(0, 0.1).nonzero())
    assert length > 1500
    first = reader.read(0, 10)
    assert float(first[-16000:].abs().mean()) > 0.1
    with pytest.raises(FileNotFoundError):
        repeated(tmp_path / 'none.wav')


def test_words_of_the_command_line(videos):
    for word, level in (('mute', 0), ('noise', 0.1)):
        sound = find_media(videos[2], word).sound
        assert str(sound) == word and sound.files == []
        samples = sound.open().read(100, 2)
        assert float(samples.square().mean().sqrt()) == pytest.approx(
            level, rel=0.05
        )
    with pytest.raises(FileNotFoundError, match='file not found: ./mute'):
        find_media(videos[2], './mute')
