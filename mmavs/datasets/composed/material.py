"""The pictures, recordings and backgrounds of a set, ready to compose.

``material.json`` lists them by class and split; SOURCES.csv says where each
comes from and under which licence it may be used, LEFT_OUT.csv what was not
taken and why.
"""

import csv
import functools
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import (
    Callable,
    Dict,
    Iterable,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from mmavs.files.text_files import read_json
from mmavs.files.whole_files import whole_file, write_text

from ..synthetic.generate import read_side_file
from ..synthetic.layouts import LAYOUTS
from ..synthetic.script import SPLITS
from .class_map import s4_category
from .items import (
    BACKGROUND,
    PICTURE,
    SOUND,
    Item,
    LeftOut,
    at_most,
    digest,
    split_by_origin,
)
from .preparing import prepare

INDEX, SOURCES, LEFT_OUT = 'material.json', 'SOURCES.csv', 'LEFT_OUT.csv'
MAX_CLASSES = 254  # 0 is no object, 255 no label
_SUFFIX = {PICTURE: '.png', SOUND: '.wav', BACKGROUND: ''}
_Files = Dict[str, List[str]]  # by split


class ComposedClass(NamedTuple):
    """A class with pictures and recordings.

    Attributes:
        name (str): Its name.
        category (str): Folder in S4's layout: a category of S4, else the
            name.
        avss (str, optional): Class of AVSBench-semantic.
        pictures (dict): Of each split the cut-outs, below the folder.
        sounds (dict): Of each split the recordings.
    """

    name: str
    category: str
    avss: Optional[str]
    pictures: _Files
    sounds: _Files


class Material(NamedTuple):
    """What clips are composed of.

    Attributes:
        folder (Path): Holds the files.
        classes (tuple[ComposedClass, ...]): By name.
        backgrounds (dict): Of each split the folders of pictures.
        fingerprint (str): Changes with any of it.
    """

    folder: Path
    classes: Tuple[ComposedClass, ...]
    backgrounds: _Files
    fingerprint: str

    def of_avss(self) -> 'Material':
        """Merge classes to those of AVSBench-semantic; others are dropped."""
        groups = defaultdict(list)
        for kind in self.classes:
            if kind.avss:
                groups[kind.avss].append(kind)
        merged = tuple(
            ComposedClass(
                name,
                s4_category(name) or name,
                name,
                _joined([kind.pictures for kind in groups[name]]),
                _joined([kind.sounds for kind in groups[name]]),
            )
            for name in sorted(groups)
        )
        return self._replace(classes=merged)


def _joined(parts: Sequence[_Files]) -> _Files:
    return {s: [name for part in parts for name in part[s]] for s in SPLITS}


def gather(
    items: Iterable[Item],
    left_out: Iterable[LeftOut],
    root: Path,
    size: int,
    per_class: int,
    workers: Optional[int] = None,
    progress: bool = True,
) -> Material:
    """Prepare all files that can be used, and write the three tables.

    What is there already is not made again, so a run that was killed is
    carried on. Nothing is written where the material will not do.

    Args:
        items (Iterable[Item]): From all sources.
        left_out (Iterable[LeftOut]): What the sources left out already.
        root (Path): Of the composed sets; files go to ``material-SIZEpx``.
        size (int): Shorter side of the frames in pixels.
        per_class (int): Pictures, and recordings, of a class at most.
        workers (int, optional): Processes; defaults to the usable CPUs.
        progress (bool): Show a bar. Defaults to True.

    Returns:
        Material: What clips are composed of.

    Raises:
        ValueError: Fewer than three backgrounds, fewer than two classes with
            pictures and recordings, or too many; or a set below the root was
            made of other material, and its tables would be lost.
    """
    folder = root / f'material-{size}px'
    items, left_out = list(items), list(left_out)
    chosen = at_most(_of_complete_classes(items), per_class)
    work = functools.partial(_prepare, folder=folder, size=size)
    reasons = _run_all(work, chosen, workers, progress)
    good = [item for item, reason in zip(chosen, reasons) if not reason]
    left_out += [
        LeftOut(item.name, reason)
        for item, reason in zip(chosen, reasons)
        if reason
    ]
    left_out += _incomplete_classes(items, good)
    usable = _of_complete_classes(good)
    _check_enough(usable, left_out)
    parts = _divide(usable)
    material = _material(folder, parts, size)
    _check_sets(root, material.fingerprint)
    _write_csv(root / LEFT_OUT, LeftOut._fields, left_out)
    write_text(folder / INDEX, json.dumps(_to_json(material), indent=1))
    _write_sources(root / SOURCES, parts)
    return material


def _of_complete_classes(items: Sequence[Item]) -> List[Item]:
    """Keep backgrounds, and classes with pictures and recordings."""
    kinds = [
        {item.kind for item in items if item.role == role}
        for role in (PICTURE, SOUND)
    ]
    complete = kinds[0] & kinds[1]
    return [i for i in items if i.role == BACKGROUND or i.kind in complete]


def _incomplete_classes(
    items: Sequence[Item], good: Sequence[Item]
) -> List[LeftOut]:
    """Name classes that lack pictures or recordings."""
    found = {kind: Counter() for kind in sorted({i.kind for i in items})}
    found.pop('', None)
    for item in good:
        if item.kind:
            found[item.kind][item.role] += 1
    whole = {i.kind for i in _of_complete_classes(items)}
    for item in items:  # of those nothing was read
        if item.kind and item.kind not in whole:
            found[item.kind][item.role] += 1
    return [
        LeftOut(
            f'class {kind}',
            f'{count[PICTURE]} pictures, {count[SOUND]} recordings; it takes '
            'both',
        )
        for kind, count in found.items()
        if not (count[PICTURE] and count[SOUND])
    ]


def _target(item: Item, size: int) -> Path:
    """Say where a prepared file goes, below the folder of the material."""
    if item.instance is None:
        weight = item.path.stat().st_size
    else:
        weight = digest(json.dumps(item.instance, default=str))
    key = digest(f'{item.path.resolve()} {weight} {item.name} {size}')
    return Path(f'{item.role}s', f'{key}{_SUFFIX[item.role]}')


def _prepare(item: Item, folder: Path, size: int) -> str:
    """Prepare one file; give the reason if that fails, else ''."""
    try:
        prepare(item, folder / _target(item, size), size)
    except (ValueError, OSError) as error:
        return str(error).replace(f'{item.path}', item.path.name)
    return ''


def _run_all(
    work: Callable,
    items: Sequence[Item],
    workers: Optional[int],
    progress: bool,
) -> List[str]:
    # at its use: preparation itself needs the data sets, and they this file
    from ..preparation.pool import run_all

    results = dict(run_all(work, items, 'material', workers, progress))
    return [results[i] for i in range(len(items))]


def _check_enough(usable: Sequence[Item], left_out: Sequence[LeftOut]) -> None:
    """Refuse material of which no set can be made."""
    why = ''
    if left_out:
        what, reason = left_out[0]
        why = f' {len(left_out)} left out, the first {what}: {reason}.'
    origins = {item.origin for item in usable if item.role == BACKGROUND}
    if len(origins) < len(SPLITS):
        raise ValueError(
            f'{len(origins)} usable backgrounds for train, val and test, '
            f'which must not share any.{why} Fix: give three or more '
            '(--backgrounds).'
        )
    number = len({item.kind for item in usable if item.kind})
    if not 2 <= number <= MAX_CLASSES:
        raise ValueError(
            f'{number} classes have usable pictures and recordings; it takes '
            f'2 to {MAX_CLASSES}.{why} Fix: name folders of pictures and of '
            'recordings alike.'
        )


def _check_sets(root: Path, fingerprint: str) -> None:
    """Refuse to write the tables of other material over those of a set."""
    for layout in LAYOUTS.values():
        side = read_side_file(root / layout.folder)
        if side and side.get('material', fingerprint) != fingerprint:
            raise ValueError(
                f'{root / layout.folder} was composed of other pictures, '
                'recordings or backgrounds, or at another size. Fix: take '
                'the same again, choose another output folder, or delete '
                'this one.'
            )


def _divide(items: Sequence[Item]) -> Dict[tuple, Dict[str, List[Item]]]:
    """Give the items of each (role, class) by split."""
    groups = defaultdict(list)
    for item in items:
        groups[item.role, item.kind].append(item)
    return {key: split_by_origin(groups[key]) for key in sorted(groups)}


def _material(
    folder: Path, parts: Dict[tuple, Dict[str, List[Item]]], size: int
) -> Material:
    def files(role: str, kind: str) -> _Files:
        return {
            split: sorted(_target(item, size).as_posix() for item in items)
            for split, items in parts[role, kind].items()
        }

    avss = {}
    for splits in parts.values():
        for item in (item for items in splits.values() for item in items):
            avss[item.kind] = avss.get(item.kind) or item.avss
    classes = tuple(
        ComposedClass(
            kind,
            s4_category(avss[kind]) or kind,
            avss[kind],
            files(PICTURE, kind),
            files(SOUND, kind),
        )
        for role, kind in parts
        if role == PICTURE
    )
    backgrounds = files(BACKGROUND, '')
    key = digest(json.dumps([classes, backgrounds]))
    return Material(folder, classes, backgrounds, key)


def _to_json(material: Material) -> dict:
    return dict(
        classes=[kind._asdict() for kind in material.classes],
        backgrounds=material.backgrounds,
        fingerprint=material.fingerprint,
    )


@functools.lru_cache(maxsize=4)
def read_material(folder: Path) -> Material:
    """Read what :func:`gather` wrote.

    Raises:
        ValueError: The index is damaged.
    """
    path = folder / INDEX
    fix = f'delete {folder} and run tools/dataset_converters/compose_clips.py'
    content = read_json(path, fix)
    try:
        return Material(
            folder,
            tuple(ComposedClass(**kind) for kind in content['classes']),
            content['backgrounds'],
            content['fingerprint'],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f'{path} is damaged ({error}). Fix: {fix}') from None


def _write_sources(
    path: Path, parts: Dict[tuple, Dict[str, List[Item]]]
) -> None:
    """Name every file, its class, splits and licence."""
    rows = []
    for (role, kind), splits in parts.items():
        items = {i.name: i for part in splits.values() for i in part}
        for name, item in sorted(items.items()):
            used = [s for s in SPLITS if item in splits[s]]
            rows.append([role, kind, name, ' '.join(used), item.licence])
    _write_csv(path, ('role', 'class', 'file', 'splits', 'licence'), rows)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable) -> None:
    with (
        whole_file(path) as partial,
        partial.open('w', newline='', encoding='utf-8') as file,
    ):
        csv.writer(file).writerows([header, *rows])
