"""What the metrics of clips share: one entry a clip, order, groups, table."""

from typing import Any, Dict, List, Optional, Sequence

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from prettytable import PrettyTable
from torch import Tensor


class ClipMetric(BaseMetric):
    """Base of :class:`AVSMetric` and :class:`AVSSMetric`.

    Every clip leaves exactly one entry, a dict of small sums, because
    mmengine cuts the collected list to the number of dataset items. Entries
    carry ``sample_idx``, so that the score knows nothing of loader batches,
    ranks or shuffling. After :meth:`compute_metrics`, ``per_clip`` lists
    ``dict(clip_id, group, J, F, frames)`` in percent, in dataset order.

    Args:
        output_dir (str, optional): Folder to which predicted masks go.
        released_names (bool): Number the frames of written binary masks from
            0, as AVSBench's code does, and not from 1, as its ground truth.
        format_only (bool): Only write masks, for clips without ground truth.
        keep_results (bool): Accepted because mmseg's ``tools/test.py`` sets
            it along with ``output_dir``; written masks are always kept.
        collect_device (str): 'cpu' or 'gpu', see mmengine.
        prefix (str, optional): Set one where several evaluators run at once.
        collect_dir (str, optional): See mmengine.

    Raises:
        ValueError: ``format_only`` without ``output_dir``.
    """

    default_prefix: Optional[str] = None

    def __init__(
        self,
        output_dir: Optional[str] = None,
        released_names: bool = False,
        format_only: bool = False,
        keep_results: bool = False,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
        collect_dir: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        if format_only and output_dir is None:
            raise ValueError(
                'format_only writes masks and scores nothing. Mend: say '
                'where to with output_dir=...'
            )
        self.output_dir = output_dir
        self.released_names = released_names
        self.format_only = format_only
        self.per_clip: List[dict] = []

    # ------------------------------------------------- what a subclass fills

    def measure(self, sample: dict) -> Dict[str, Tensor]:
        """Reduce one clip to sums that stay on its device."""
        raise NotImplementedError

    def score(self, clips: List[Dict[str, Tensor]]) -> Dict[str, float]:
        """Score clips in dataset order; numbers in [0, 1]."""
        raise NotImplementedError

    def describe(self) -> Dict[str, str]:
        """Name the protocol: the first columns of the table."""
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
            entry = dict(
                clip_id=sample.get('clip_id', str(len(self.results))),
                sample_idx=sample.get('sample_idx'),
                group=sample.get('group'),
            )
            if not self.format_only:
                entry['size'] = tuple(sample['gt_sem_seg']['data'].shape[-2:])
                entry['sums'] = self.measure(sample)
            self.results.append(entry)

    def evaluate(self, size: int) -> Optional[dict]:
        """Bring the sums to the host, once, and go on as any metric."""
        for entry in self.results:
            if 'sums' in entry:
                entry['sums'] = {k: v.cpu() for k, v in entry['sums'].items()}
        return super().evaluate(size)

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Score all clips, and each of their groups.

        Args:
            results (list[dict]): Entries of :meth:`process`.

        Returns:
            dict[str, float]: ``mIoU``, ``mFscore`` ... in percent, unrounded,
            and the same with the group's name behind, as
            ``mIoU_switching``.
        """
        if self.format_only:
            print_log(f'masks are in {self.output_dir}', logger='current')
            return {}
        entries = in_dataset_order(results)
        self.check(entries)
        self.per_clip = [
            dict(
                clip_id=e['clip_id'],
                group=e['group'],
                **self.clip_scores(e['sums']),
            )
            for e in entries
        ]
        scores = {'': self.score([e['sums'] for e in entries])}
        for group in sorted({e['group'] for e in entries} - {None}):
            members = [e['sums'] for e in entries if e['group'] == group]
            scores[group] = self.score(members)
        print_log('\n' + self.table(entries, scores), logger='current')
        return {
            f'{key}_{group}' if group else key: 100 * value
            for group, part in scores.items()
            for key, value in part.items()
        }

    # ------------------------------------------------------------------ parts

    def check(self, entries: List[dict]) -> None:
        """Raise ValueError on wrong values, naming the clip."""
        if not entries:
            raise ValueError('there is no clip to score')

    def clip_scores(self, sums: Dict[str, Tensor]) -> dict:
        """Score one clip alone, in percent."""
        scores = self.score([sums])
        return dict(
            J=100 * scores['mIoU'],
            F=100 * scores['mFscore'],
            frames=int(sums['frames']),
        )

    def table(self, entries: List[dict], scores: Dict[str, dict]) -> str:
        """Draw the table that names protocol, grouping, size and clips."""
        table = PrettyTable()
        names = list(next(iter(scores.values())))
        table.field_names = [
            *self.describe(),
            'size',
            'clips',
            'group',
            *names,
        ]
        for group, part in scores.items():
            members = [e for e in entries if not group or e['group'] == group]
            table.add_row(
                [
                    *self.describe().values(),
                    name_sizes(members),
                    len(members),
                    group or 'all',
                    *(f'{100 * part[n]:.2f}' for n in names),
                ]
            )
        return table.get_string()


def in_dataset_order(results: List[dict]) -> List[dict]:
    """Sort entries by ``sample_idx`` and drop what a sampler repeated.

    mmengine collects ranks interleaved, which is dataset order for its own
    sampler. Where ``sample_idx`` does not tell clips apart (absent, or a
    concatenation of datasets), that order is kept.
    """
    unique = {}
    for place, entry in enumerate(results):
        index = entry['sample_idx']
        key = place if index is None else (index, entry['clip_id'])
        unique.setdefault(key, entry)
    entries = list(unique.values())
    indices = [entry['sample_idx'] for entry in entries]
    if None in indices or len(set(indices)) < len(indices):
        return entries
    return sorted(entries, key=lambda entry: entry['sample_idx'])


def name_sizes(entries: List[dict]) -> str:
    """Name the size at which clips were scored, width x height."""
    sizes = sorted({entry['size'] for entry in entries})
    if len(sizes) > 2:
        return f'{len(sizes)} sizes'
    return ', '.join(f'{w}x{h}' for h, w in sizes)


def frames_of(sample: dict, field: str, mend: str) -> Tensor:
    """Give ``sample[field]['data']`` (T, C, H, W).

    Raises:
        ValueError: It is not there; the message names clip and mend.
    """
    if field not in sample:
        raise ValueError(
            f'clip {sample.get("clip_id")}: no {field}. Mend: {mend}'
        )
    return sample[field]['data']


def check_frames(sample: dict, predicted: Tensor, target: Tensor) -> None:
    """Compare the frames of prediction and ground truth.

    Raises:
        ValueError: Another number or another size of frames.
    """
    clip = sample.get('clip_id')
    expected = sample.get('num_frames', len(target))
    if not len(predicted) == len(target) == expected:
        raise ValueError(
            f'clip {clip}: {len(predicted)} predicted frames, {len(target)} '
            f'frames of ground truth, {expected} frames in the clip'
        )
    sizes = [tuple(t.shape[-2:]) for t in (predicted, target)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f'clip {clip}: predicted at {sizes[0]} (height, width), ground '
            f'truth at {sizes[1]}. Mend: test_cfg.eval_size="original" where '
            'the pipeline loads masks as they are on disk, '
            'test_cfg.eval_size="input" where it resizes them with the '
            'frames'
        )
