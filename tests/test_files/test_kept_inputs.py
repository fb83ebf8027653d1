"""No output is an input or lies on one, under whatever name."""

import os

import pytest

from mmavs.files.kept_inputs import keep_inputs


@pytest.fixture
def video(tmp_path):
    path = tmp_path / 'in' / 'video.mp4'
    path.parent.mkdir()
    path.write_bytes(b'video')
    return path


def same(path):
    return path


def relative(path):
    return os.path.relpath(path)


def roundabout(path):
    return path.parent / '..' / path.parent.name / path.name


def soft_link(path):
    link = path.parent.parent / f'soft{path.suffix}'
    link.symlink_to(path)
    return link


def linked_folder(path):
    link = path.parent.parent / 'linked'
    link.symlink_to(path.parent)
    return link / path.name


def hard_link(path):
    link = path.parent / 'hard.mp4'
    link.hardlink_to(path)
    return link


ROADS = (same, relative, roundabout, soft_link, linked_folder, hard_link)


@pytest.mark.parametrize('road', ROADS)
def test_an_output_file_is_not_an_input(video, road):
    other = road(video)
    for inputs, file in ((video, other), (other, video)):
        with pytest.raises(FileExistsError, match='is an input of this run'):
            keep_inputs([None, 'http://a/b.mp4', inputs], [None, file])
    keep_inputs([video], [video.with_name('other.mp4')])


def test_a_name_that_the_file_system_takes_for_the_same(video, monkeypatch):
    """As where upper and lower case are one."""
    stat = os.stat

    def caseless(path, **options):
        return stat(str(path).replace('VIDEO', 'video'), **options)

    monkeypatch.setattr(os, 'stat', caseless)
    with pytest.raises(FileExistsError, match=r'VIDEO.mp4 is .* \(.*video.mp'):
        keep_inputs([video], [video.with_name('VIDEO.mp4')])


@pytest.mark.parametrize('road', ROADS[:-1])
def test_an_output_folder_neither_is_nor_holds_an_input(video, road):
    folder = road(video.parent)
    with pytest.raises(FileExistsError, match='is an input'):
        keep_inputs([video.parent], folders=[folder])
    with pytest.raises(FileExistsError, match='holds an input .*video.mp4'):
        keep_inputs([video], folders=[folder])
    with pytest.raises(FileExistsError, match='holds an input'):
        keep_inputs([video], folders=[video.parent.parent])
    keep_inputs([video], folders=[video.parent / 'masks'])


def test_neither_a_linked_input_nor_what_it_points_to_is_lost(video, tmp_path):
    link = tmp_path / 'links' / 'a.mp4'
    link.parent.mkdir()
    link.symlink_to(video)
    for folder in (link.parent, video.parent):
        with pytest.raises(FileExistsError, match='holds an input'):
            keep_inputs([link], folders=[folder])


def test_nothing_is_written_into_an_input_folder(video):
    for name in ('video.mp4', 'new.json', 'new/newer.json'):
        for kind in ('files', 'folders'):
            with pytest.raises(FileExistsError, match='(lies in|holds) .*in'):
                keep_inputs([video.parent], **{kind: [video.parent / name]})


def test_two_outputs_are_two(video, tmp_path):
    new = tmp_path / 'new'
    with pytest.raises(FileExistsError, match='given for two outputs. Fix'):
        keep_inputs([], [new, tmp_path / 'in' / '..' / 'new'])
    with pytest.raises(FileExistsError, match='given for two outputs'):
        keep_inputs([], [new], [new])
