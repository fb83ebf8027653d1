"""Does a model stay silent when the sound says so?"""

from typing import Any, Dict, List, Optional, Sequence

from mmengine.evaluator import BaseMetric

from mmavs.registry import METRICS

from .entries import frames_of, in_dataset_order, source_of


@METRICS.register_module()
class AudioSensitivityMetric(BaseMetric):
    """How much is segmented, for sounds of which nothing visible is heard.

    There the right mask is empty, and no ground truth is needed:

    - FPR: share of a frame's pixels that are predicted to sound, mean over
      frames. "Do Audio-Visual Segmentation Models Truly Segment Sounding
      Objects?", https://arxiv.org/abs/2502.00358, released code (a
      probability above 0.5, or above the model's own threshold; of semantic
      models any class but the background).
    - silent_mIoU: 100 - FPR, the IoU of "silent" with the whole frame; mIoU
      of Table 6 of https://arxiv.org/abs/2307.16620.
    - RA: share of frames without a single sounding pixel, recognition
      accuracy of the same table.

    The sound is changed by the pipeline; ``tools/test.py --sounds`` does it
    all. Afterwards ``per_clip`` lists ``dict(clip_id, FPR)``.

    Args:
        collect_device (str): See mmengine.
        prefix (str, optional): See mmengine.
        collect_dir (str, optional): See mmengine.
    """

    default_prefix: Optional[str] = ''  # names as they are, no warning

    def __init__(
        self,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
        collect_dir: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.per_clip: List[dict] = []

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
            sounding = (predicted != 0).double().mean(dim=(1, 2, 3))
            self.results.append(
                dict(
                    clip_id=sample.get('clip_id'),
                    sample_idx=sample.get('sample_idx'),
                    source=source_of(sample),
                    sounding=sounding.tolist(),
                )
            )

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Average over the frames of all clips, in percent.

        Returns:
            dict[str, float]: ``FPR``, ``silent_mIoU`` and ``RA``.
        """
        clips = in_dataset_order(results)
        self.per_clip = [
            dict(clip_id=clip['clip_id'], FPR=_percent(clip['sounding']))
            for clip in clips
        ]
        shares = [share for clip in clips for share in clip['sounding']]
        rate = _percent(shares)
        return dict(
            FPR=rate,
            silent_mIoU=100 - rate,
            RA=_percent([float(share == 0) for share in shares]),
        )


def _percent(shares: Sequence[float]) -> float:
    return 100 * sum(shares) / len(shares)
