"""A file is whole or absent, and what was there before is not lost."""

import os
import signal

import numpy as np
import pytest

from mmavs.files.whole_files import (
    remove_remains,
    whole_file,
    write_picture,
    write_text,
)


def test_the_name_appears_with_the_whole(tmp_path):
    path = tmp_path / 'new' / 'a.json'
    with whole_file(path) as partial:
        partial.write_text('half')
        assert not path.exists()
        assert partial.parent == path.parent and partial.suffix == '.json'
        partial.write_text('whole')
    assert path.read_text() == 'whole'
    assert [p.name for p in path.parent.iterdir()] == ['a.json']


def test_an_error_leaves_what_was_there(tmp_path):
    write_text(tmp_path / 'a.txt', 'äß')
    with pytest.raises(ZeroDivisionError):
        with whole_file(tmp_path / 'a.txt') as partial:
            partial.write_text('half')
            raise ZeroDivisionError
    assert (tmp_path / 'a.txt').read_text(encoding='utf-8') == 'äß'
    assert len(list(tmp_path.iterdir())) == 1


def test_a_killed_process_leaves_what_was_there(tmp_path):
    write_text(tmp_path / 'a.txt', 'old')
    child = os.fork()
    if not child:
        with whole_file(tmp_path / 'a.txt') as partial:
            partial.write_text('half')
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert (tmp_path / 'a.txt').read_text() == 'old'
    assert len(list(tmp_path.iterdir())) == 2
    remove_remains(tmp_path, 'b*')
    assert len(list(tmp_path.iterdir())) == 2
    with whole_file(tmp_path / 'b.txt') as partial:
        partial.write_text('being written')
        remove_remains(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.txt', 'b.txt']


def test_a_picture_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    image = np.zeros((4, 4, 3), np.uint8)
    write_picture(tmp_path / 'a.png', image)
    assert [p.name for p in tmp_path.iterdir()] == ['a.png']
    monkeypatch.setattr('cv2.imwrite', lambda *_: False)
    with pytest.raises(OSError, match='b.png could not be written. Fix'):
        write_picture(tmp_path / 'b.png', image)
    assert [p.name for p in tmp_path.iterdir()] == ['a.png']
