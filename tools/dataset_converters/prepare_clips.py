"""Make clips for AVSDataset from a folder of your own videos.

    python tools/dataset_converters/prepare_clips.py my_videos \
        --out data/mine --split train

writes, for every video, one frame per second and the sound:

    data/mine/train/frames/<video's name>/0.png, 1.png, ...
    data/mine/train/audio/<video's name>.wav

Masks, if there are any, go to data/mine/train/masks/<video's name>/<t>.png.
A run that was stopped is carried on by the same command.
"""

import argparse
from pathlib import Path
from typing import List, Optional

from mmavs.command_line import run_script
from mmavs.commands import in_commands, program
from mmavs.datasets.preparation import ClipJob, Options, prepare_data
from mmavs.files.names import path_inside
from mmavs.media.listing import list_images, visible_files
from mmavs.media.video import SAMPLINGS, VideoPictures

VIDEO_SUFFIXES = ('.mp4', '.mov', '.mkv', '.webm', '.avi', '.m4v')
_TOLERANCE = 0.1  # seconds that a whole second may lack


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog=program(),
        description=in_commands(__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('videos', type=Path, help='folder of videos')
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument(
        '--split', default='', help='folder below --out; default: none'
    )
    parser.add_argument(
        '--seconds', type=int, help='take the first so many; default: all'
    )
    parser.add_argument(
        '--size', type=int, nargs=2, metavar=('H', 'W'), help='of the frames'
    )
    parser.add_argument('--sampling', choices=SAMPLINGS, default='time')
    parser.add_argument(
        '--workers', type=int, help='processes; default: all usable CPUs'
    )
    return parser.parse_args()


def list_videos(folder: Path) -> List[Path]:
    """List the videos in a folder and below.

    Raises:
        FileNotFoundError: There is none.
        ValueError: Two have the same name but for the suffix.
    """
    paths = visible_files(folder, VIDEO_SUFFIXES)
    if not paths:
        inside = ', '.join(sorted(p.name for p in folder.glob('*'))[:5])
        raise FileNotFoundError(
            f'no video in {folder} ({inside or "empty or absent"}). Fix: '
            f'give a folder with files of {VIDEO_SUFFIXES}.'
        )
    names = [path.stem for path in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f'{folder} holds several videos called {twice}. Fix: rename them.'
        )
    return paths


def whole_seconds(path: Path) -> int:
    """Count the whole seconds of a video's pictures.

    Raises:
        ValueError: It is too short, cut off, or damaged.
    """
    pictures = VideoPictures(path)
    seconds = pictures.measure()
    if pictures.missing is not None:
        start, end = pictures.missing
        raise ValueError(
            f'{path} is cut off: its pictures end at {start:.2f} s of '
            f'{end:.2f} s. Fix: download or record it again, or take what is '
            'there (--seconds).'
        )
    if int(seconds + _TOLERANCE) < 1:
        raise ValueError(
            f'{path} lasts for {seconds:.2f} s. Fix: a clip needs a whole '
            'second; leave it out.'
        )
    return int(seconds + _TOLERANCE)


def plan_clip(video: Path, base: Path, seconds: Optional[int]) -> ClipJob:
    """Say which files a video becomes.

    Raises:
        ValueError: See :func:`whole_seconds` and :func:`check_remains`; or
            the video's name cannot be that of a folder.
    """
    seconds = seconds or whole_seconds(video)
    folder = path_inside(base / 'frames', video.stem)
    job = ClipJob(
        video.stem,
        base.name,
        video,
        tuple(folder / f'{t}.png' for t in range(seconds)),
        (),
        'binary',
        base / 'audio' / f'{video.stem}.wav',
        folder,
        seconds,
    )
    check_remains(job)
    return job


def check_remains(job: ClipJob) -> None:
    """Refuse to add to a clip of another length.

    The sound is written last, so a run that was stopped leaves some of the
    frames and no sound.

    Raises:
        ValueError: There are more frames than asked for, or the sound of
            fewer.
    """
    there = len(list_images(job.folder))
    asked = len(job.frames)
    if there > asked or (there < asked and job.audio.exists()):
        raise ValueError(
            f'{job.folder} and {job.audio} hold {there} seconds, {asked} are '
            'asked for now: they were made with other --seconds or of another '
            'video. Fix: remove both, or take another --out.'
        )


def main() -> int:
    """Prepare all videos; exit code 1 if any failed."""
    args = parse_args()
    jobs, errors = [], []
    for video in list_videos(args.videos):
        try:
            base = args.out / args.split
            jobs.append(plan_clip(video, base, args.seconds))
        except ValueError as error:
            errors.append(str(error))
    size = tuple(args.size) if args.size else None
    options = Options(args.sampling, size)
    outcomes = prepare_data(jobs, args.out, options, args.workers)
    errors += [outcome.error for outcome in outcomes if outcome.error]
    for error in errors:
        print(error)
    made = sum(outcome.made for outcome in outcomes)
    there = sum(not (o.made or o.error) for o in outcomes)
    print(
        f'{made} clips made, {there} were there already, {len(errors)} '
        f'failed; under {args.out / args.split}'
    )
    return 1 if errors else 0


if __name__ == '__main__':
    run_script(main)
