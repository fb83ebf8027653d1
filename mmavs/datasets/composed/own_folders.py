"""A user's own pictures, recordings and backgrounds, in folders by class.

Libraries of sounds in folders named by AudioSet's labels are read the same
way: :func:`~.class_map.class_of_folder` knows those labels.
"""

from pathlib import Path
from typing import List, Sequence, Tuple

from mmavs.media.listing import IMG_SUFFIXES, visible_files

from .class_map import avss_class, class_of_folder
from .items import BACKGROUND, PICTURE, SOUND, Item, LeftOut

SOUND_SUFFIXES = ('.wav', '.ogg', '.mp3', '.flac')
VIDEO_SUFFIXES = ('.mp4', '.mov', '.mkv', '.webm', '.avi', '.m4v')
NOT_STATED = 'not stated'
_SUFFIXES = {
    PICTURE: ('.png', '.webp'),
    SOUND: SOUND_SUFFIXES,
    BACKGROUND: IMG_SUFFIXES + VIDEO_SUFFIXES,
}


def read_folders(
    role: str, folder: Path, licence: str = NOT_STATED
) -> Tuple[List[Item], List[LeftOut]]:
    """List ``CLASS/*`` below a folder; backgrounds lie anywhere below it.

    Args:
        role (str): 'picture', 'sound' or 'background'.
        folder (Path): The folder.
        licence (str): Noted for each file.

    Returns:
        tuple: Items, and files that do not lie in a folder of their class.

    Raises:
        FileNotFoundError: There is no such folder, or nothing in it.
    """
    suffixes = _SUFFIXES[role]
    paths = visible_files(folder, suffixes)
    if not paths:
        raise FileNotFoundError(
            f'no {role} in {folder}. Fix: give a folder with '
            f'{_expected(role, suffixes)}.'
        )
    items, left_out = [], []
    for path in paths:
        place = path.relative_to(folder)
        if role != BACKGROUND and len(place.parts) < 2:
            reason = f'not in a folder of its class. Fix: {folder}/CLASS/'
            left_out.append(LeftOut(str(path), reason))
            continue
        kind = '' if role == BACKGROUND else class_of_folder(place.parts[0])
        name = f'{folder.name}/{place.as_posix()}'
        items.append(Item(role, kind, path, name, licence, avss_class(kind)))
    return items, left_out


def _expected(role: str, suffixes: Sequence[str]) -> str:
    names = ', '.join(f'*{suffix}' for suffix in suffixes)
    return names if role == BACKGROUND else f'CLASS/{{{names}}}'
