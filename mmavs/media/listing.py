"""What lies in a folder, as a user sees it, and in which order."""

import re
from pathlib import Path
from typing import List, Sequence, Union

IMG_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp')


def list_images(folder: Path) -> List[Path]:
    """List the pictures of a folder in natural order; [] if it is absent."""
    paths = visible_files(folder, IMG_SUFFIXES, deep=False)
    return sorted(paths, key=lambda path: natural_key(path.name))


def visible_files(
    folder: Union[str, Path], suffixes: Sequence[str], deep: bool = True
) -> List[Path]:
    """List the files of some kinds, but hidden ones.

    macOS leaves a ``._clip.mp4`` that is not a video beside ``clip.mp4`` on
    disks of other systems and in archives. A link that leads nowhere is
    listed: whoever opens it says so.

    Args:
        folder (str or Path): Where to look.
        suffixes (Sequence[str]): In small letters, of files in letters of
            either size.
        deep (bool): Look into folders below too, but hidden ones.

    Returns:
        list[Path]: Sorted; none if there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return []
    found = folder.rglob('*') if deep else folder.iterdir()
    return sorted(
        path
        for path in found
        if path.suffix.lower() in suffixes
        and not any(p[0] == '.' for p in path.relative_to(folder).parts)
        and not path.is_dir()
    )


def natural_key(name: str) -> list:
    """Sort key that takes numbers in names as numbers."""
    parts = re.split(r'(\d+)', name)  # text, number, text, ...
    return [int(p) if place % 2 else p for place, p in enumerate(parts)]
