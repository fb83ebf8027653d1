"""A folder holds the files of one run, and of no other."""

import os
from pathlib import Path, PurePath
from typing import Iterable, Iterator, List, Union

from mmavs.files.names import is_name, path_inside
from mmavs.files.whole_files import remove_remains

LIST = '.mmavs_files'  # one name a line, relative to the folder
KINDS = ('.png', '.jpg', '.csv', '.json')  # what runs write into folders


class OutputFolder:
    """A folder for masks, pictures or tables of one run.

    Masks of two checkpoints, or of a long video and a short one, would be
    scored or looked at as one if they shared a folder. So a run claims its
    folder first: one that holds anything is refused, or, where overwriting is
    allowed, what an earlier run wrote is removed. A hidden list in the folder
    tells: every name is on it before its file is written. Files on no list are
    never removed.

    Args:
        path (str or Path): Of the folder, which may be absent.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        self.path = Path(path)

    def claim(self, overwrite: bool = False) -> None:
        """Make the folder this run's own, before anything is written.

        Of several ranks, one claims for all, and the others wait.

        Args:
            overwrite (bool): Remove what an earlier run wrote.

        Raises:
            FileExistsError, NotADirectoryError, PermissionError: See
                :meth:`check`.
        """
        self.check(overwrite)
        self._remove(self.listed())

    def check(
        self, overwrite: bool = False, known: Iterable[Path] = ()
    ) -> None:
        """Say whether the folder can be claimed; nothing is removed.

        Args:
            overwrite (bool): What :meth:`claim` will be told.
            known (Iterable[Path]): Further files that will be gone by then.

        Raises:
            FileExistsError: The folder is not empty and ``overwrite`` is
                False; or it holds masks, pictures or tables on no list, among
                which this run's could not be told.
            NotADirectoryError: The path is that of a file, or below one.
            PermissionError: Nothing may be written there.
        """
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(
                f'{self.path} is a file. Fix: name a folder'
            )
        _check_place(self.path)
        found = next(self._visible(), None)
        if found is not None and not overwrite:
            raise FileExistsError(
                f'{self.path} is not empty (it holds {found.name}), and a '
                'folder takes the files of one run alone. Fix: name another '
                'folder, or allow to overwrite (--overwrite, overwrite=True), '
                'which removes what an earlier run wrote there'
            )
        known = {*self.listed(), *known}
        for path in self._visible():
            if path.suffix.lower() in KINDS and path not in known:
                raise FileExistsError(
                    f'{path} is on no list of an earlier run, so it stays, '
                    'and files of two origins would mix. Fix: name another '
                    f'folder than {self.path}, or move that file away'
                )

    def file(self, name: Union[str, PurePath]) -> Path:
        """List a file that is about to be written, and make its folder.

        Args:
            name (str or PurePath): Relative to the folder.

        Returns:
            Path: Where to write it.

        Raises:
            ValueError: The name leads out of the folder, or cannot name a
                file.
        """
        path = path_inside(self.path, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        # one short write: ranks share the list
        with (self.path / LIST).open('a', encoding='utf-8') as file:
            file.write(f'{PurePath(name).as_posix()}\n')
        return path

    def _visible(self) -> Iterator[Path]:
        """Yield the files that a user sees, at any depth."""
        for folder, subfolders, files in os.walk(self.path):
            subfolders[:] = sorted(n for n in subfolders if n[0] != '.')
            yield from (Path(folder, n) for n in sorted(files) if n[0] != '.')

    def listed(self) -> List[Path]:
        """List what a run wrote, as far as it lies inside the folder.

        Raises:
            ValueError: The list is damaged.
        """
        try:
            text = (self.path / LIST).read_text('utf-8')
        except (FileNotFoundError, NotADirectoryError):
            return []
        except UnicodeDecodeError:
            raise ValueError(
                f'{self.path / LIST}, which lists what an earlier run wrote '
                'there, is damaged. Fix: name another folder, or remove the '
                'old files and this list by hand'
            ) from None
        names = text.splitlines()
        paths = [self.path / n for n in names if is_name(n)]
        root = self.path.resolve()
        return [p for p in paths if p.parent.resolve().is_relative_to(root)]

    def _remove(self, paths: Iterable[Path]) -> None:
        """Remove files, the folders that they leave empty, and the list."""
        folders = set()
        for path in paths:
            if path.is_file() or path.is_symlink():
                path.unlink(missing_ok=True)
            folders.update(p for p in path.parents if self.path in p.parents)
        remove_remains(self.path)
        for folder in sorted(folders, key=lambda p: len(p.parts))[::-1]:
            remove_remains(folder)
            try:
                folder.rmdir()
            except OSError:  # gone already, or holding something else
                pass
        (self.path / LIST).unlink(missing_ok=True)


def check_folders(
    paths: Iterable[Union[str, Path]], overwrite: bool = False
) -> None:
    """Check the folders of one run, see :meth:`OutputFolder.check`.

    Args:
        paths (Iterable[str or Path]): They may lie in one another, or be the
            same.
        overwrite (bool): What :func:`claim_folders` will be told.

    Raises:
        FileExistsError, NotADirectoryError, PermissionError: See
            :meth:`OutputFolder.check`.
    """
    folders = [OutputFolder(Path(path).absolute()) for path in paths]
    known = [path for folder in folders for path in folder.listed()]
    for folder in folders:
        folder.check(overwrite, known)


def claim_folders(
    paths: Iterable[Union[str, Path]], overwrite: bool = False
) -> None:
    """Claim the folders of one run, see :meth:`OutputFolder.claim`.

    Args:
        paths (Iterable[str or Path]): As for :func:`check_folders`.
        overwrite (bool): Remove what an earlier run wrote.

    Raises:
        FileExistsError, NotADirectoryError, PermissionError: See
            :meth:`OutputFolder.check`.
    """
    unique = {Path(path).absolute() for path in paths}
    # inner ones first: what they hold is on lists of their own
    for path in sorted(unique, key=lambda p: -len(p.parts)):
        OutputFolder(path).claim(overwrite)


def refuse_existing(path: Union[str, Path], overwrite: bool = False) -> None:
    """Keep a single file that is there; say early what cannot be written.

    Args:
        path (str or Path): Of the file.
        overwrite (bool): Whether one that is there may be replaced.

    Raises:
        FileExistsError: It exists and ``overwrite`` is False.
        IsADirectoryError: It is a folder.
        NotADirectoryError: It would lie below a file.
        PermissionError: Nothing may be written there.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f'{path} is a folder. Fix: name a file')
    if path.exists() and not overwrite:
        raise FileExistsError(
            f'{path} exists already. Fix: name another file, or allow to '
            'overwrite (--overwrite, overwrite=True)'
        )
    _check_place(path.parent)


def _check_place(folder: Path) -> None:
    """Whether files can be made in a folder, which may be absent."""
    place = folder.absolute()
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise NotADirectoryError(
            f'{place} is not a folder, so nothing can be written to '
            f'{folder}. Fix: name another place'
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(
            f'{place} cannot be written to. Fix: name another place, or '
            'change its permissions'
        )
