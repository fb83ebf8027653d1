"""Where pictures go."""

import pytest

from mmavs.visualization import picture_path


def test_a_name_without_a_pictures_ending_is_refused(tmp_path):
    for name in ('sheet', 'sheet.wav', 'clip_1.5'):
        with pytest.raises(ValueError, match=f'{name} must end in .png'):
            picture_path(tmp_path / 'new' / name)
    assert not (tmp_path / 'new').exists()


def test_the_folder_is_made(tmp_path):
    for name in ('a b.png', 'x.JPG'):
        path = picture_path(str(tmp_path / 'new' / 'er' / name))
        assert path.parent.is_dir() and path.name == name
