"""Where the files of a clip lie: AVSBench's on-disk layouts.

One :class:`Layout` per setting; the data sets of :mod:`mmavs.datasets` read
the same places in the real data.
"""

from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

from .script import KINDS, SPLITS, ClipScript
from .world import NamedClass

Classes = Sequence[NamedClass]


class ClipFiles(NamedTuple):
    """The files of one clip.

    Attributes:
        frames (list[Path]): T pictures.
        masks (list[Path]): As many as the setting labels, from the first on.
        color_masks (list[Path]): The same as colours (AVSS), or none.
        audio (Path): The sound.
        video (Path): The raw video, written on request.
        category_maps (list[Path]): Which category sounds where (MS3), or
            none; the real data get theirs from
            ``tools/dataset_converters/ms3_categories.py``.
    """

    frames: List[Path]
    masks: List[Path]
    color_masks: List[Path]
    audio: Path
    video: Path
    category_maps: Sequence[Path] = ()


class Layout(NamedTuple):
    """One setting on disk.

    Attributes:
        folder (str): Name of the data root.
        csv_name (str): The list of clips, beside the data.
        columns (tuple): Its header.
        kinds (tuple): Kinds of clip, taken in turn.
        files (callable): ``(root, script, split, classes) -> ClipFiles``.
        row (callable): ``(script, split, classes) -> tuple``, one csv row.
        semantic (bool): Masks hold classes, not 0 and 255.
        landscape (bool): Frames are 4:3, as in original videos.
    """

    folder: str
    csv_name: str
    columns: Tuple[str, ...]
    kinds: Tuple[str, ...]
    files: Callable[[Path, ClipScript, str, Classes], ClipFiles]
    row: Callable[[ClipScript, str, Classes], tuple]
    semantic: bool = False
    landscape: bool = False


def num_labeled(script: ClipScript, split: str) -> int:
    """Count the labelled frames: S4 labels the first alone for training."""
    single = KINDS[script.kind].sounding == 'one' and split == 'train'
    return 1 if single else script.num_frames


def _category(script: ClipScript, classes: Classes) -> str:
    return classes[script.sounding[0][0]].category


def _s4_files(
    root: Path, script: ClipScript, split: str, classes: Classes
) -> ClipFiles:
    data, name = root / 's4_data', script.clip_id
    place = Path(split) / _category(script, classes)
    numbers = range(1, script.num_frames + 1)
    masks = data / 'gt_masks' / place / name
    frames = data / 'visual_frames' / place / name
    return ClipFiles(
        [frames / f'{name}_{i}.png' for i in numbers],
        [
            masks / f'{name}_{i}.png'
            for i in numbers[: num_labeled(script, split)]
        ],
        [],
        data / 'audio_wav' / place / f'{name}.wav',
        data / 'raw_videos' / place / f'{name}.mp4',
    )


def _ms3_files(
    root: Path, script: ClipScript, split: str, classes: Classes
) -> ClipFiles:
    data, name = root / 'ms3_data', script.clip_id
    numbers = range(1, script.num_frames + 1)
    masks = data / 'gt_masks' / split / name
    categories = data / 'gt_categories' / split / name
    frames = data / 'visual_frames' / name
    return ClipFiles(
        [frames / f'{name}.mp4_{i}.png' for i in numbers],
        [masks / f'{name}_{i}.png' for i in numbers],
        [],
        data / 'audio_wav' / split / f'{name}.wav',
        data / 'raw_videos' / f'{name}.mp4',
        [categories / f'{name}_{i}.png' for i in numbers],
    )


AVSS_LABELS = {'s4': 'v1s', 'ms3': 'v1m', 'v2': 'v2'}


def _avss_files(
    root: Path, script: ClipScript, split: str, classes: Classes
) -> ClipFiles:
    folder = root / AVSS_LABELS[script.kind] / script.clip_id
    labeled = range(num_labeled(script, split))
    return ClipFiles(
        [folder / 'frames' / f'{i}.jpg' for i in range(script.num_frames)],
        [folder / 'labels_semantic' / f'{i}.png' for i in labeled],
        [folder / 'labels_rgb' / f'{i}.png' for i in labeled],
        folder / 'audio.wav',
        folder / 'video.mp4',
    )


def _avss_row(script: ClipScript, split: str, classes: Classes) -> tuple:
    labels = sorted(set().union(*script.sounding))
    names = '_'.join(classes[label].name for label in labels)
    label = AVSS_LABELS[script.kind]
    name = script.clip_id
    return (name, name, 0, script.num_frames, names, split, label)


_MS3 = Layout(
    folder='Multi-sources',
    csv_name='ms3_meta_data.csv',
    columns=('video_id', 'split'),
    kinds=('ms3',),
    files=_ms3_files,
    row=lambda script, split, classes: (script.clip_id, split),
)
_S4 = Layout(
    folder='Single-source',
    csv_name='s4_meta_data.csv',
    columns=('name', 'start', 'category', 'split'),
    kinds=('s4',),
    files=_s4_files,
    row=lambda script, split, classes: (
        script.clip_id,
        0,
        _category(script, classes),
        split,
    ),
)
LAYOUTS: Dict[str, Layout] = {
    's4': _S4,
    # no silent object beside the one that sounds: the picture gives the mask
    # away
    's4-alone': _S4._replace(
        folder='Single-source-alone', kinds=('s4-alone',)
    ),
    'ms3': _MS3,
    # MS3's files, read by its data set: whatever is seen sounds and is
    # labelled, which is what COCO is to networks that look for instances
    'all': _MS3._replace(folder='All-sources', kinds=('all',)),
    'avss': Layout(
        folder='AVSBench-semantic',
        csv_name='metadata.csv',
        columns=('vid', 'uid', 's_min', 's_sec', 'a_obj', 'split', 'label'),
        kinds=('s4', 'ms3', 'v2'),
        files=_avss_files,
        row=_avss_row,
        semantic=True,
        landscape=True,
    ),
}
SETTINGS = tuple(LAYOUTS)

__all__ = ['LAYOUTS', 'SETTINGS', 'SPLITS', 'ClipFiles', 'Layout']
