"""Make AVSBench's frames and wav files from raw videos, or check them.

    # videos under data/avsbench/Multi-sources/ms3_data/raw_videos
    python tools/dataset_converters/prepare_avsbench.py ms3 \
        data/avsbench/Multi-sources

    # is everything there? (exit code 1 if not)
    python tools/dataset_converters/prepare_avsbench.py ms3 \
        data/avsbench/Multi-sources --check

A run that was stopped is carried on by the same command. FFmpeg's programs
are not needed.
"""

import argparse
from pathlib import Path

from mmavs.command_line import run_script
from mmavs.commands import in_commands, program
from mmavs.datasets.arguments import split_count
from mmavs.datasets.preparation import (
    OFFICIAL_CLIPS,
    SETTINGS,
    Options,
    Report,
    check_data,
    list_jobs,
    prepare_data,
)
from mmavs.datasets.preparation.prepare import copy_lists
from mmavs.media.video import SAMPLINGS


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog=program(),
        description=in_commands(__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('setting', choices=SETTINGS)
    parser.add_argument('data_root', type=Path, help='folder of the csv')
    parser.add_argument(
        '--videos',
        metavar='PATTERN',
        help='path of a video below data_root, with {clip_id}, {split}, '
        '{category}, {part} (AVSS); default: where the release has them',
    )
    parser.add_argument(
        '--out', type=Path, help='root of the files made; default: data_root'
    )
    parser.add_argument(
        '--sampling',
        choices=SAMPLINGS,
        default='index',
        help="'index' as released; 'time' for variable frame rate",
    )
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('H', 'W'),
        help='of the frames; default: 224 224 (S4, MS3), as they are (AVSS)',
    )
    parser.add_argument(
        '--log-mel-cache',
        default='data/cache/log_mel',
        help="folder of the log-mels, 'none' for no log-mels",
    )
    parser.add_argument(
        '--workers', type=int, help='processes; default: all usable CPUs'
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='make all files again'
    )
    add_check_arguments(parser)
    return parser.parse_args()


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of a run that only reads."""
    parser.add_argument(
        '--check', action='store_true', help='make nothing, read everything'
    )
    parser.add_argument(
        '--expect',
        nargs='*',
        type=split_count,
        metavar='SPLIT=N',
        help='with --check: clips of each split; default: the official '
        'numbers; nothing after it: any number',
    )


def prepare(args: argparse.Namespace) -> int:
    """Prepare all clips; returns the exit code."""
    out = args.out or args.data_root
    jobs = list_jobs(args.setting, args.data_root, args.videos, out)
    copy_lists(args.setting, args.data_root, out)
    cache = args.log_mel_cache
    options = Options(
        args.sampling,
        tuple(args.size) if args.size else SETTINGS[args.setting].size,
        None if cache == 'none' else cache,
        args.overwrite,
    )
    short = sum(job.seconds < len(job.frames) for job in jobs)
    if short:
        print(
            f'{short} clips start after second 5 of ten; as released, what is '
            'left is taken, and their last frame and second of sound are '
            'missing (--check names them)'
        )
    outcomes = prepare_data(jobs, out, options, args.workers)
    errors = [outcome for outcome in outcomes if outcome.error]
    for outcome in errors:
        print(f'{outcome.clip_id}: {outcome.error}')
    made = sum(outcome.made for outcome in outcomes)
    there = len(outcomes) - made - len(errors)
    print(
        f'{args.setting}: {made} clips made, {there} were there already, '
        f'{len(errors)} failed; under {out}'
    )
    return 1 if errors else 0


def check(args: argparse.Namespace) -> int:
    """Check all clips; returns the exit code."""
    root = args.out or args.data_root
    expected = OFFICIAL_CLIPS[args.setting]
    if args.expect is not None:
        expected = {**dict.fromkeys(expected, 0), **dict(args.expect)}
        expected = expected if args.expect else None
    jobs = list_jobs(args.setting, root)
    report = check_data(args.setting, jobs, expected, args.workers)
    print_report(args.setting, report)
    return 0 if report.passed else 1


def print_report(setting: str, report: Report) -> None:
    """Name every problem, then the counts."""
    for problem in report.problems:
        print(problem)
    for split, count in report.counts.items():
        should = report.expected and report.expected[split]
        verdict = '' if should is None else f' of {should}'
        wrong = should is not None and should != count
        print(f'{setting} {split}: {count}{verdict} whole clips', end='')
        print('  <-- differs' if wrong else '')
    if report.withheld:
        print(f'{report.withheld} test clips of the csv are withheld')
    for (height, width), clips in sorted(report.sizes.items()):
        print(f'frames of {height} x {width}: {clips} clips')
    differ = report.expected not in (None, report.counts)
    print(
        'passed'
        if report.passed
        else f'{len(report.problems)} problems'
        + (', and other numbers of clips than expected' if differ else '')
    )


def main() -> int:
    """Prepare or check; returns the exit code."""
    args = parse_args()
    return check(args) if args.check else prepare(args)


if __name__ == '__main__':
    run_script(main)
