"""What clip metrics share: one entry per clip, order, groups, table."""

import logging
from typing import Any, Dict, List, Optional, Sequence, Tuple

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor

from mmavs.evaluation.mask_files import MaskWriter
from mmavs.evaluation.report import group_by_category, write_report

from .entries import (
    draw_table,
    in_dataset_order,
    name_choices,
    name_sizes,
    name_thresholds,
    name_unscored,
    source_of,
    threshold_of,
)

SCORES = ('mIoU', 'mFscore', 'mPrecision', 'mRecall', 'I')
CLIP_KEYS = ('clip_id', 'sample_idx', 'group', 'category')


class ClipMetric(BaseMetric):
    """Base of :class:`AVSMetric` and :class:`AVSSMetric`.

    Every clip leaves exactly one entry, a dict of small sums, because
    mmengine cuts the collected list to the number of dataset items. Entries
    carry ``sample_idx``, so that the score knows nothing of loader batches,
    ranks or shuffling. Clips without ground truth are not scored, but named
    in a warning. After :meth:`compute_metrics`, ``per_clip`` lists
    ``dict(clip_id, group, category, frames, J, F)`` in percent, in dataset
    order, and ``per_category`` ``dict(category, count, J, F)``.

    Args:
        output_dir (str, optional): Folder to which predicted masks go.
        released_names (bool): Number the frames of written binary masks from
            0, as AVSBench's code does, and not from 1, as its ground truth.
        format_only (bool): Only write masks, for clips without ground truth.
        report_dir (str, optional): Folder for ``per_clip.csv`` (worst
            first), ``per_category.csv`` and ``distribution.png``.
        keep_results (bool): Accepted because mmseg's ``tools/test.py`` sets
            it along with ``output_dir``; written masks are always kept.
        collect_device (str): 'cpu' or 'gpu', see mmengine.
        prefix (str, optional): Set one where several evaluators run at once.
        collect_dir (str, optional): See mmengine.

    Raises:
        ValueError: ``format_only`` without ``output_dir``.
    """

    default_prefix: Optional[str] = ''  # names as they are, no warning

    def __init__(
        self,
        *,
        output_dir: Optional[str] = None,
        released_names: bool = False,
        format_only: bool = False,
        report_dir: Optional[str] = None,
        keep_results: bool = False,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
        collect_dir: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        if format_only and output_dir is None:
            raise ValueError(
                'format_only writes masks and scores nothing. Fix: say where '
                'to with output_dir=... (tools/test.py: --out DIR)'
            )
        self.output_dir = output_dir
        self.released_names = released_names
        self.format_only = format_only
        self.report_dir = report_dir
        self.per_clip: List[dict] = []
        self.per_category: List[dict] = []
        self.thresholds = self.mask_choices = ''

    @property
    def figures(self) -> Tuple[str, ...]:
        """tuple[str]: Names of what is scored, those of groups left out."""
        summed = ('mPrecision', 'mRecall')
        return SCORES[:2] + (summed if self.protocol == 'dataset' else ())

    # ------------------------------------------------- what a subclass fills

    def measure(self, sample: dict) -> Dict[str, Tensor]:
        """Reduce one clip to sums that stay on its device."""
        raise NotImplementedError

    def score(self, clips: List[Dict[str, Tensor]]) -> Dict[str, float]:
        """Score clips in dataset order; numbers in [0, 1]."""
        raise NotImplementedError

    def describe(self) -> Dict[str, str]:
        """Name protocol and grouping: the first columns of the table."""
        raise NotImplementedError

    def mask_kind(self) -> str:
        """Name the kind of mask to write, see :mod:`mask_files`."""
        raise NotImplementedError

    def mask_frames(self, sample: dict) -> Tensor:
        """Give what to write of a clip, (T, H, W)."""
        raise NotImplementedError

    # ---------------------------------------------------------------- mmengine

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Take one batch of clips in.

        Args:
            data_batch (Any): Unused.
            data_samples (Sequence[dict]): Clips as dicts, see
                :meth:`AVSDataSample.to_dict`.
        """
        for sample in data_samples:
            entry = {key: sample.get(key) for key in CLIP_KEYS}
            entry.update(
                threshold=threshold_of(sample),
                source=source_of(sample),
                mask_choice=sample.get('mask_choice'),
            )
            if 'gt_sem_seg' in sample and not self.format_only:
                target = sample['gt_sem_seg']['data']
                entry['size'] = tuple(target.shape[-2:])
                entry['sums'] = self.measure(sample)
            if self.output_dir is not None:
                self._writer().write(sample, self.mask_frames(sample))
            self.results.append(entry)

    def evaluate(self, size: int) -> Optional[dict]:
        """Bring the sums to the host, once, and go on as any metric."""
        for entry in self.results:
            if 'sums' in entry:
                entry['sums'] = {k: v.cpu() for k, v in entry['sums'].items()}
        return super().evaluate(size)

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Score all clips, and each of their groups, and print the table.

        Returns:
            dict[str, float]: ``mIoU``, ``mFscore`` ... in percent, unrounded,
            and the same with the group's name behind, as
            ``mIoU_switching``.
        """
        if self.format_only:
            print_log(f'masks are in {self.output_dir}', logger='current')
            return {}
        rows = self.summarize(results)
        unscored = name_unscored(in_dataset_order(results))
        if unscored:
            print_log(unscored, logger='current', level=logging.WARNING)
        for table in self.tables(rows):
            print_log('\n' + table, logger='current')
        if self.report_dir is not None:
            self.write_report()
        scores = {}
        if self.thresholds:
            scores['threshold'] = float(self.thresholds.split(', ')[0])
        for row in rows:
            suffix = '' if row['group'] == 'all' else f'_{row["group"]}'
            # mmengine's logger writes no integers
            scores.update(
                {k + suffix: float(row[k]) for k in SCORES if k in row}
            )
        return scores

    def summarize(self, results: List[dict]) -> List[dict]:
        """Score entries without printing; fills ``per_clip``.

        Entries do not depend on the protocol: those of one metric may be
        summarized by another one of the same kind.

        Returns:
            list[dict]: Rows of the table: protocol and grouping, ``size``,
            ``clips``, ``group`` ('all' first), then scores in percent.
        """
        clips = in_dataset_order(results)
        entries = [clip for clip in clips if 'sums' in clip]
        if not clips:
            raise ValueError('there is no clip to score')
        if not entries:
            raise ValueError(
                f'there is nothing to score: none of the {len(clips)} clips '
                'has ground truth. Fix: load masks in the pipeline '
                '(LoadFrameMask inside ForEachFrame) of a split that has '
                'some, or only write masks (test_evaluator.format_only=True '
                'and, with tools/test.py, --out DIR)'
            )
        self.check(entries)
        self.thresholds = name_thresholds(entries)
        self.mask_choices = name_choices(entries)
        self.per_clip = [
            dict(
                {k: entry[k] for k in CLIP_KEYS if k != 'sample_idx'},
                **self.clip_scores(entry['sums']),
            )
            for entry in entries
        ]
        self.per_category = self.category_scores(entries)
        groups = sorted({entry['group'] for entry in entries} - {None})
        parts = {'all': entries}
        parts.update(
            {g: [e for e in entries if e['group'] == g] for g in groups}
        )
        return [self._row(name, part) for name, part in parts.items()]

    # ------------------------------------------------------------------ parts

    def check(self, entries: List[dict]) -> None:
        """Raise ValueError on wrong values, naming the clip."""
        raise NotImplementedError

    def clip_scores(self, sums: Dict[str, Tensor]) -> dict:
        """Score one clip alone, in percent."""
        scores = self.score([sums])
        return dict(
            J=100 * scores['mIoU'],
            F=100 * scores['mFscore'],
            frames=int(sums['frames']),
        )

    def category_scores(self, entries: List[dict]) -> List[dict]:
        """Score each category, in percent; clips are averaged."""
        return group_by_category(self.per_clip)

    def tables(self, rows: List[dict]) -> List[str]:
        """Draw what is printed at the end."""
        return [draw_table(rows)]

    def _row(self, group: str, entries: List[dict]) -> dict:
        sums = [entry['sums'] for entry in entries]
        scores = self.score(sums)
        row = dict(
            self.described(),
            size=name_sizes(entries),
            clips=len(entries),
            group=group,
            **{name: 100 * value for name, value in scores.items()},
        )
        if all('instances' in part for part in sums):
            row['I'] = sum(int(part['instances']) for part in sums)
        return row

    def described(self) -> Dict[str, str]:
        """Name the protocol, and what it leaves open or is not its own."""
        own = dict(threshold=self.thresholds, mask_choice=self.mask_choices)
        own = {name: value for name, value in own.items() if value}
        return dict(self.describe(), **own)

    def _writer(self) -> MaskWriter:
        palette = (self.dataset_meta or {}).get('palette')
        return MaskWriter(
            self.output_dir, self.mask_kind(), self.released_names, palette
        )

    def write_report(self) -> None:
        """Write the csv files and the picture to ``report_dir``."""
        title = ', '.join(self.described().values())
        files = write_report(
            self.report_dir, self.per_clip, self.per_category, title
        )
        print_log(f'report: {", ".join(map(str, files))}', logger='current')
