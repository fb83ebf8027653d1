"""One folder, one run; nothing that a run did not write is removed."""

import pytest

from mmavs.files.output_folder import (
    OutputFolder,
    check_folders,
    claim_folders,
    refuse_existing,
)


def write(folder, *names):
    for name in names:
        OutputFolder(folder).file(name).write_text(name)


def files(folder):
    return sorted(
        p.relative_to(folder).as_posix()
        for p in folder.rglob('*')
        if not p.name.startswith('.')
    )


@pytest.mark.parametrize('make', [False, True])
def test_a_new_or_empty_folder_is_free(tmp_path, make):
    folder = tmp_path / 'new' / 'out'
    if make:
        folder.mkdir(parents=True)
        (folder / '.DS_Store').write_text('hidden files do not count')
    OutputFolder(folder).claim()
    write(folder, 'clip/clip_1.png')
    assert files(folder) == ['clip', 'clip/clip_1.png']


def test_a_second_run_is_refused(tmp_path):
    write(tmp_path, 'clip/clip_1.png')
    with pytest.raises(FileExistsError, match='clip_1.png.*Fix: .*overwrite'):
        OutputFolder(tmp_path).claim()
    assert files(tmp_path) == ['clip', 'clip/clip_1.png']


def test_overwriting_leaves_nothing_of_the_longer_run(tmp_path):
    write(tmp_path, *(f'clip/clip_{t}.png' for t in range(5)), '0.png')
    (tmp_path / 'clip' / 'notes.txt').write_text('mine')
    OutputFolder(tmp_path).claim(overwrite=True)
    assert files(tmp_path) == ['clip', 'clip/notes.txt']
    write(tmp_path, 'other/0.png')
    OutputFolder(tmp_path).claim(overwrite=True)
    # the emptied folder goes too, and the list knows the new run alone
    assert files(tmp_path) == ['clip', 'clip/notes.txt']


def test_files_on_no_list_stay_and_are_not_mixed_with(tmp_path):
    write(tmp_path, 'a.png')
    (tmp_path / 'foreign.png').write_text('x')
    with pytest.raises(FileExistsError, match='foreign.png is on no list'):
        OutputFolder(tmp_path).claim(overwrite=True)
    assert files(tmp_path) == ['a.png', 'foreign.png']


def test_a_strangers_list_removes_nothing_outside(tmp_path):
    (tmp_path / 'outside').mkdir()
    victim = tmp_path / 'outside' / 'victim.png'
    victim.write_text('x')
    folder = tmp_path / 'out'
    folder.mkdir()
    (folder / 'link').symlink_to(tmp_path / 'outside')
    (folder / '.mmavs_files').write_text(
        f'../outside/victim.png\n{victim}\nlink/victim.png\n\n.\n'
    )
    OutputFolder(folder).claim(overwrite=True)
    assert victim.is_file()


def test_a_damaged_list_is_named(tmp_path):
    write(tmp_path, '0.png')
    (tmp_path / '.mmavs_files').write_bytes(b'\x89\xff')
    with pytest.raises(ValueError, match='.mmavs_files, which.*damaged. Fix'):
        OutputFolder(tmp_path).claim(overwrite=True)
    assert files(tmp_path) == ['0.png']


@pytest.mark.parametrize('name', ['../a.png', '/a.png', '', 'a\nb.png'])
def test_names_stay_inside(tmp_path, name):
    with pytest.raises(ValueError, match='leads out'):
        OutputFolder(tmp_path).file(name)


def test_a_folder_in_a_folder_belongs_to_the_same_run(tmp_path):
    def run(overwrite):
        claim_folders(
            [tmp_path, tmp_path / 'pictures', f'{tmp_path}/'], overwrite
        )
        write(tmp_path, 'a.png')
        write(tmp_path / 'pictures', 'b.png')

    run(overwrite=False)
    with pytest.raises(FileExistsError):
        run(overwrite=False)
    run(overwrite=True)
    assert files(tmp_path) == ['a.png', 'pictures', 'pictures/b.png']


def test_folders_in_one_another_are_checked_together(tmp_path):
    inner = tmp_path / 'pictures'
    write(tmp_path, 'a.png')
    write(inner, 'b.png')
    with pytest.raises(FileExistsError, match='not empty'):
        check_folders([tmp_path, inner])
    check_folders([tmp_path, inner], overwrite=True)
    # alone, the outer folder does not know the files of the inner one
    with pytest.raises(FileExistsError, match='b.png is on no list'):
        check_folders([tmp_path], overwrite=True)
    assert files(tmp_path) == ['a.png', 'pictures', 'pictures/b.png']


def test_a_file_is_not_a_folder_and_a_single_file_is_kept(tmp_path):
    path = tmp_path / 'x.pkl'
    refuse_existing(path)
    path.write_text('x')
    with pytest.raises(NotADirectoryError, match='Fix: name a folder'):
        OutputFolder(path).claim()
    with pytest.raises(FileExistsError, match='x.pkl exists already. Fix'):
        refuse_existing(path)
    refuse_existing(path, overwrite=True)


def test_what_cannot_be_written_is_said_before_the_work(tmp_path, monkeypatch):
    (tmp_path / 'file').write_text('x')
    for check in (refuse_existing, lambda path: OutputFolder(path).check()):
        check(tmp_path / 'new' / 'newer' / 'x')
        with pytest.raises(NotADirectoryError, match='file is not a folder'):
            check(tmp_path / 'file' / 'x')
    with pytest.raises(IsADirectoryError, match='is a folder. Fix: name a f'):
        refuse_existing(tmp_path, overwrite=True)
    monkeypatch.setattr('os.access', lambda *_: False)
    for check in (refuse_existing, lambda path: OutputFolder(path).check()):
        with pytest.raises(PermissionError, match='cannot be written to. Fix'):
            check(tmp_path / 'new' / 'x')
    assert files(tmp_path) == ['file']


def test_a_check_removes_nothing(tmp_path):
    write(tmp_path, 'a.png')
    OutputFolder(tmp_path).check(overwrite=True)
    assert files(tmp_path) == ['a.png']
