"""Which files of a folder are pictures, and in which order."""

import re
from pathlib import Path
from typing import List

IMG_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp')


def list_images(folder: Path) -> List[Path]:
    """List the pictures of a folder in natural order; [] if it is absent.

    Hidden files are none: macOS leaves a ``._0.png`` beside ``0.png``.
    """
    if not folder.is_dir():
        return []
    paths = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMG_SUFFIXES and path.name[0] != '.'
    ]
    return sorted(paths, key=lambda path: natural_key(path.name))


def natural_key(name: str) -> list:
    """Sort key that takes numbers in names as numbers."""
    parts = re.split(r'(\d+)', name)  # text, number, text, ...
    return [int(p) if place % 2 else p for place, p in enumerate(parts)]
