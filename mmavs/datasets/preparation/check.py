"""Is everything there, and is it what it should be?"""

from collections import Counter
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from mmavs.audio.log_mel import EXAMPLE_LENGTH, SAMPLE_RATE
from mmavs.audio.wav import read_wav
from mmavs.media.picture_files import read_picture

from ..avss_classes import AVSS_CLASSES, AVSS_PALETTE
from ..masks import read_mask
from .clips import SPLITS, ClipJob
from .pool import run_all

# Tables 1 and 2 of https://arxiv.org/abs/2301.13190; for AVSS what is handed
# out: 12,356 clips less the 1,000 test clips that are withheld.
OFFICIAL_CLIPS: Dict[str, Dict[str, int]] = {
    's4': dict(train=3452, val=740, test=740),
    'ms3': dict(train=296, val=64, test=64),
    'avss': dict(train=8498, val=1304, test=1554),
}
WITHHELD_AVSS = 1000
_MAX_REST = 0.1  # s of the last second; with less it counts as missing


class Report(NamedTuple):
    """What :func:`check_data` found.

    Attributes:
        counts (dict): Whole clips by split.
        expected (dict, optional): What there should be.
        withheld (int): AVSS test clips in the csv that nobody is given.
        sizes (dict): Clips by (height, width) of their frames.
        problems (list[str]): One a missing, damaged or odd file.
    """

    counts: Dict[str, int]
    expected: Optional[Dict[str, int]]
    withheld: int
    sizes: Dict[Tuple[int, int], int]
    problems: List[str]

    @property
    def passed(self) -> bool:
        """bool: Nothing is wrong and the counts are as expected."""
        return not self.problems and self.expected in (None, self.counts)


class _ClipState(NamedTuple):
    problems: List[str]
    size: Optional[Tuple[int, int]]


def check_data(
    setting: str,
    jobs: Sequence[ClipJob],
    expected: Optional[Dict[str, int]],
    workers: Optional[int] = None,
    progress: bool = True,
) -> Report:
    """Read every file of every clip.

    Args:
        setting (str): 's4', 'ms3' or 'avss'.
        jobs (Sequence[ClipJob]): From :func:`list_jobs`.
        expected (dict, optional): Clips by split; None expects nothing.
        workers (int, optional): Processes. Defaults to the usable CPUs.
        progress (bool): Show a bar.

    Returns:
        Report: The findings.
    """
    problems: List[str] = []
    jobs, withheld = _without_withheld(setting, jobs)
    counts, sizes = dict.fromkeys(SPLITS, 0), Counter()
    states: List[Optional[_ClipState]] = [None] * len(jobs)
    for index, state in run_all(
        check_clip, jobs, 'checking clips', workers, progress
    ):
        states[index] = state
    for job, state in zip(jobs, states):
        problems += state.problems
        counts[job.split] += not state.problems
        if state.size:
            sizes[state.size] += 1
    return Report(counts, expected, withheld, dict(sizes), problems)


def _without_withheld(
    setting: str, jobs: Sequence[ClipJob]
) -> Tuple[List[ClipJob], int]:
    """Leave out AVSS test clips if exactly those withheld have no folder."""
    absent = {
        job.clip_id
        for job in jobs
        if job.split == 'test' and not job.folder.is_dir()
    }
    if setting != 'avss' or len(absent) != WITHHELD_AVSS:
        return list(jobs), 0
    kept = [
        job for job in jobs if job.split != 'test' or job.clip_id not in absent
    ]
    return kept, WITHHELD_AVSS


def check_clip(job: ClipJob) -> _ClipState:
    """Read a clip's frames, masks and sound.

    Returns:
        tuple: Problems (each naming its file), and height and width of the
        frames if they agree.
    """
    problems, sizes = [], Counter()
    for path in job.frames:
        problem, size = _check_frame(path)
        problems += [problem] if problem else []
        sizes += Counter([size] if size else [])
    if len(sizes) > 1:
        problems.append(f'{job.folder}: frames of several sizes {set(sizes)}')
    size = next(iter(sizes)) if len(sizes) == 1 else None
    for path in job.masks:
        problem = _check_mask(path, job.mask_encoding, size)
        problems += [problem] if problem else []
    problems += _check_sound(job.audio, len(job.frames))
    problems += _strangers(job)
    return _ClipState(problems, size)


def _check_frame(path: Path) -> tuple:
    """(problem or None, (height, width) or None)."""
    try:
        return None, read_picture(path).shape[:2]
    except FileNotFoundError:
        return f'{path}: missing', None
    except ValueError as error:
        return str(error), None


def _check_mask(
    path: Path, encoding: str, size: Optional[tuple]
) -> Optional[str]:
    """Problem with a mask, or None."""
    try:
        mask = read_mask(path, encoding, len(AVSS_CLASSES), AVSS_PALETTE)
    except FileNotFoundError:
        return f'{path}: missing'
    except ValueError as error:
        return str(error)
    if size and mask.shape != size:
        return f'{path}: {mask.shape}, but the frames are {size} (H, W)'
    return None


def _check_sound(path: Path, seconds: int) -> List[str]:
    """Problems with a wav file."""
    try:
        waveform, rate = read_wav(path)
    except FileNotFoundError:
        return [f'{path}: missing']
    except ValueError as error:
        return [str(error)]
    length = waveform.shape[1] / rate
    if length < max(seconds - 1 + _MAX_REST, EXAMPLE_LENGTH / SAMPLE_RATE):
        return [f'{path}: {length:.2f} s of sound for {seconds} frames']
    return []


def _strangers(job: ClipJob) -> List[str]:
    """Files among the frames that are none."""
    folder = job.frames[0].parent
    if not folder.is_dir():
        return []
    known = {path.name for path in job.frames}
    return [
        f'{path}: not one of the {len(known)} frames of the clip'
        for path in sorted(folder.iterdir())
        if path.name not in known and path.name[0] != '.'
    ]
