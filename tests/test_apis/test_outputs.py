"""What a run writes: whole, its own, and never over what it reads."""

import json
import os
import shutil

import cv2
import numpy as np
import pytest
from noise_video import noise_video

from mmavs.apis import AVSInferencer, segmenter


def content(folder):
    """Every visible file below, with its bytes."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob('*'))
        if p.is_file() and p.name[0] != '.'
    }


def run(model, video, fps=1, **options):
    return AVSInferencer(model, fps=fps)(video, progress=False, **options)


@pytest.fixture(scope='module')
def two_seconds(tmp_path_factory):
    return noise_video(tmp_path_factory.mktemp('two') / 'in.mp4', 2)


@pytest.fixture
def video(two_seconds, tmp_path):
    (tmp_path / 'in').mkdir()
    return shutil.copy(two_seconds, tmp_path / 'in' / 'in.mp4')


def test_fewer_masks_leave_none_of_more(binary_model, video, tmp_path):
    """4 masks per second, then 1: 2 masks, not 8."""
    folder = tmp_path / 'm'
    run(binary_model, video, 4, out_dir=folder)
    assert len(content(folder)) == 8
    with pytest.raises(FileExistsError, match='is not empty .*000000.png'):
        run(binary_model, video, out_dir=folder)
    assert len(content(folder)) == 8
    (folder / 'notes.txt').write_text('mine')
    run(binary_model, video, out_dir=folder, overwrite=True)
    assert list(content(folder)) == ['000000.png', '000001.png', 'notes.txt']


def test_what_the_run_did_not_write_is_kept(binary_model, video, tmp_path):
    folder = tmp_path / 'm'
    folder.mkdir()
    (folder / '000005.png').write_text('mine')
    with pytest.raises(FileExistsError, match='000005.png is on no list'):
        run(binary_model, video, out_dir=folder, overwrite=True)
    assert content(folder) == {'000005.png': b'mine'}


def test_all_outputs_in_one_folder(binary_model, video, tmp_path):
    folder = tmp_path / 'all'
    outputs = dict(
        out_dir=folder,
        out_video=folder / 'o.mp4',
        out_json=folder / 'about' / 's.json',
    )
    names = ['000000.png', '000001.png', 'about/s.json', 'o.mp4']
    for overwrite in (False, True):
        run(binary_model, video, overwrite=overwrite, **outputs)
        assert list(content(folder)) == names
    outputs.pop('out_video')
    run(binary_model, video, overwrite=True, **outputs)
    assert list(content(folder)) == names[:3]


def test_single_files_are_replaced_only_on_request(
    binary_model, video, tmp_path
):
    for name, path in (('out_video', 'o.mp4'), ('out_json', 'o.json')):
        path = tmp_path / path
        run(binary_model, video, **{name: path})
        before = path.read_bytes()
        with pytest.raises(FileExistsError, match=f'{path.name} exists alr'):
            run(binary_model, video, **{name: path})
        assert path.read_bytes() == before
        run(binary_model, video, 2, overwrite=True, **{name: path})
        assert path.stat().st_size > 100
    assert len(json.loads(path.read_text())['masks']) == 4


def link(path):
    other = path.parent.parent / f'link{path.suffix}'
    other.symlink_to(path)
    return other


def hard_link(path):
    other = path.parent.parent / f'hard{path.suffix}'
    os.link(path, other)
    return other


@pytest.mark.parametrize('road', [lambda path: path, link, hard_link])
@pytest.mark.parametrize('output', ['out_video', 'out_json'])
def test_a_video_is_never_an_output(
    binary_model, video, tmp_path, output, road
):
    out = road(video)
    before = content(tmp_path)
    with pytest.raises(FileExistsError, match='is an input of this run'):
        run(binary_model, video, overwrite=True, **{output: out})
    assert content(tmp_path) == before


def test_nor_is_the_sound(binary_model, video, tmp_path):
    sound = shutil.copy(video, tmp_path / 'sound.mp4')
    before = content(tmp_path)
    with pytest.raises(FileExistsError, match='sound.mp4 is an input'):
        run(binary_model, video, audio=sound, out_video=sound, overwrite=True)
    assert content(tmp_path) == before


@pytest.mark.parametrize('place', ['clip', 'clip/frames', 'link'])
def test_frames_are_never_outputs(deaf_model, tmp_path, place):
    """Not even those that an earlier run wrote as masks."""
    frames = tmp_path / 'clip' / 'frames'
    frames.mkdir(parents=True)
    for name in ('000000.png', '000001.png'):
        cv2.imwrite(str(frames / name), np.zeros((8, 8, 3), np.uint8))
    listed = '000000.png\n000001.png\n'
    (frames / '.mmavs_files').write_text(listed)
    (tmp_path / 'link').symlink_to(frames)
    before = content(tmp_path)
    for given in (frames, tmp_path / 'clip', sorted(frames.glob('*.png'))):
        with pytest.raises(FileExistsError, match='holds an input'):
            run(deaf_model, given, out_dir=tmp_path / place, overwrite=True)
        assert content(tmp_path) == before
    run(deaf_model, frames, out_dir=tmp_path / 'clip' / 'masks')
    assert len(content(tmp_path / 'clip' / 'masks')) == 2


def test_what_a_killed_run_left_half_written_goes(
    binary_model, video, tmp_path
):
    outputs = dict(
        out_video=tmp_path / 'o[1].mp4',
        out_json=tmp_path / 's.json',
        out_dir=tmp_path / 'm',
    )
    (tmp_path / 'm').mkdir()
    for name in ('o[1].mp4', 's.json', 'm/000000.png', 'o1.mp4'):
        path = tmp_path / name
        path.with_name(f'.99999999_part_{path.name}').write_text('half')
    run(binary_model, video, **outputs)
    hidden = sorted(p.name for p in tmp_path.rglob('.*'))
    assert hidden == ['.99999999_part_o1.mp4', '.mmavs_files']


def test_two_outputs_of_one_name(binary_model, video, tmp_path):
    out = tmp_path / 'o.mp4'
    with pytest.raises(FileExistsError, match='given for two outputs'):
        run(binary_model, video, out_video=out, out_json=out)


def test_what_cannot_be_written_is_said_first(binary_model, video, tmp_path):
    (tmp_path / 'file').write_text('x')
    below = tmp_path / 'file'
    for options, kind, message in (
        (dict(out_video='o.avi'), ValueError, 'an mp4 file, got o.avi'),
        (dict(out_video=below / 'o.mp4'), NotADirectoryError, 'not a folder'),
        (dict(out_json=below / 's.json'), NotADirectoryError, 'not a folder'),
        (dict(out_json=tmp_path), IsADirectoryError, 'is a folder'),
        (dict(out_dir=below), NotADirectoryError, 'file is a file'),
        (dict(out_dir=below / 'm'), NotADirectoryError, 'not a folder'),
    ):
        with pytest.raises(kind, match=message):
            run(binary_model, video, overwrite=True, **options)


@pytest.mark.parametrize('when', [0, 1])
def test_a_failure_leaves_no_half_file(
    binary_model, video, tmp_path, monkeypatch, when
):
    """The model fails in its first clip, or in its second."""
    outputs = dict(
        out_video=tmp_path / 'o.mp4',
        out_json=tmp_path / 'o.json',
        out_dir=tmp_path / 'm',
    )
    run(binary_model, video, **outputs)
    before = content(tmp_path)
    calls = iter(range(3))
    work = segmenter.run_clips

    def fail(model, clips):
        if next(calls) == when:
            raise RuntimeError('out of memory')
        return work(model, clips)

    monkeypatch.setattr(segmenter, 'run_clips', fail)
    with pytest.raises(RuntimeError, match='out of memory'):
        AVSInferencer(binary_model, clip_frames=1)(
            video, progress=False, overwrite=True, **outputs
        )
    after = content(tmp_path)
    if when == 1:  # the folder is being filled anew
        assert before.pop('m/000001.png') and after['m/000000.png']
        before['m/000000.png'] = after['m/000000.png']
    assert after == before
    assert [p.name for p in tmp_path.rglob('.*')] == ['.mmavs_files']
