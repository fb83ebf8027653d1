"""Libraries of recordings that a csv sorts into classes."""

import csv
import io
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

from mmavs.files.names import is_name
from mmavs.files.text_files import read_rows, read_text

from .class_map import avss_class, class_of_labels
from .items import SOUND, Item, LeftOut
from .own_folders import SOUND_SUFFIXES


class Entry(NamedTuple):
    """One row of a library.

    Attributes:
        file_name (str): With suffix, or without where that differs.
        labels (Sequence[str]): What is heard.
        group (str): The recording that it was cut out of.
    """

    file_name: str
    labels: Sequence[str]
    group: str


class Library(NamedTuple):
    """A known collection.

    Attributes:
        read (callable): Gives the entries of a csv.
        licence (str): What the collection says of itself; single recordings
            may have others.
    """

    read: Callable[[Path], List[Entry]]
    licence: str


def _esc50(path: Path) -> List[Entry]:
    """meta/esc50.csv."""
    rows = read_rows(path, ['filename', 'category', 'src_file'])
    return [
        Entry(row['filename'], [row['category']], row['src_file'])
        for row in rows
    ]


def _fsd50k(path: Path) -> List[Entry]:
    """FSD50K.ground_truth/dev.csv or eval.csv."""
    rows = read_rows(path, ['fname', 'labels', 'mids'])
    return [
        Entry(row['fname'], row['labels'].split(','), row['fname'])
        for row in rows
    ]


def _vggsound(path: Path) -> List[Entry]:
    """vggsound.csv: id, start in seconds, label, split, without a header."""
    entries = []
    lines = csv.reader(io.StringIO(read_text(path)), skipinitialspace=True)
    for number, row in enumerate(lines, start=1):
        if not row:
            continue
        if len(row) != 4 or not row[1].strip().isdigit():
            raise ValueError(
                f'{path}, line {number}: {row} is not "id, start second, '
                'label, split". Fix: give the released vggsound.csv, which '
                'has no header.'
            )
        video, start, label, _ = (value.strip() for value in row)
        # ids may begin with '-' and hold '_': the file is ID_SSSSSS
        entries.append(Entry(f'{video}_{int(start):06d}', [label], video))
    return entries


LIBRARIES: Dict[str, Library] = {
    'esc50': Library(_esc50, 'CC BY-NC 3.0 (ESC-50)'),
    'vggsound': Library(_vggsound, 'CC BY 4.0 (VGGSound; videos: see source)'),
    'fsd50k': Library(_fsd50k, 'CC BY 4.0 (FSD50K; recordings: see source)'),
}


def read_library(
    name: str, table: Path, folder: Path
) -> Tuple[List[Item], List[LeftOut]]:
    """List the recordings of one known class each.

    Args:
        name (str): 'esc50', 'vggsound' or 'fsd50k'.
        table (Path): Its csv.
        folder (Path): Of the recordings, in folders or not.

    Returns:
        tuple: Items, and lines on rows of no class, or of several, and on
        recordings that are not there.

    Raises:
        FileNotFoundError: There is no such csv or folder.
        ValueError: The csv is of another library or version; no row of it
            has its recording in the folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f'folder of recordings not found: {folder}. Fix: check the '
            f'second value of --{name}.'
        )
    library = LIBRARIES[name]
    known = {}
    for path in sorted(folder.rglob('*')):
        if path.suffix.lower() in SOUND_SUFFIXES:
            known[path.name] = known[path.stem] = path
    items, unknown, absent = [], 0, []
    for entry in library.read(table):
        kind = class_of_labels(entry.labels)
        path = known.get(entry.file_name) if is_name(entry.file_name) else None
        if kind is None:
            unknown += 1
        elif path is None:
            absent.append(entry.file_name)
        else:
            title = f'{name}/{path.relative_to(folder).as_posix()}'
            group = f'{name}/{entry.group}'
            shared = (title, library.licence, avss_class(kind), group)
            items.append(Item(SOUND, kind, path, *shared))
    if not items:
        raise ValueError(
            f'no recording of {table} is in {folder} (of {len(absent)} '
            f'wanted the first is {(absent or ["none"])[0]}). Fix: give the '
            'folder of its recordings.'
        )
    lines = []
    if unknown:
        reason = 'mean no class of the class map, or several'
        lines.append(LeftOut(f'{unknown} rows of {table.name}', reason))
    if absent:
        reason = f'recordings not in {folder}, such as {absent[0]}'
        lines.append(LeftOut(f'{len(absent)} rows of {table.name}', reason))
    return items, lines
