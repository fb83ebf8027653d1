"""Pictures of folders, in time."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from mmavs.media.picture_streams import FolderPictures
from mmavs.media.sources import find_media


def flat(levels, size=(48, 64)):
    """One grey picture per level."""
    return np.stack([np.full((*size, 3), v, np.uint8) for v in levels])


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
    assert media.name == 'clip' and media.sound is None
    pictures = media.pictures
    assert pictures.size == (48, 64) and pictures.rate == Fraction(1)
    assert [p.time for p in pictures] == [0, 1, 2]
    assert [p.read()[0, 0, 0] for p in pictures] == [10, 20, 30]


def test_clip_folder_with_its_sound(tmp_path):
    write_folder(tmp_path / 'clip' / 'frames', [10, 20])
    (tmp_path / 'clip' / 'audio.wav').write_bytes(b'')
    media = find_media(tmp_path / 'clip')
    assert media.sound.path == tmp_path / 'clip' / 'audio.wav'
    (tmp_path / 'clip' / 'other.wav').write_bytes(b'')
    with pytest.raises(ValueError, match='2 sound files'):
        find_media(tmp_path / 'clip')
    chosen = find_media(tmp_path / 'clip', tmp_path / 'clip' / 'other.wav')
    assert chosen.sound.path.name == 'other.wav'
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
