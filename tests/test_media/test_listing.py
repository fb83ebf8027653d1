"""Folders as a user sees them."""

import shutil

import cv2
import numpy as np
import pytest
from scipy.io import wavfile

from mmavs.datasets.preparation import check_data, list_jobs
from mmavs.media.listing import list_images, visible_files
from mmavs.media.sources import find_media
from mmavs.registry import TRANSFORMS

JUNK = b'\0\5\26\7junk'  # what macOS leaves as ._NAME beside NAME


@pytest.fixture
def folder(tmp_path):
    for name in (
        'b.wav',
        'A.WAV',
        '._b.wav',
        'c.txt',
        'in/d.wav',
        '.no/e.wav',
    ):
        path = tmp_path / '.data' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(JUNK)
    (tmp_path / '.data' / 'folder.wav').mkdir()
    return tmp_path / '.data'


def test_hidden_files_and_folders_are_passed_over(folder):
    def names(**options):
        found = visible_files(folder, ['.wav'], **options)
        return [str(path.relative_to(folder)) for path in found]

    assert names() == ['A.WAV', 'b.wav', 'in/d.wav']
    assert names(deep=False) == ['A.WAV', 'b.wav']
    assert visible_files(folder / 'absent', ['.wav']) == []


def test_a_link_that_leads_nowhere_is_not_passed_over(tmp_path):
    """A clip would be a frame shorter than it was made."""
    cv2.imwrite(str(tmp_path / '0.png'), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / '1.png').symlink_to('/disk/that/is/gone/1.png')
    assert [path.name for path in list_images(tmp_path)] == ['0.png', '1.png']
    with pytest.raises(FileNotFoundError, match='1.png'):
        list(picture.read() for picture in find_media(tmp_path).pictures)


def test_sounds_to_draw_from(folder):
    for name in ('ReplaceAudio', 'MixAudio'):
        transform = TRANSFORMS.build(dict(type=name, sounds=str(folder)))
        assert len(transform.sounds) == 3


def test_the_one_sound_beside_frames(tmp_path):
    cv2.imwrite(str(tmp_path / '0.png'), np.zeros((8, 8, 3), np.uint8))
    wavfile.write(tmp_path / 'Sound.WAV', 16000, np.zeros(16000, np.int16))
    for name in ('._Sound.WAV', '._0.png'):
        (tmp_path / name).write_bytes(JUNK)
    media = find_media(tmp_path)
    assert media.sound.path.name == 'Sound.WAV'
    assert len(list(media.pictures)) == 1


def test_frames_of_the_benchmark(tiny_ms3, tmp_path):
    root = shutil.copytree(tiny_ms3, tmp_path / 'root')
    job, *_ = jobs = list_jobs('ms3', root)
    frame = job.frames[0]
    frame.with_name(f'._{frame.name}').write_bytes(JUNK)
    assert check_data('ms3', jobs, None, workers=1, progress=False).passed
