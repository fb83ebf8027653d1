"""What a run reads, it never writes over."""

import os
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Set, Tuple, Union

_Path = Union[str, Path]
_Paths = Iterable[Optional[_Path]]
_Identity = Tuple[int, int]  # device and number of a file there


def keep_inputs(
    inputs: _Paths, files: _Paths = (), folders: _Paths = ()
) -> None:
    """Refuse outputs that are, or lie on, what they are made from.

    Call it before the work, whatever may be overwritten. Files are compared
    as the file system knows them: by links of either kind, and by whatever
    spelling of a name it takes for the same. What is not there yet, like
    an address, is nobody's input; None is passed over.

    Args:
        inputs (Iterable[str or Path]): Files, and folders of which everything
            may be read.
        files (Iterable[str or Path]): Files to be written: none may be an
            input, lie in a folder that is one, or be written twice.
        folders (Iterable[str or Path]): Folders that take the files of this
            run alone: none may moreover hold an input, at any depth.

    Raises:
        FileExistsError: Naming both.
    """
    files, folders = _given(files), _given(folders)
    found: Dict[_Identity, Path] = {}  # inputs
    inside: Dict[_Identity, Path] = {}  # folders that hold inputs
    parents: Set[Path] = set()
    for path in _given(inputs):
        identity = _identity(path)
        if identity is None:
            continue
        found.setdefault(identity, path)
        # where the name lies, and where the file does
        for place in {path.absolute().parent, path.resolve().parent}:
            for folder in (place, *place.parents):
                if folder in parents:
                    break
                parents.add(folder)
                inside.setdefault(_identity(folder), path)
    for path in (*files, *folders):
        _keep_from(path, found)
    for folder in folders:
        source = inside.get(_identity(folder))
        if source is not None:
            raise _refusal(folder, f'holds an input of this run, {source}')
    _keep_apart([*files, *folders])


def _keep_from(path: Path, inputs: Dict[_Identity, Path]) -> None:
    """Refuse an output that is an input, or lies in one."""
    source = inputs.get(_identity(path))
    if source is not None:
        same = '' if source == path else f' ({source})'
        raise _refusal(path, f'is an input of this run{same}')
    for folder in path.resolve().parents:
        source = inputs.get(_identity(folder))
        if source is not None and source.is_dir():
            raise _refusal(path, f'lies in {source}, an input of this run')


def _keep_apart(outputs: Iterable[Path]) -> None:
    """Refuse two outputs of one name."""
    seen: Set[Path] = set()
    for path in outputs:
        place = path.resolve()
        if place in seen:
            raise FileExistsError(
                f'{path} is given for two outputs. Fix: name another for one '
                'of them.'
            )
        seen.add(place)


def _given(paths: _Paths) -> List[Path]:
    return [Path(path) for path in paths if path is not None]


def _identity(path: Path) -> Optional[_Identity]:
    """Tell what file or folder this is; None where there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _refusal(path: Path, reason: str) -> FileExistsError:
    return FileExistsError(
        f'{path} {reason}, and would be lost or mixed with what is written. '
        'Fix: name another output.'
    )
