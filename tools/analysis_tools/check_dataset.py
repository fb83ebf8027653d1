"""Read every clip of a config's data, and name what is wrong or has no mask.

    python tools/analysis_tools/check_dataset.py CONFIG \
        [--splits train val test] [--workers 2] [--synthetic]

Every clip goes through the pipeline that a run would send it through, so what
would stop training in its third hour is said now: files that are absent or
damaged, masks of other values or another size, sound that is too short. The
first problem of each clip is named. Clips without any mask are named too; they
are nothing wrong, but nobody trains on them or scores them. Exit code 1 if
there are problems.
"""

import argparse
from collections import Counter
from itertools import chain
from typing import List, NamedTuple, Optional, Tuple

from mmengine.config import Config, DictAction
from rich.progress import track
from torch.utils.data import DataLoader, Dataset

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.command_line import FAILED, run_script
from mmavs.commands import in_commands, program
from mmavs.datasets import AVSClipDataset
from mmavs.datasets.wrapped import unwrapped
from mmavs.engine.run_config import (
    SPLITS,
    config_to_look_at,
    innermost_datasets,
    load_config,
    loader_of,
)
from mmavs.registry import DATASETS
from mmavs.utils import register_all_modules


class Finding(NamedTuple):
    """What reading one clip gave.

    Attributes:
        clip_id (str): Its name.
        frames (int): T.
        labeled (int): Frames with a mask.
        size (tuple[int, int], optional): Height and width of its files.
        problem (str, optional): What is wrong.
    """

    clip_id: str
    frames: int
    labeled: int
    size: Optional[Tuple[int, int]]
    problem: Optional[str]


class Findings(Dataset):
    """A data set whose items are findings instead of clips."""

    def __init__(self, clips: AVSClipDataset) -> None:
        self.clips = clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Finding:
        info = self.clips.get_data_info(index)
        size = problem = None
        try:
            sample = self.clips[index]['data_samples']
            size = tuple(sample.ori_shape[:2])
        except (OSError, ValueError) as error:
            problem = str(error)
        return Finding(
            info['clip_id'],
            info['num_frames'],
            len(info['labeled_frames']),
            size,
            problem,
        )


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog=program(),
        description=in_commands(__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--splits',
        nargs='+',
        choices=SPLITS,
        help='default: all that the config has',
    )
    parser.add_argument('--workers', type=int, default=2, help='processes')
    parser.add_argument(
        '--synthetic', action='store_true', help='on the synthetic set'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def read_clips(config: Config, split: str, workers: int) -> List[Finding]:
    """Read the clips of a split, whatever wraps them."""
    dataset = loader_of(config, split).dataset
    for inner in innermost_datasets(dataset):
        inner.check_files = False  # which would stop at the first
    parts = unwrapped(DATASETS.build(dataset))
    loaders = [
        DataLoader(
            Findings(part),
            batch_size=None,
            num_workers=workers,
            collate_fn=lambda finding: finding,
        )
        for part in parts
    ]
    total = sum(map(len, parts))
    return list(track(chain(*loaders), f'{split} clips', total=total))


def summary(split: str, found: List[Finding]) -> List[str]:
    """Count a split's clips and frames, and name those without a mask."""
    frames = sum(finding.frames for finding in found)
    labeled = sum(finding.labeled for finding in found)
    sizes = Counter(finding.size for finding in found if finding.size)
    lines = [
        f'{split}: {len(found)} clips, {labeled} of {frames} frames labelled'
    ]
    lines += [
        f'{split}: frames of {width} x {height}: {count} clips'
        for (height, width), count in sorted(sizes.items())
    ]
    bare = [finding.clip_id for finding in found if not finding.labeled]
    if bare:
        lines.append(f'{split}: {len(bare)} without a mask: {", ".join(bare)}')
    return lines


def main() -> int:
    """Check; returns the exit code."""
    args = parse_args()
    register_all_modules()
    config = load_config(args.config, args.cfg_options)
    there = [name for name in SPLITS if config.get(f'{name}_dataloader')]
    problems, lines = 0, []
    for split in args.splits or there:
        config = config_to_look_at(
            args.config, args.cfg_options, args.synthetic, split
        )
        found = read_clips(config, split, args.workers)
        for finding in found:
            if finding.problem:
                print(f'{split} clip {finding.clip_id}: {finding.problem}')
                problems += 1
        lines += summary(split, found)
    print(*lines, sep='\n')
    print(f'{problems} clips with problems' if problems else 'passed')
    return FAILED if problems else 0


if __name__ == '__main__':
    run_script(main)
