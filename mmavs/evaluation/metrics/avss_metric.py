"""J and F of audio-visual semantic segmentation (AVSS)."""

import logging
from typing import Dict, List, Optional, Tuple

from mmengine.logging import print_log
from torch import Tensor

from mmavs.evaluation.functional.protocols import (
    check_semantic,
    class_scores,
    semantic_scores,
)
from mmavs.evaluation.functional.semantic import semantic_sums
from mmavs.registry import METRICS

from .clip_metric import ClipMetric
from .entries import check_frames, draw_table, frames_of

SUM = 'mIoU+mFscore'


@METRICS.register_module()
class AVSSMetric(ClipMetric):
    """Jaccard index and F-measure (beta^2 = 0.3) of semantic labels.

    "Audio-Visual Segmentation with Semantics"
    (https://arxiv.org/abs/2301.13190), as its released code acts, and by
    whole-dataset sums; ``docs/en/metrics.md`` has the formulas and says which
    paper used which protocol. Of every clip only per-class sums are kept, and
    the host does not wait for the device until all clips are done.

    Args:
        protocol (str): ``'avsbench'``: per frame and class; a class's score
            is the mean over frames in which it is predicted or true, so that
            one stray pixel counts as a frame scored 0. ``'dataset'``: from
            pixels summed over the set, with precision and recall.
        background (str): Classes of the mean: ``'all'``, ``'without'``
            (class 0 left out) or ``'released'`` (the released code's "no
            background", which leaves out the last class instead).
        padded_frames (int, optional): For ``avsbench``: length to which
            shorter clips are padded with frames of rightly predicted
            background, which are scored: 10 in AVSBench and AVSegFormer
            (the default). None scores real frames only, as COMBO does.
        absent_classes (str): A class that occurs in no prediction and no
            ground truth counts as ``'zero'``, as released, or is left out
            of the mean (``'skip'``), as in mmseg's ``IoUMetric``. Either way
            a warning names it.
        ignore_index (int): Pixels of this label are left out. Labels outside
            the classes otherwise count as false alarms, as released, with a
            warning.
        **kwargs: See :class:`ClipMetric`.

    Raises:
        ValueError: An unknown protocol, background or treatment of absent
            classes.
    """

    def __init__(
        self,
        *,
        protocol: str = 'avsbench',
        background: str = 'all',
        padded_frames: Optional[int] = 10,
        absent_classes: str = 'zero',
        ignore_index: int = 255,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        check_semantic(protocol, background, absent_classes)
        self.protocol = protocol
        self.background = background
        pads = protocol == 'avsbench'
        self.padded_frames = padded_frames if pads else None
        self.absent_classes = absent_classes
        self.ignore_index = ignore_index

    @property
    def figures(self) -> Tuple[str, ...]:
        """tuple[str]: See :class:`ClipMetric`; their sum is one more."""
        return (*super().figures, SUM)

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """See :meth:`ClipMetric.compute_metrics`.

        Returns:
            dict[str, float]: Also ``mIoU+mFscore``, by which the released
            code chooses its second best checkpoint.
        """
        scores = super().compute_metrics(results)
        if scores:
            scores[SUM] = scores['mIoU'] + scores['mFscore']
        return scores

    @property
    def classes(self) -> tuple:
        """tuple[str]: Names of the classes, from the data set."""
        names = (self.dataset_meta or {}).get('classes')
        if not names:
            raise ValueError(
                'AVSSMetric needs the names of the classes. Fix: evaluate '
                'a dataset whose metainfo has "classes", or set '
                'metric.dataset_meta = dict(classes=...)'
            )
        return tuple(names)

    def measure(self, sample: dict) -> Dict[str, Tensor]:
        """See :meth:`ClipMetric.measure`."""
        labels, target = self.mask_frames(sample), sample['gt_sem_seg']['data']
        check_frames(sample, labels, target)
        return semantic_sums(
            labels, target[:, 0], len(self.classes), self.ignore_index
        )

    def score(self, clips: List[Dict[str, Tensor]]) -> Dict[str, float]:
        """See :meth:`ClipMetric.score`."""
        return semantic_scores(
            clips,
            self.protocol,
            self.background,
            self.padded_frames,
            self.absent_classes,
        )

    def describe(self) -> Dict[str, str]:
        """See :meth:`ClipMetric.describe`."""
        padded = self.padded_frames
        return dict(
            protocol=self.protocol,
            background=self.background,
            padding=f'to {padded}' if padded else 'none',
            absent=self.absent_classes,
        )

    def mask_kind(self) -> str:
        """See :meth:`ClipMetric.mask_kind`."""
        return 'semantic'

    def mask_frames(self, sample: dict) -> Tensor:
        """Give predicted labels (T, H, W)."""
        labels = frames_of(
            sample, 'pred_sem_seg', 'the model predicted no labels'
        )
        return labels[:, 0]

    def check(self, entries: List[dict]) -> None:
        """See :meth:`ClipMetric.check`."""
        num_classes = len(self.classes)
        strange = {}
        for entry in entries:
            wrong, outside = entry['sums']['invalid'].tolist()
            if outside:
                strange[entry['clip_id']] = outside
            if wrong:
                raise ValueError(
                    f'clip {entry["clip_id"]}: {wrong} predicted pixels are '
                    f'none of the {num_classes} classes. Fix: '
                    'decode_head.num_classes and the classes of the data set '
                    'must be the same number'
                )
        if strange:
            print_log(
                f'{sum(strange.values())} pixels of the ground truth, the '
                f'first in clip {next(iter(strange))}, are none of the '
                f'{num_classes} classes; as in the released code, whatever '
                'is predicted there counts as a false alarm. Fix: name all '
                'classes of the masks in the metainfo of the data set',
                logger='current',
                level=logging.WARNING,
            )
        if not any(entry['sums']['frames'].any() for entry in entries):
            raise ValueError(
                'no frame of any clip is labelled. Fix: evaluate on a split '
                'with ground truth'
            )
        self._announce_absent(entries)

    def _announce_absent(self, entries: List[dict]) -> None:
        """Say which classes do not occur, and what that does to the means."""
        frames = sum(entry['sums']['frames'] for entry in entries).tolist()
        absent = [n for n, found in zip(self.classes, frames) if not found]
        if not absent:
            return
        more = ', ...' if len(absent) > 5 else ''
        effect = (
            'count as 0 in the means, as released; absent_classes="skip" '
            'leaves them out'
            if self.absent_classes == 'zero'
            else 'are left out of the means'
        )
        print_log(
            f'{len(absent)} of {len(frames)} classes occur in no ground truth '
            f'and no prediction ({", ".join(map(str, absent[:5]))}{more}); '
            f'they {effect}',
            logger='current',
            level=logging.WARNING,
        )

    def clip_scores(self, sums: Dict[str, Tensor]) -> dict:
        """Score the real frames of one clip over the classes it has."""
        scores = class_scores([sums], self.protocol)
        frames = int(sums['length'])
        return dict(
            frames=frames,
            J=100 * float(scores['J'].nanmean()),
            F=100 * float(scores['F'].nanmean()),
        )

    def category_scores(self, entries: List[dict]) -> List[dict]:
        """Score each class, in percent."""
        sums = [entry['sums'] for entry in entries]
        scores = class_scores(sums, self.protocol, self.padded_frames)
        return [
            dict(
                category=name,
                count=int(scores['frames'][k]),
                J=100 * float(scores['J'][k]),
                F=100 * float(scores['F'][k]),
            )
            for k, name in enumerate(self.classes)
        ]

    def tables(self, rows: List[dict]) -> List[str]:
        """See :meth:`ClipMetric.tables`; the classes come first."""
        return [draw_table(self.per_category), *super().tables(rows)]
