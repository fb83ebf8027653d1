"""Damaged and hostile files through every door (``make fuzz``).

Each file is read in a process of its own, within limits of time and memory.
It may end in an error made for users, which names the file, in the same
result as the whole file, or in another one where something was said about the
file or its format has no checksums. It fails on a hang, a crash (which any
other exception counts as), a payload that ran, and a silent difference.
"""

import argparse
import itertools
import os
import shutil
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

import torch
from crafted import CRAFTED, UNSEEN
from damages import EVERY, PAYLOAD, RAN, Damage
from doors import KINDS, Kind, small_model, warm_up
from isolation import MEMORY, Outcome, run_all
from seeds import make

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.utils import register_all_modules

ENDS = ('error', 'equal', 'different', 'hang', 'crash')


class Case(NamedTuple):
    """One damaged file.

    Attributes:
        kind (str): Of ``KINDS``.
        damage (str): What was done to it; '' for the whole file.
    """

    kind: str
    damage: str


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--kinds', nargs='+', choices=KINDS, default=[*KINDS])
    parser.add_argument('--damage', help='this one alone')
    parser.add_argument(
        '--workers', type=int, default=len(os.sched_getaffinity(0))
    )
    parser.add_argument(
        '--keep', type=Path, help='leave the files of failed cases here'
    )
    parser.add_argument(
        '--verbose', action='store_true', help='say how every case ended'
    )
    return parser.parse_args()


def damages(kind: str) -> Dict[str, Damage]:
    """List what is done to a kind of file."""
    return {**EVERY, **CRAFTED.get(kind, {})}


def set_up(
    case: Case, seeds: Path, folder: Path
) -> Tuple[Case, partial, Path]:
    """Copy the seeds of a case, and damage one file of them."""
    kind = KINDS[case.kind]
    inside = folder / 'in'
    shutil.copytree(seeds / kind.seeds, inside)
    if case.damage:
        target = find(kind, inside)
        damages(case.kind)[case.damage](target)
    return case, partial(kind.door, inside), folder


def find(kind: Kind, folder: Path) -> Path:
    """Find the file of a kind that is damaged: the first of its pattern."""
    return sorted(folder.glob(kind.target))[0]


def judge(
    case: Case, outcome: Outcome, whole: str, folder: Path, name: str
) -> Tuple[str, Optional[str]]:
    """Say how a case ended.

    Args:
        case (Case): What was done.
        outcome (Outcome): How its process ended.
        whole (str): Digest of what the whole file gives.
        folder (Path): Of the case.
        name (str): The file's.

    Returns:
        tuple[str, str or None]: Of ``ENDS``; and if it is a failure, which:
        'silent', 'ran', 'escaped', 'hang' or 'crash'.
    """
    names = (name, *KINDS[case.kind].names)
    failure = _left_behind(folder)
    if outcome.end == 'error':
        named = any(n in outcome.text for n in names)
        return ('error', failure) if named else ('crash', failure or 'crash')
    if outcome.end == 'hang':
        return 'hang', failure or 'hang'
    if outcome.end != 'value':
        return 'crash', failure or 'crash'
    if outcome.text == whole:
        return 'equal', failure
    told = any(n in outcome.said for n in names)
    unseen = case.damage in UNSEEN.get(case.kind, ()) or (
        case.damage in PAYLOAD and not KINDS[case.kind].checked
    )
    return 'different', failure or (None if told or unseen else 'silent')


def _left_behind(folder: Path) -> Optional[str]:
    """Say what a case did that no file may do."""
    expected = {'in', 'out', 'said', 'outcome'}
    found = {path.name for path in folder.iterdir()}
    if RAN in found:
        return 'ran'
    return 'escaped' if found - expected else None


def try_all(
    cases: List[Case], seeds: Path, root: Path, workers: int
) -> Iterator[Tuple[Case, Outcome, Path]]:
    """Run cases; each gets its folder when its turn comes."""
    jobs = (
        set_up(case, seeds, _new(root / str(index)))
        for index, case in enumerate(cases)
    )
    folders = {case: root / str(index) for index, case in enumerate(cases)}
    for case, outcome in run_all(jobs, workers):
        yield case, outcome, folders[case]


def _new(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def draw_table(ends: Dict[str, Counter]) -> str:
    """Draw how the cases of each kind ended."""
    width = max(map(len, [*ends, 'kind of file']))
    lines = [f'{"kind of file":{width}}' + ''.join(f'{e:>11}' for e in ENDS)]
    rows = [*ends.items(), ('all', sum(ends.values(), Counter()))]
    for kind, counts in rows:
        numbers = ''.join(f'{counts[end]:>11}' for end in ENDS)
        lines.append(f'{kind:{width}}{numbers}')
    return '\n'.join(lines)


def main() -> int:
    args = parse_args()
    torch.set_num_threads(1)  # a process with threads must not fork
    register_all_modules()
    with tempfile.TemporaryDirectory(prefix='fuzz-') as folder:
        root = Path(folder)
        prove_guard(root / 'guard')
        seeds = root / 'seeds'
        make(seeds, small_model())
        warm_up(seeds)
        return fuzz(args, seeds, root)


def prove_guard(root: Path) -> None:
    """See that whatever must not happen would be seen.

    Raises:
        RuntimeError: It was not.
    """
    wrong = {
        'hang': lambda: [None for _ in itertools.count()],
        'crash': os.abort,
        'silent': lambda: 'another value',
        'ran': lambda: os.mkdir(RAN),
        'escaped': lambda: os.mkdir('elsewhere'),
    }
    wrong['no name'] = wrong['memory'] = lambda: bytes(MEMORY)
    jobs = ((name, work, _new(root / name)) for name, work in wrong.items())
    case = Case('mask, binary', 'bit 1 of 6')
    for name, outcome in run_all(jobs, 1, seconds=2):
        _, failure = judge(case, outcome, 'a value', root / name, 'x.png')
        if failure is None:
            raise RuntimeError(f'{name} was taken for {outcome}')


def fuzz(args: argparse.Namespace, seeds: Path, root: Path) -> int:
    """Run all cases, print the failures and the table.

    Returns:
        int: 1 if a case failed.
    """
    whole = read_whole(args, seeds, root / 'whole')
    cases = [
        Case(kind, damage)
        for kind in args.kinds
        for damage in damages(kind)
        if args.damage in (None, damage)
    ]
    ends = {kind: Counter() for kind in args.kinds}
    failed = 0
    for case, outcome, folder in try_all(
        cases, seeds, root / 'cases', args.workers
    ):
        kind = KINDS[case.kind]
        name = find(kind, seeds / kind.seeds).name
        end, failure = judge(case, outcome, whole[case.kind], folder, name)
        ends[case.kind][end] += 1
        failed += failure is not None
        if failure or args.verbose:
            print(f'{failure or end:9} {case.kind}: {case.damage}')
            print(_indent(outcome.text), flush=True)
        if failure:
            print(_indent(outcome.said[-2000:]), flush=True)
        if failure and args.keep:
            place = args.keep / f'{case.kind}, {case.damage}'
            shutil.copytree(folder, place, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(folder)
    print(draw_table(ends))
    print(f'{len(cases)} damaged files, {failed} failed')
    return 1 if failed else 0


def read_whole(
    args: argparse.Namespace, seeds: Path, root: Path
) -> Dict[str, str]:
    """Read the whole file of each kind: the digest of what it gives.

    Raises:
        RuntimeError: One is refused.
    """
    cases = [Case(kind, '') for kind in args.kinds]
    found = {}
    for case, outcome, _ in try_all(cases, seeds, root, args.workers):
        if outcome.end != 'value':
            raise RuntimeError(f'{case.kind}: {outcome.text}\n{outcome.said}')
        found[case.kind] = outcome.text
    return found


def _indent(text: str) -> str:
    return '\n'.join(f'    {line}' for line in text.splitlines())


if __name__ == '__main__':
    sys.exit(main())
