"""The clips of a setting: which files each is made of, and of which video."""

import math
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple, Union

from ..avsbench import (
    AVSBenchMS3Dataset,
    AVSBenchS4Dataset,
    AVSBenchSemanticDataset,
)
from ..base import AVSClipDataset

SPLITS = ('train', 'val', 'test')
S4_SECONDS, RAW_SECONDS = 5, 10  # of a clip; of the video it is cut out of


class Setting(NamedTuple):
    """One of AVSBench's settings.

    Attributes:
        dataset (type): Knows the layout.
        video (str): Where raw videos lie below the data root.
        size (tuple, optional): Height and width of the frames; None: as in
            the video.
    """

    dataset: type
    video: str
    size: Optional[Tuple[int, int]]


SETTINGS: Dict[str, Setting] = {
    's4': Setting(
        AVSBenchS4Dataset,
        's4_data/raw_videos/{split}/{category}/{clip_id}.mp4',
        (224, 224),
    ),
    'ms3': Setting(
        AVSBenchMS3Dataset, 'ms3_data/raw_videos/{clip_id}.mp4', (224, 224)
    ),
    'avss': Setting(
        AVSBenchSemanticDataset, '{part}/{clip_id}/video.mp4', None
    ),
}


class ClipJob(NamedTuple):
    """One clip's files.

    Attributes:
        clip_id (str): Its name.
        split (str): 'train', 'val' or 'test'.
        video (Path): The raw video.
        frames (tuple[Path]): T pictures.
        masks (tuple[Path]): Masks of the labelled frames.
        mask_encoding (str): See :func:`mmavs.datasets.masks.read_mask`.
        audio (Path): The wav file.
        folder (Path): The clip's own folder (of its frames, in S4 and MS3).
        seconds (int): Of the video: so many frames, from the first on, are
            made. Less than T for a few clips of S4.
    """

    clip_id: str
    split: str
    video: Path
    frames: Tuple[Path, ...]
    masks: Tuple[Path, ...]
    mask_encoding: str
    audio: Path
    folder: Path
    seconds: int


def list_jobs(
    setting: str,
    data_root: Union[str, Path],
    videos: Optional[str] = None,
    out: Optional[Union[str, Path]] = None,
) -> List[ClipJob]:
    """List all clips of a setting, whether their files are there or not.

    Args:
        setting (str): 's4', 'ms3' or 'avss'.
        data_root (str or Path): Holds the csv, and the videos unless
            ``videos`` says otherwise.
        videos (str, optional): Path of a clip's video, with ``{clip_id}``,
            ``{split}``, ``{category}`` and, for AVSS, ``{part}``; relative to
            ``data_root``. Defaults to the released layout.
        out (str or Path, optional): Root of the files to make. Defaults to
            ``data_root``.

    Returns:
        list[ClipJob]: In the order of the csv, split by split.

    Raises:
        FileNotFoundError: There is no csv.
        ValueError: Unknown setting, an unusable csv, or a placeholder in
            ``videos`` that the setting does not have.
    """
    if setting not in SETTINGS:
        raise ValueError(
            f'setting must be one of {tuple(SETTINGS)}, got {setting!r}'
        )
    jobs = []
    for split in SPLITS:
        dataset: AVSClipDataset = SETTINGS[setting].dataset(
            str(data_root), split, lazy_init=True, check_files=False
        )
        short = _short_clips(dataset) if setting == 's4' else {}
        for clip in dataset.list_clips():
            job = _job(setting, clip, split, Path(data_root), videos)
            seconds = short.get(job.clip_id, job.seconds)
            jobs.append(job._replace(seconds=seconds))
    if out is not None and Path(out) != Path(data_root):
        jobs = [_move(job, Path(data_root), Path(out)) for job in jobs]
    return jobs


def _job(
    setting: str, clip: dict, split: str, root: Path, videos: Optional[str]
) -> ClipJob:
    audio = Path(clip['audio_path'])
    words = dict(clip_id=clip['clip_id'], split=split)
    words['category'] = clip['category'] or ''
    if setting == 'avss':
        words['part'] = audio.parent.parent.name
    pattern = videos or SETTINGS[setting].video
    try:
        video = root / pattern.format(**words)
    except (KeyError, IndexError) as error:
        raise ValueError(
            f'videos={pattern!r}: there is no {error} for {setting}. Fix: '
            f'use {sorted(words)}.'
        ) from None
    frames = tuple(Path(frame['img_path']) for frame in clip['frames'])
    masks = (frame['seg_map_path'] for frame in clip['frames'])
    return ClipJob(
        clip['clip_id'],
        split,
        video,
        frames,
        tuple(Path(mask) for mask in masks if mask),
        clip['frames'][0]['mask_encoding'],
        audio,
        audio.parent if setting == 'avss' else frames[0].parent,
        len(frames),
    )


def _short_clips(dataset: AVSClipDataset) -> Dict[str, int]:
    """Find the clips of S4 that last for less than five seconds.

    The released script takes five seconds of a ten-second video from column
    ``start`` on, or what is left of the ten: 4 s of those that start at 6.

    Returns:
        dict[str, int]: Clip id to seconds.
    """
    short = {}
    for row in dataset.split_rows('name', ['category']):
        left = RAW_SECONDS - _number(row.get('start') or 0)
        if not 1 <= left <= RAW_SECONDS:
            raise ValueError(
                f'{dataset.ann_file}, line {row.line}: start is '
                f'{row["start"]!r}, not a second before the last of '
                f'{RAW_SECONDS}. Fix: correct it, or remove the column.'
            )
        if left < S4_SECONDS:
            short[row['name']] = int(left)
    return short


def _number(text: Union[str, int]) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _move(job: ClipJob, root: Path, out: Path) -> ClipJob:
    """Make the clip's files lie below another root."""
    return job._replace(
        frames=tuple(out / path.relative_to(root) for path in job.frames),
        audio=out / job.audio.relative_to(root),
        folder=out / job.folder.relative_to(root),
    )
