"""Files that are whole or absent, whenever a process is stopped."""

import os
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Union

_PART = '_part_'


@contextmanager
def whole_file(path: Union[str, Path]) -> Iterator[Path]:
    """Write beside the target, then rename.

    Several processes may write the same target at a time; one of them wins.

    Args:
        path (str or Path): The target. Its folder is made if absent. Of a
            link, the file that it points to is replaced; what is not a file
            (``/dev/stdout``) is written to as it is.

    Yields:
        Path: Where to write: hidden, beside the target, of the same suffix.
        It takes the target's name once the block is left, and is removed if
        the block raises.

    Example:
        >>> with whole_file('figures.json') as partial:
        ...     partial.write_text('{}')
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{os.getpid()}{_PART}{path.name}')
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Union[str, Path], text: str) -> None:
    """Write a text file (UTF-8), whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding='utf-8')


def write_picture(path: Union[str, Path], image, *options: int) -> None:
    """Write a picture with OpenCV, whole or not at all.

    Args:
        path (str or Path): Its suffix names the format.
        image (ndarray): (H, W) or (H, W, 3) BGR.
        *options (int): Flags and values of :func:`cv2.imwrite`.

    Raises:
        OSError: It cannot be written.
    """
    import cv2

    with whole_file(path) as partial:
        if not cv2.imwrite(str(partial), image, list(options)):
            raise OSError(
                f'{path} could not be written. Fix: see that the disk is not '
                'full and the name ends in .png or .jpg.'
            )


def remove_remains(folder: Union[str, Path], pattern: str = '*') -> None:
    """Remove what processes that were killed left of files in a folder.

    What a process of this machine is writing stays; only for a folder that
    no other machine writes to at the moment.

    Args:
        folder (str or Path): Not searched below.
        pattern (str): Of the targets' names. Defaults to all.
    """
    for remains in Path(folder).glob(f'.*{_PART}{pattern}'):
        number = remains.name[1:].partition(_PART)[0]
        if number.isdigit() and not _is_running(int(number)):
            remains.unlink(missing_ok=True)


def _is_running(number: int) -> bool:
    if os.name == 'nt':  # where os.kill would end it
        return number == os.getpid()
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # of another user
        return True
    return True
