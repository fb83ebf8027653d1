"""Folders of masks, anyone's, as clips that the metrics take.

A clip is found by name, whatever lies around it: ``name/name_3.png`` (AVSBench
S4 and MS3), ``name_3.png`` side by side in one folder, ``name/3.png`` and
``name/labels_semantic/3.png`` (AVSBench-semantic).
"""

import re
from collections import Counter
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch

from mmavs.files.text_files import read_rows, read_text
from mmavs.media.listing import visible_files

LABEL_FOLDERS = ('labels_semantic', 'labels_rgb')
NAME_COLUMNS = ('name', 'video_id', 'uid', 'clip_id')
_FRAME = re.compile(r'^(?:(?P<clip>.+)_)?(?P<number>\d+)$')

Frames = Dict[int, Path]
Clips = Dict[Tuple[str, ...], Frames]


class ClipPair(NamedTuple):
    """Files of one clip, in the order of time.

    Attributes:
        key (tuple[str, ...]): Folders of the ground truth and clip name.
        predicted (list[Path]): T files.
        true (list[Path]): T files.
    """

    key: Tuple[str, ...]
    predicted: List[Path]
    true: List[Path]


def find_clips(root: Path) -> Clips:
    """Find the masks of clips below a folder.

    Args:
        root (Path): Where to look. Where there are ``labels_semantic``
            folders, or else ``labels_rgb``, only what is in them counts.

    Returns:
        dict: Of each clip, by its folders and name, frame number to file.

    Raises:
        FileNotFoundError: No such folder, or no mask in it.
        ValueError: Two files for one frame of a clip.
    """
    root = Path(root)
    paths = visible_files(root, ['.png'])
    for folder in LABEL_FOLDERS:
        inside = [path for path in paths if folder in path.parts]
        if inside:
            paths = inside
            break
    clips: Clips = {}
    for path in paths:
        match = _FRAME.match(path.stem)
        if match is None:
            continue
        key = _clip_key(path.relative_to(root).parent, match['clip'])
        frames = clips.setdefault(key or (root.resolve().name,), {})
        other = frames.setdefault(int(match['number']), path)
        if other != path:
            raise ValueError(f'{other} and {path} are both the same frame')
    if not clips:
        raise FileNotFoundError(
            f'no masks in {root}. Fix: give a folder of PNG files named '
            'clip_1.png or clip/1.png'
        )
    return clips


def _clip_key(folder: Path, prefix: Optional[str]) -> Tuple[str, ...]:
    """Name a clip by its folders and, if the file says it, its name."""
    parts = [part for part in folder.parts if part not in LABEL_FOLDERS]
    name = (prefix or '').removesuffix('.mp4')
    if name and (not parts or parts[-1] != name):
        parts.append(name)
    return tuple(parts)


def pair_clips(
    predicted: Clips,
    true: Clips,
    names: Optional[Sequence[str]] = None,
    source: object = 'the list',
) -> List[ClipPair]:
    """Find the prediction of every clip of the ground truth.

    Clips meet by folders and name, or by name alone where it is unique.

    Args:
        predicted (dict): See :func:`find_clips`.
        true (dict): See :func:`find_clips`.
        names (Sequence[str], optional): Clips to score, in dataset order.
            Defaults to all, in the order of their paths.
        source (object): What errors call the list of names.

    Returns:
        list[ClipPair]: In that order.

    Raises:
        ValueError: A clip or a frame is missing on either side.
    """
    keys = list(true) if names is None else _named(true, names, source)
    by_name = _unique_names(predicted)
    pairs, absent = [], []
    for key in keys:
        frames = predicted.get(key) or by_name.get(key[-1])
        if frames is None:
            absent.append(key[-1])
        else:
            pairs.append(_pair_frames(key, frames, true[key]))
    if absent:
        raise ValueError(
            f'{len(absent)} of {len(keys)} clips have no prediction; the '
            f'first is {absent[0]}. Fix: predict them, or list the clips to '
            'score with --clips'
        )
    return pairs


def _named(clips: Clips, names: Sequence[str], source: object) -> List[tuple]:
    by_name = _unique_names({key: key for key in clips})
    absent = [name for name in names if name not in by_name]
    if absent:
        raise ValueError(
            f'{len(absent)} of {len(names)} clips of {source} are not in the '
            f'ground truth; the first is {absent[0]!r}. Fix: correct the '
            'list, or choose its split (--split).'
        )
    return [by_name[name] for name in names]


def _unique_names(clips: dict) -> dict:
    """Index by name alone what has a name of its own."""
    count = Counter(key[-1] for key in clips)
    return {k[-1]: value for k, value in clips.items() if count[k[-1]] == 1}


def _pair_frames(key: tuple, predicted: Frames, true: Frames) -> ClipPair:
    """Pair by number; one side may count from 0 and the other from 1."""
    for shift in (0, 1, -1):
        if {number + shift for number in predicted} == set(true):
            order = sorted(true)
            return ClipPair(
                key,
                [predicted[number - shift] for number in order],
                [true[number] for number in order],
            )
    raise ValueError(
        f'clip {key[-1]}: frames {sorted(predicted)} are predicted, the '
        f'ground truth has {sorted(true)}. Fix: predict every frame, or '
        'number both alike (from 0 or from 1)'
    )


def read_names(path: Path, split: Optional[str] = None) -> List[str]:
    """Read clip names, in dataset order.

    Args:
        path (Path): A ``.csv`` with a column name, video_id, uid or clip_id,
            as AVSBench's own, or a text file of one name a line.
        split (str, optional): Rows of a csv to take, by its column split.

    Returns:
        list[str]: Names.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No such column, no name, one that is there twice, or a
            file in another encoding than UTF-8.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'list of clips not found: {path}')
    if path.suffix != '.csv':
        names = [line.strip() for line in read_text(path).splitlines()]
    else:
        rows = read_rows(path, [])
        columns = [c for c in NAME_COLUMNS if rows and c in rows[0]]
        if not columns or (split and 'split' not in rows[0]):
            raise ValueError(
                f'{path} needs a column of {NAME_COLUMNS}'
                f'{" and a column split" if split else ""}'
            )
        rows = [row for row in rows if split in (None, row.get('split'))]
        nameless = [row.line for row in rows if not row[columns[0]]]
        if nameless:
            raise ValueError(
                f'{path}, line {nameless[0]}: no {columns[0]}. Fix: name the '
                'clip, or remove the row.'
            )
        names = [row[columns[0]] for row in rows]
    names = [name for name in names if name]
    if not names:
        raise ValueError(f'{path} lists no clip of split {split!r}')
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(
            f'{path} lists {twice[0]!r} twice, which would count it twice. '
            'Fix: list every clip once, or choose a split (--split).'
        )
    return names


def read_samples(
    pairs: Sequence[ClipPair],
    read_prediction,
    read_truth,
    semantic: bool,
    groups: Optional[Dict[str, str]] = None,
) -> Iterator[dict]:
    """Read clips one after another, as a metric takes them.

    Args:
        pairs (Sequence[ClipPair]): In dataset order.
        read_prediction (callable): File to (H, W): labels, or probabilities
            in [0, 1] of a binary model.
        read_truth (callable): File to (H, W) labels.
        semantic (bool): Predictions are labels.
        groups (dict, optional): Group of each clip, by name.

    Yields:
        dict: As :meth:`AVSDataSample.to_dict` gives it.

    Raises:
        ValueError: Files that cannot be read, or of several sizes.
    """
    for index, pair in enumerate(pairs):
        predicted = _stack(pair, pair.predicted, read_prediction)
        truth = _stack(pair, pair.true, read_truth)
        _check_size(pair, predicted, truth)
        sample = dict(
            clip_id=pair.key[-1],
            sample_idx=index,
            num_frames=len(pair.true),
            category=pair.key[-2] if len(pair.key) > 1 else None,
            group=(groups or {}).get(pair.key[-1]),
            gt_sem_seg=dict(data=truth.long()),
        )
        if semantic:
            sample['pred_sem_seg'] = dict(data=predicted)
        else:
            sample['seg_logits'] = dict(data=torch.logit(predicted.float()))
        yield sample


def _check_size(
    pair: ClipPair, predicted: torch.Tensor, truth: torch.Tensor
) -> None:
    """Raise ValueError on masks of two sizes, and say how to score them."""
    sizes = [tuple(masks.shape[-2:]) for masks in (predicted, truth)]
    if sizes[0] != sizes[1]:
        height, width = sizes[0]
        raise ValueError(
            f'clip {pair.key[-1]}: predicted at {sizes[0]} (height, width), '
            f'ground truth at {sizes[1]}. Fix: --size {width} {height} '
            'resizes the ground truth to the predictions'
        )


def _stack(pair: ClipPair, paths: Sequence[Path], read) -> torch.Tensor:
    """Read the frames of a clip, (T, 1, H, W)."""
    frames = [read(path) for path in paths]
    sizes = {frame.shape for frame in frames}
    if len(sizes) > 1:
        raise ValueError(
            f'clip {pair.key[-1]}: frames of several sizes, {sorted(sizes)}, '
            f'in {paths[0].parent}'
        )
    return torch.from_numpy(np.stack(frames))[:, None]
