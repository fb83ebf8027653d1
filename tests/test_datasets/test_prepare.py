"""Raw videos to frames and wav files, on the synthetic AVSBench."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmavs.audio import read_wav
from mmavs.datasets.preparation import (
    SETTINGS,
    Options,
    list_jobs,
    prepare,
    prepare_data,
)
from mmavs.datasets.preparation.prepare import copy_lists
from mmavs.datasets.synthetic import ensure_synthetic
from mmavs.registry import TRANSFORMS
from mmavs.testing.media import write_test_video

SIZE = 48


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """All three settings, three training clips each, with raw videos."""
    root = tmp_path_factory.mktemp('world')
    return {
        setting: ensure_synthetic(
            root,
            setting,
            dict(train=3),
            SIZE,
            video=True,
            workers=1,
            progress=False,
        )
        for setting in SETTINGS
    }


def options(setting='ms3', **changes) -> Options:
    size = None if setting == 'avss' else (SIZE, SIZE)
    return Options(size=size)._replace(**changes)


def run(jobs, root, given) -> list:
    return prepare_data(jobs, root, given, workers=1, progress=False)


@pytest.mark.parametrize('setting', SETTINGS)
def test_frames_and_sound_come_back_from_the_videos(world, setting, tmp_path):
    root, cache = world[setting], tmp_path / 'cache'
    jobs = list_jobs(setting, root, out=tmp_path)
    given = options(setting, log_mel_cache=str(cache))
    outcomes = run(jobs, tmp_path, given)
    assert [outcome.made for outcome in outcomes] == [True] * 3
    assert not any(outcome.error for outcome in outcomes)
    for made, first in zip(jobs, list_jobs(setting, root)):
        for ours, theirs in zip(made.frames, first.frames):
            ours = cv2.imread(str(ours)).astype(int)
            theirs = cv2.imread(str(theirs))
            assert np.abs(ours - theirs).mean() < 8  # the codec
        ours, rate = read_wav(made.audio)
        theirs, _ = read_wav(first.audio)
        assert rate == 16000 and ours.shape == theirs.shape
        both = torch.stack([ours[0], theirs[0]])
        assert torch.corrcoef(both)[0, 1] > 0.95
    assert len(list(cache.rglob('*.npy'))) == 3


def test_the_cache_is_the_one_that_training_reads(
    world, tmp_path, monkeypatch
):
    cache = tmp_path / 'cache'
    jobs = list_jobs('ms3', world['ms3'], out=tmp_path)
    run(jobs, tmp_path, options(log_mel_cache=str(cache)))
    transform = TRANSFORMS.build(
        dict(type='VGGishLogMel', cache_dir=str(cache))
    )

    def never(*args):
        raise AssertionError('computed again')

    monkeypatch.setattr(transform, 'pieces', never)
    results = dict(audio_path=str(jobs[0].audio), frames=[{}] * 5)
    results = TRANSFORMS.build(dict(type='LoadAudio'))(results)
    assert transform(results)['audio'].shape == (5, 1, 96, 64)


def test_a_run_is_carried_on_where_it_stopped(world, tmp_path, monkeypatch):
    jobs = list_jobs('ms3', world['ms3'], out=tmp_path)
    write, written = cv2.imwrite, []

    def killed(path, *arguments):
        if len(written) == 7:  # within the second clip
            Path(path).write_bytes(b'half a picture')
            raise KeyboardInterrupt
        written.append(path)
        return write(path, *arguments)

    monkeypatch.setattr(cv2, 'imwrite', killed)
    with pytest.raises(KeyboardInterrupt):
        run(jobs, tmp_path, options())
    there = {path for path in tmp_path.rglob('*.png')}
    assert len(there) == 7
    left = jobs[1].frames[3].with_name(f'.123_part_{jobs[1].frames[3].name}')
    left.write_bytes(b'left by a killed process')
    times = {path: path.stat().st_mtime_ns for path in there}
    monkeypatch.setattr(cv2, 'imwrite', write)
    outcomes = run(jobs, tmp_path, options())
    assert [outcome.made for outcome in outcomes] == [False, True, True]
    assert all(path.stat().st_mtime_ns == times[path] for path in there)
    assert not left.exists()
    files = [path for path in tmp_path.rglob('*') if path.is_file()]
    assert len(files) == 3 * 6 + 1  # and prepared.json
    again = run(jobs, tmp_path, options())
    assert not any(outcome.made for outcome in again)


def test_one_bad_video_does_not_stop_the_others(world, tmp_path):
    root = tmp_path / 'MS3'
    shutil.copytree(world['ms3'], root)
    videos = [job.video for job in list_jobs('ms3', root)]
    pictures = np.zeros((50, 16, 16, 3), np.uint8)
    write_test_video(videos[0], pictures)  # no sound
    write_test_video(videos[1], sound=np.zeros((1, 80000)))  # no pictures
    outcomes = run(
        list_jobs('ms3', root, out=tmp_path / 'out'), tmp_path, options()
    )
    assert 'has no sound track' in outcomes[0].error
    assert 'has no pictures' in outcomes[1].error
    for outcome, video in zip(outcomes[:2], videos):
        assert str(video) in outcome.error and 'Fix: ' in outcome.error
    assert outcomes[2].made and not outcomes[2].error
    made = {path.parent.name for path in (tmp_path / 'out').rglob('*.png')}
    assert made == {outcomes[2].clip_id}


@pytest.mark.parametrize(
    'pictures, seconds, message',
    [(40, 5, 'lasts for 4.00 s'), (50, 2, 'sound lasts for 2 of 5 frames')],
)
def test_clips_that_end_early_are_named(
    world, tmp_path, pictures, seconds, message
):
    job = list_jobs('ms3', world['ms3'], out=tmp_path)[0]
    video = write_test_video(
        tmp_path / 'short.mp4',
        np.zeros((pictures, 16, 16, 3), np.uint8),
        sound=np.random.RandomState(0).randn(1, seconds * 16000) * 0.1,
    )
    outcome = prepare.prepare_clip(job._replace(video=video), options())
    assert message in outcome.error and 'short.mp4' in outcome.error
    assert not job.audio.exists() and not job.frames[0].exists()


def test_other_options_are_not_mixed_in(world, tmp_path):
    jobs = list_jobs('ms3', world['ms3'], out=tmp_path)
    run(jobs[:1], tmp_path, options())
    with pytest.raises(ValueError, match='prepared.json.*index.*--overwrite'):
        run(jobs[:1], tmp_path, options(sampling='time'))
    before = jobs[0].frames[0].stat().st_mtime_ns
    run(jobs[:1], tmp_path, options(sampling='time', overwrite=True))
    assert jobs[0].frames[0].stat().st_mtime_ns > before
    assert json.loads((tmp_path / 'prepared.json').read_text()) == dict(
        sampling='time', size=[SIZE, SIZE]
    )


@pytest.mark.parametrize('content', ['{"sampling": "ti', '[]', ''])
def test_a_damaged_note_is_named(world, tmp_path, content):
    jobs = list_jobs('ms3', world['ms3'], out=tmp_path)
    (tmp_path / 'prepared.json').write_text(content)
    with pytest.raises(ValueError, match='prepared.json is damaged.*Fix: '):
        run(jobs[:1], tmp_path, options())


def test_videos_may_lie_elsewhere(world, tmp_path):
    root = world['s4']
    pattern = str(tmp_path / '{category}-{clip_id}.{split}.mp4')
    (job, *_) = list_jobs('s4', root, pattern)
    category = job.folder.parent.name
    assert job.video == tmp_path / f'{category}-{job.clip_id}.train.mp4'
    with pytest.raises(ValueError, match="no 'part' for s4.*clip_id"):
        list_jobs('s4', root, '{part}/{clip_id}.mp4')
    with pytest.raises(ValueError, match="'ms3'.*got 's5'"):
        list_jobs('s5', root)
    outcome = prepare.prepare_clip(job, options('s4', overwrite=True))
    assert 'media file not found' in outcome.error


@pytest.mark.parametrize('output', ['frames', 'audio'])
def test_a_raw_video_is_never_written_over(world, tmp_path, output):
    job = list_jobs('ms3', world['ms3'], out=tmp_path)[0]
    path = job.audio if output == 'audio' else job.frames[-1]
    path.parent.mkdir(parents=True)
    shutil.copy(job.video, path)
    before = path.read_bytes()
    outcome = prepare.prepare_clip(
        job._replace(video=path), options(overwrite=True)
    )
    assert f'{path} is an input of this run' in outcome.error
    assert [p for p in tmp_path.rglob('*') if p.is_file()] == [path]
    assert path.read_bytes() == before


def test_lists_go_along(world, tmp_path):
    copy_lists('avss', world['avss'], tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {'metadata.csv', 'label2idx.json'}


def test_several_processes_make_the_same_files(world, tmp_path):
    folders = [tmp_path / 'one', tmp_path / 'two']
    for folder, workers in zip(folders, (1, 2)):
        jobs = list_jobs('ms3', world['ms3'], out=folder)
        outcomes = prepare_data(jobs, folder, options(), workers, False)
        assert [o.clip_id for o in outcomes] == [job.clip_id for job in jobs]
    one, two = ({f.name: f.read_bytes() for f in _files(d)} for d in folders)
    assert one == two and len(one) == 19


def _files(folder: Path) -> list:
    return [path for path in folder.rglob('*') if path.is_file()]
