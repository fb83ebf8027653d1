"""Files that clips are composed of, and what became of each."""

import hashlib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence

from ..synthetic.script import SPLITS

PICTURE, SOUND, BACKGROUND = 'picture', 'sound', 'background'
_HELD_OUT = {PICTURE: 0.15, SOUND: 0.15, BACKGROUND: 0.2}  # per split


class Item(NamedTuple):
    """One picture of an object, one recording or one background.

    Attributes:
        role (str): 'picture', 'sound' or 'background'.
        kind (str): Its class; '' for backgrounds.
        path (Path): The file.
        name (str): How tables call it.
        licence (str): Under which it may be used.
        avss (str, optional): Its class in AVSBench-semantic.
        group (str, optional): Items of one group stay in one split: crops of
            one photograph, cuts of one recording. Defaults to the file.
        instance (dict, optional): The annotation that cuts the object out of
            its photograph, as COCO has it.
    """

    role: str
    kind: str
    path: Path
    name: str
    licence: str
    avss: Optional[str] = None
    group: Optional[str] = None
    instance: Optional[dict] = None

    @property
    def origin(self) -> str:
        """str: What must not be in two splits."""
        return self.group or self.name


class LeftOut(NamedTuple):
    """Something that could not be used.

    Attributes:
        what (str): A file, a class, or a row of a csv.
        reason (str): Why, with what helps.
    """

    what: str
    reason: str


def digest(text: str) -> str:
    """Give a short fingerprint, the same on every machine."""
    return hashlib.sha1(text.encode('utf-8', 'replace')).hexdigest()[:16]


def split_by_origin(items: Sequence[Item]) -> Dict[str, List[Item]]:
    """Divide items of one class among the splits.

    The order is that of a fingerprint of the origins' names, so an item
    keeps its place in the line when others join.

    Args:
        items (Sequence[Item]): Of one role and class.

    Returns:
        dict[str, list[Item]]: By split. One origin is in all of them, of two
        the second is in val and test; of more, val and test have 15 %
        each (backgrounds: 20 %), but at least one.
    """
    origins = defaultdict(list)
    for item in items:
        origins[item.origin].append(item)
    order = sorted(origins, key=digest)
    if len(order) == 1:
        parts = [order, order, order]
    elif len(order) == 2:
        parts = [order[:1], order[1:], order[1:]]
    else:
        held = max(1, round(_HELD_OUT[items[0].role] * len(order)))
        parts = [order[2 * held :], order[:held], order[held : 2 * held]]
    return {
        split: [item for origin in part for item in origins[origin]]
        for split, part in zip(SPLITS, parts)
    }


def at_most(items: Iterable[Item], number: int) -> List[Item]:
    """Keep so many items of every role and class, by fingerprint."""
    kept, count = [], Counter()
    for item in sorted(items, key=lambda item: digest(item.name)):
        place = item.role, item.kind
        if item.role == BACKGROUND or count[place] < number:
            kept.append(item)
            count[place] += 1
    return kept
