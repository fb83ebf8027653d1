"""Names out of files (clip ids, categories) on their way into a path."""

import re
from pathlib import Path, PureWindowsPath
from typing import Union

_LONGEST = 230  # bytes; file systems take 255 with suffix and number


def path_inside(folder: Union[str, Path], *names: Union[str, Path]) -> Path:
    """Join names to a folder that the result cannot leave.

    The one way from a csv, a dump or a file name to a path.

    Args:
        folder (str or Path): Where the path starts; trusted.
        *names (str or Path): Each a name, or several with ``/`` between them.

    Returns:
        Path: Below the folder.

    Raises:
        ValueError: See :func:`check_name`.
    """
    for name in names:
        check_name(name)
    return Path(folder, *names)


def flat_name(name: str) -> str:
    """Give a clip id as the name of a single file.

    ``/`` is written as ``%2F``, so that ``a/b`` and ``a_b`` stay apart.

    Raises:
        ValueError: See :func:`check_name`.
    """
    check_name(name)
    return str(name).replace('%', '%25').replace('/', '%2F')


def check_name(name: Union[str, Path]) -> None:
    """Refuse what :func:`is_name` refuses.

    Raises:
        ValueError: It is not a name.
    """
    if not is_name(name):
        raise ValueError(
            f'{str(name)[:300]!r} cannot name a file: it is empty, too long, '
            'leads out of its folder, or holds a backslash or a control '
            'character. Fix: rename it, with "/" between folders.'
        )


def is_name(name: Union[str, Path]) -> bool:
    """Whether this is a plain name, or several with ``/`` between them.

    Empty and absolute ones are not, nor those with an empty part, ``.``,
    ``..``, one too long for a file's name with a suffix, a backslash, a drive
    or a control character.
    """
    text = str(name)
    parts = text.removesuffix('/').split('/')
    return not (
        any(part in ('', '.', '..') for part in parts)
        or any(
            len(part.encode('utf-8', 'replace')) > _LONGEST for part in parts
        )
        or re.search(r'[\\\x00-\x1f\x7f]', text)
        or PureWindowsPath(text).drive
    )
