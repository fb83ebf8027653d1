"""What ``--check`` finds, on the synthetic AVSBench."""

import shutil

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from mmavs.datasets.preparation import (
    OFFICIAL_CLIPS,
    check,
    check_data,
    list_jobs,
)


@pytest.fixture
def ms3(tiny_ms3, tmp_path):
    return shutil.copytree(tiny_ms3, tmp_path / 'Multi-sources')


def run(setting, root, expected=None):
    jobs = list_jobs(setting, root)
    return check_data(setting, jobs, expected, workers=1, progress=False)


@pytest.mark.parametrize('setting', ['s4', 'ms3', 'avss'])
def test_whole_data_pass(setting, request):
    root = request.getfixturevalue(f'tiny_{setting}')
    found = run(setting, root)
    assert found.passed and not found.problems
    jobs = list_jobs(setting, root)
    assert sum(found.counts.values()) == len(jobs) > 0
    assert sum(found.sizes.values()) == len(jobs)
    assert run(setting, root, found.counts).passed
    against = run(setting, root, OFFICIAL_CLIPS[setting])
    assert not against.passed and not against.problems


def test_official_numbers_add_up():
    totals = {k: sum(v.values()) for k, v in OFFICIAL_CLIPS.items()}
    assert totals == dict(s4=4932, ms3=424, avss=11356)
    assert totals['avss'] + check.WITHHELD_AVSS == 12356


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def remove(path):
    path.unlink()


def smooth(path):
    mask = np.asarray(Image.open(path)).copy()
    mask[0, 0] = 128
    Image.fromarray(mask).save(path)


def shrink(path):
    Image.open(path).resize((32, 32), Image.NEAREST).save(path)


def shorten(path):
    wavfile.write(path, 16000, np.ones(30000, np.int16))


@pytest.mark.parametrize(
    'kind, damage, message',
    [
        ('frame', remove, 'missing'),
        ('frame', truncate, 'truncated'),
        ('frame', shrink, 'frames of several sizes'),
        ('mask', remove, 'missing'),
        ('mask', truncate, 'truncated'),
        ('mask', smooth, '128'),
        ('mask', shrink, '(32, 32), but the frames are (64, 64)'),
        ('audio', remove, 'missing'),
        ('audio', truncate, 'truncated'),
        ('audio', shorten, '1.88 s of sound for 5 frames'),
    ],
)
def test_every_damaged_file_is_named(ms3, kind, damage, message):
    job = list_jobs('ms3', ms3)[0]
    path = dict(frame=job.frames[2], mask=job.masks[2], audio=job.audio)[kind]
    damage(path)
    found = run('ms3', ms3)
    assert len(found.problems) == 1 and not found.passed
    assert message in found.problems[0]
    place = job.folder if 'several' in message else path
    assert str(place) in found.problems[0]
    assert found.counts['train'] == run_count(ms3) - 1


def run_count(root) -> int:
    return sum(job.split == 'train' for job in list_jobs('ms3', root))


@pytest.mark.parametrize('seconds, whole', [(4.05, False), (4.2, True)])
def test_sound_that_lacks_a_whole_second_is_named(ms3, seconds, whole):
    job = list_jobs('ms3', ms3)[0]
    samples = np.ones(round(44100 * seconds), np.int16)
    wavfile.write(job.audio, 44100, samples)
    expected = f'{job.audio}: {seconds:.2f} s of sound for 5 frames'
    assert run('ms3', ms3).problems == ([] if whole else [expected])


def test_strange_files_are_named(ms3):
    job = list_jobs('ms3', ms3)[0]
    (job.folder / 'Thumbs.db').write_text('')
    (problem,) = run('ms3', ms3).problems
    assert 'Thumbs.db: not one of the 5' in problem


def test_labels_outside_the_classes_are_named(tiny_avss, tmp_path):
    root = shutil.copytree(tiny_avss, tmp_path / 'AVSBench-semantic')
    job = list_jobs('avss', root)[0]
    label = np.asarray(Image.open(job.masks[0])).copy()
    label[0, 0] = 71
    Image.fromarray(label).save(job.masks[0])
    (problem,) = run('avss', root).problems
    assert str(job.masks[0]) in problem and '71' in problem


def test_withheld_test_clips_are_no_problem(tiny_avss, tmp_path, monkeypatch):
    root = shutil.copytree(tiny_avss, tmp_path / 'AVSBench-semantic')
    jobs = [job for job in list_jobs('avss', root) if job.split == 'test']
    shutil.rmtree(jobs[0].folder)
    found = run('avss', root)
    assert found.problems and found.withheld == 0
    monkeypatch.setattr(check, 'WITHHELD_AVSS', 1)
    found = run('avss', root)
    assert found.passed and found.withheld == 1
    assert found.counts['test'] == len(jobs) - 1
