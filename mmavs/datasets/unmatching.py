"""Which clips' sounds do not, or do, fit what another clip shows."""

from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np
from torch.utils.data import Dataset

from .masks import category_map_path, read_mask
from .synthetic import CLASSES, read_side_file
from .wrapped import unwrapped

_CATEGORIES = {kind.name: kind.category for kind in CLASSES}


class ClipContent(NamedTuple):
    """What is known of a clip.

    Attributes:
        audio_path (str): Its sound.
        heard (frozenset[str]): Categories that are heard at any time.
        seen (frozenset[str]): Categories that are visible, silent ones
            included where they are known (synthetic data), else those heard.
    """

    audio_path: str
    heard: frozenset
    seen: frozenset


def clip_contents(dataset: Dataset) -> Dict[str, ClipContent]:
    """Find out what each clip of a data set shows and lets hear.

    Args:
        dataset (Dataset): Of clips, wrapped or not. Synthetic sets say it
            all; in S4 the category of a clip is both; semantic masks name
            the classes; in MS3 category maps say it, if
            ``tools/dataset_converters/ms3_categories.py`` made them.

    Returns:
        dict[str, ClipContent]: By clip id, in the order of the data set.
        Clips of which nothing is known have empty sets.
    """
    contents = {}
    for part in unwrapped(dataset):
        side = read_side_file(part.data_root)
        script = side['clips'] if side else {}
        names = side['classes'] if side else []
        for index in range(len(part)):
            info = part.get_data_info(index)
            contents[info['clip_id']] = _content(info, script, names)
    return contents


def _content(info: dict, script: dict, names: Sequence[str]) -> ClipContent:
    """Say what is known of one clip."""
    clip_id = info['clip_id']
    if clip_id in script:
        heard, seen = _from_script(script[clip_id], names)
    elif info['category']:
        heard = seen = frozenset([info['category']])
    else:
        heard = seen = _from_masks(info['frames'])
    return ClipContent(info['audio_path'], heard, seen)


def _from_script(clip: dict, names: Sequence[str]) -> tuple:
    """Read one clip of ``synthetic.json``."""
    heard = [label for second in clip['sounding'] for label in second]
    heard += [label for second in clip['off_screen'] for label in second]
    return tuple(
        frozenset(
            _CATEGORIES.get(names[label], names[label]) for label in labels
        )
        for labels in (heard, clip['visible'])
    )


def _from_masks(frames: Sequence[dict]) -> frozenset:
    """Read the labels of semantic masks, or of MS3's category maps if any."""
    found = set()
    for frame in frames:
        if frame['seg_map_path']:
            found.update(np.unique(_read_labels(frame)).tolist())
    return frozenset(str(value) for value in found - {0, 255})


def _read_labels(frame: dict) -> np.ndarray:
    mask = frame['seg_map_path']
    if frame['num_classes'] > 2:
        encoding = frame['mask_encoding']
        classes, palette = frame['num_classes'], frame['palette']
        return read_mask(mask, encoding, classes, palette, ignore_index=255)
    path = category_map_path(mask)
    if path is None or not path.is_file():
        return np.zeros(1, np.uint8)
    return read_mask(path, 'index', 255, ignore_index=255)


def are_known(contents: Dict[str, ClipContent]) -> bool:
    """Whether anything is known of what any clip lets hear."""
    return any(content.heard for content in contents.values())


def unmatching_sounds(
    contents: Dict[str, ClipContent],
    seed: int = 0,
    wanted: Optional[Sequence[str]] = None,
) -> Dict[str, str]:
    """Choose for each clip a sound of nothing that it shows.

    Args:
        contents (dict[str, ClipContent]): From :func:`clip_contents`.
        seed (int): Of the draw.
        wanted (Sequence[str], optional): Clips that must have one; others are
            left out where there is none. Defaults to all.

    Returns:
        dict[str, str]: clip_id -> wav file of another clip in which something
        is heard, but nothing that this one shows; of any other clip where
        nothing is known.

    Raises:
        ValueError: A wanted clip shows everything that is heard anywhere.
    """
    draw = np.random.default_rng(seed)
    known = are_known(contents)
    chosen = {}
    for clip_id, content in contents.items():
        donors = [
            other.audio_path
            for other_id, other in contents.items()
            if other_id != clip_id
            and not other.heard & content.seen
            and (other.heard or not known)
        ]
        if not donors and wanted is not None and clip_id not in wanted:
            continue
        if not donors:
            raise ValueError(
                f'no sound of the set is foreign to clip {clip_id}, which '
                f'shows {sorted(content.seen)}. Fix: take a split with more '
                'categories, or leave out the sounds offscreen and mix '
                '(swap_sound.py: name one by --other).'
            )
        chosen[clip_id] = donors[int(draw.integers(len(donors)))]
    return chosen


def any_other_sounds(
    contents: Dict[str, ClipContent], seed: int = 0
) -> Dict[str, str]:
    """Draw for each clip the sound of any other clip.

    Args:
        contents (dict[str, ClipContent]): From :func:`clip_contents`.
        seed (int): Of the draw.

    Returns:
        dict[str, str]: clip_id -> sound file of another clip.

    Raises:
        ValueError: There is one clip alone.
    """
    if len(contents) < 2:
        raise ValueError(
            f'no other clip than {", ".join(contents)} is there to take a '
            'sound from. Fix: take a split of several clips.'
        )
    draw = np.random.default_rng(seed)
    paths = [content.audio_path for content in contents.values()]
    # a step of 1 to n - 1 never ends at the clip itself
    steps = draw.integers(1, len(paths), size=len(paths))
    return {
        clip_id: paths[(place + int(step)) % len(paths)]
        for place, (clip_id, step) in enumerate(zip(contents, steps))
    }


def matching_silent_sound(
    contents: Dict[str, ClipContent], clip_id: str
) -> Optional[str]:
    """Find a sound of something that a clip shows but does not let hear.

    Args:
        contents (dict[str, ClipContent]): From :func:`clip_contents`.
        clip_id (str): The clip.

    Returns:
        str or None: The wav file of a clip in which nothing else is heard;
        None if there is none, or nothing is known of silent objects.
    """
    content = contents[clip_id]
    silent = content.seen - content.heard
    fitting: List[str] = [
        other.audio_path
        for other_id, other in contents.items()
        if other_id != clip_id and other.heard and other.heard <= silent
    ]
    return fitting[0] if fitting else None
