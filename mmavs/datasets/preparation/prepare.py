"""Raw videos to frames, wav files and the log-mel cache."""

import functools
import json
import shutil
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from scipy.io import wavfile

from mmavs.audio import vggish_log_mel
from mmavs.audio.pairing import pair_with_frames
from mmavs.audio.sound_track import read_sound_track
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.text_files import read_json
from mmavs.files.whole_files import (
    remove_remains,
    whole_file,
    write_picture,
    write_text,
)
from mmavs.media.video import read_frames

from ..transforms.audio import VGGishLogMel
from ..transforms.loading import LoadAudio
from .clips import SETTINGS, ClipJob
from .pool import run_all

SAMPLE_RATE = 16000  # Hz, of AVSBench's wav files
STATE_FILE = 'prepared.json'


class Options(NamedTuple):
    """How clips are prepared.

    Attributes:
        sampling (str): ``'index'`` (as released) or ``'time'``, see
            :func:`mmavs.media.video.read_frames`.
        size (tuple[int, int], optional): Height and width of the frames.
        log_mel_cache (str, optional): Folder of ``VGGishLogMel``'s cache; None
            computes no log-mels.
        overwrite (bool): Make files again that are there.
    """

    sampling: str = 'index'
    size: Optional[Tuple[int, int]] = (224, 224)
    log_mel_cache: Optional[str] = None
    overwrite: bool = False


class Outcome(NamedTuple):
    """What became of one clip.

    Attributes:
        clip_id (str): Its name.
        made (bool): Files were written, not only found.
        error (str, optional): What is wrong with its video.
    """

    clip_id: str
    made: bool
    error: Optional[str] = None


def prepare_data(
    jobs: Sequence[ClipJob],
    root: Union[str, Path],
    options: Options,
    workers: Optional[int] = None,
    progress: bool = True,
) -> List[Outcome]:
    """Prepare many clips; carries on where an earlier run was stopped.

    Every file appears under its name only when it is whole, and files that
    are there are left alone, so a run that was killed is continued by the
    same call. A clip that cannot be prepared does not stop the others.

    Args:
        jobs (Sequence[ClipJob]): From :func:`list_jobs`.
        root (str or Path): Of the files to make; ``prepared.json`` there
            notes how they are made.
        options (Options): How.
        workers (int, optional): Processes. Defaults to the usable CPUs.
        progress (bool): Show a bar.

    Returns:
        list[Outcome]: One a job, in the same order.

    Raises:
        ValueError: ``root`` holds files made with other options.
    """
    _note_options(Path(root), options)
    work = functools.partial(prepare_clip, options=options)
    outcomes: List[Optional[Outcome]] = [None] * len(jobs)
    done = run_all(work, jobs, 'preparing clips', workers, progress)
    for index, outcome in done:
        outcomes[index] = outcome
    return outcomes


def prepare_clip(job: ClipJob, options: Options) -> Outcome:
    """Make one clip's frames, wav file and cached log-mels.

    Returns:
        Outcome: With the error's text if the video is unusable.
    """
    missing = [
        path
        for path in (*job.frames[: job.seconds], job.audio)
        if options.overwrite or not path.exists()
    ]
    try:
        if missing:
            _write_clip(job, options, missing)
        if options.log_mel_cache:
            _fill_cache(job, options.log_mel_cache)
    except (OSError, ValueError) as error:
        return Outcome(job.clip_id, False, str(error))
    return Outcome(job.clip_id, bool(missing))


def _write_clip(job: ClipJob, options: Options, missing: List[Path]) -> None:
    """Decode first, then write: an unusable video leaves nothing behind."""
    keep_inputs([job.video], missing)
    images = read_frames(
        job.video, job.seconds, options.sampling, options.size
    )
    samples = _sound(job)
    for path in missing:
        # What a run that was killed left of this very file.
        remove_remains(path.parent, path.name)
    for path, image in zip(job.frames, images):
        if path in missing:
            write_picture(path, image)
    if job.audio in missing:
        with whole_file(job.audio) as partial:
            wavfile.write(partial, SAMPLE_RATE, samples)


def _sound(job: ClipJob) -> np.ndarray:
    """The video's sound, no longer than the clip, (S,) int16."""
    waveform = read_sound_track(
        job.video, str(job.video), SAMPLE_RATE, job.seconds
    )
    examples = vggish_log_mel(waveform, SAMPLE_RATE)
    try:
        pair_with_frames(examples, job.seconds, 'repeat')
    except ValueError as error:
        raise ValueError(
            f'{job.video}: {error}. Fix: download the whole clip, or leave '
            'it out.'
        ) from None
    return (waveform * 32768).round().short().numpy()


def _fill_cache(job: ClipJob, folder: str) -> None:
    """Compute what the training pipeline will ask for."""
    results = dict(audio_path=str(job.audio), frames=[{}] * len(job.frames))
    results = LoadAudio(SAMPLE_RATE).transform(results)
    VGGishLogMel('zeros', folder).transform(results)


def _note_options(root: Path, options: Options) -> None:
    """Note how the files of a root are made; refuse to mix."""
    path = root / STATE_FILE
    size = list(options.size) if options.size else None
    mine = dict(sampling=options.sampling, size=size)
    if path.exists() and not options.overwrite:
        fix = 'delete it, if the files there were made with these options.'
        theirs = read_json(path, fix)
        if theirs != mine:
            raise ValueError(
                f'{path} says that the files there were made with {theirs}, '
                f'not {mine}. Fix: take the same options, or another --out '
                '(prepare_avsbench.py also has --overwrite).'
            )
        return
    write_text(path, json.dumps(mine))


def copy_lists(setting: str, data_root: Path, out: Path) -> None:
    """Give another root the csv (and AVSS's table of labels) as well.

    Args:
        setting (str): 's4', 'ms3' or 'avss'.
        data_root (Path): Where they are.
        out (Path): Where to.
    """
    for name in (SETTINGS[setting].dataset.ANN_FILE, 'label2idx.json'):
        source = data_root / name
        if source.exists() and not (out / name).exists():
            with whole_file(out / name) as partial:
                shutil.copy(source, partial)
