"""Does a model stay silent when the sound says so?"""

from typing import Any, Dict, List, Optional, Sequence

from mmengine.evaluator import BaseMetric

from mmavs.registry import METRICS

from .entries import frames_of, in_dataset_order, source_of

CONDITIONS = ('silent', 'unmatching')


@METRICS.register_module()
class AudioSensitivityMetric(BaseMetric):
    """mIoU and recognition accuracy (RA) where nothing visible sounds.

    Paper: Audio-Visual Segmentation by Exploring Cross-Modal Mutual
    Semantics, https://arxiv.org/abs/2307.16620, section 6.5 and Table 6. The
    clips are tested with digital silence, or with the sound of something that
    they do not show, so the right mask is empty:

    - mIoU: share of a frame's pixels that are predicted silent (the IoU of
      "silent" with the whole frame), mean over frames,
    - RA: share of frames without a single sounding pixel.

    The sound is changed by the test pipeline;
    ``tools/analysis_tools/audio_sensitivity.py`` does it all. Ground truth is
    not needed.

    Args:
        condition (str): 'silent' or 'unmatching'; it stands before the
            metrics' names.
        collect_device (str): See mmengine.
        collect_dir (str, optional): See mmengine.

    Raises:
        ValueError: An unknown condition.
    """

    def __init__(
        self,
        condition: str,
        collect_device: str = 'cpu',
        collect_dir: Optional[str] = None,
    ) -> None:
        if condition not in CONDITIONS:
            raise ValueError(
                f'condition must be one of {CONDITIONS}, got {condition!r}'
            )
        super().__init__(collect_device, condition, collect_dir)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Take one batch of clips in.

        Args:
            data_batch (Any): Unused.
            data_samples (Sequence[dict]): Clips with ``pred_sem_seg``
                (T, 1, H, W), 0 where nothing sounds.
        """
        for sample in data_samples:
            predicted = frames_of(
                sample, 'pred_sem_seg', 'AVSegmentor.predict gives it'
            )
            silent = (predicted == 0).float().mean(dim=(1, 2, 3))
            self.results.append(
                dict(
                    clip_id=sample.get('clip_id'),
                    sample_idx=sample.get('sample_idx'),
                    source=source_of(sample),
                    silent=silent.tolist(),
                )
            )

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Average over the frames of all clips, in percent.

        Args:
            results (list[dict]): Entries of :meth:`process`.

        Returns:
            dict[str, float]: ``mIoU`` and ``RA``.
        """
        shares = [s for e in in_dataset_order(results) for s in e['silent']]
        recognised = sum(share == 1 for share in shares)
        return dict(
            mIoU=100 * sum(shares) / len(shares),
            RA=100 * recognised / len(shares),
        )
