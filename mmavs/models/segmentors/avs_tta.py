"""Test-time augmentation of clips: flips and scales, averaged."""

from typing import List, Optional, Sequence, Union

import torch
from mmengine.model import BaseTTAModel
from torch import Tensor, nn

from mmavs.models.decode_heads.write_maps import decide, resize_logits
from mmavs.registry import MODELS
from mmavs.structures import AVSDataSample, FramePixelData


@MODELS.register_module()
class AVSTTAModel(BaseTTAModel):
    """Average the probabilities of a clip's augmentations.

    Every augmentation is segmented by itself and brought back to the clip's
    own geometry; then sigmoid (one channel) or softmax (K channels), mean,
    and the way back to logits, so that metrics, ``--out`` and ``--dump`` go on
    as without augmentation. (mmseg's own model applies the sigmoid of a
    one-channel model twice.)

    The first augmentation sets the size at which the clip is scored and
    brings the ground truth, so it must be the plain one: list the scale 1.0
    and ``RandomFlip(prob=0.)`` first::

        tta_model = dict(type='AVSTTAModel')
        tta_pipeline = [
            dict(type='LoadAudio'), dict(type='VGGishLogMel'),
            dict(type='ForEachFrame', transforms=[
                dict(type='LoadFrame'), dict(type='LoadFrameMask')]),
            dict(type='TestTimeAug', transforms=[
                [dict(type='ForEachFrame', transforms=[
                    dict(type='Resize', scale=(side, side))])
                 for side in (224, 192, 256)],
                [dict(type='ForEachFrame', transforms=[
                    dict(type='RandomFlip', prob=prob)])
                 for prob in (0.0, 1.0)],
                [dict(type='PackAVSInputs')],
            ]),
        ]

    Args:
        module (nn.Module or dict): An :class:`AVSegmentor`.
        data_preprocessor (nn.Module or dict, optional): For the module.
    """

    def __init__(
        self,
        module: Union[nn.Module, dict],
        data_preprocessor: Optional[Union[nn.Module, dict]] = None,
    ) -> None:
        super().__init__(module, data_preprocessor)
        self.keep_logits = self.module.keep_logits
        # the mean needs them, also of K classes
        self.module.test_cfg['keep_logits'] = True

    def merge_preds(
        self, data_samples_list: Sequence[Sequence[AVSDataSample]]
    ) -> List[AVSDataSample]:
        """Merge the predictions of each clip.

        Args:
            data_samples_list (Sequence[Sequence[AVSDataSample]]): Of each of
                B clips its augmentations, with raw ``seg_logits``
                (T, K, H, W).

        Returns:
            list[AVSDataSample]: B clips with ``pred_sem_seg`` and, if the
            module keeps them, the ``seg_logits`` of the mean.

        Raises:
            ValueError: The first augmentation is flipped.
        """
        return [self._merge(samples) for samples in data_samples_list]

    def _merge(self, samples: Sequence[AVSDataSample]) -> AVSDataSample:
        plain = samples[0]
        if plain.get('flip', False):
            raise ValueError(
                f'clip {plain.get("clip_id")}: the first augmentation is '
                'flipped, and so may be its ground truth. Fix: list '
                'RandomFlip(prob=0.) before RandomFlip(prob=1.) in '
                'tta_pipeline'
            )
        size = plain.seg_logits.data.shape[-2:]
        mean = 0
        for sample in samples:
            part = to_probability(sample.seg_logits.data)
            # (T, K, H, W)
            part = resize_logits(part, size, self.module.align_corners)
            mean = mean + part / len(samples)
        merged = AVSDataSample(metainfo=plain.metainfo)
        if 'gt_sem_seg' in plain:
            merged.gt_sem_seg = plain.gt_sem_seg
        logits = to_logits(mean)
        merged.pred_sem_seg = FramePixelData(
            data=decide(logits, self.module.threshold)
        )
        if self.keep_logits:
            merged.seg_logits = FramePixelData(data=logits)
        return merged


def to_probability(logits: Tensor) -> Tensor:
    """Turn raw logits (T, K, H, W) into float32 probabilities."""
    logits = logits.float()
    if logits.shape[1] == 1:
        return logits.sigmoid()
    return logits.softmax(dim=1)


def to_logits(probability: Tensor) -> Tensor:
    """Undo :func:`to_probability`; finite also for 0 and 1."""
    if probability.shape[1] == 1:
        # sigmoid(100) is 1 in float32 already
        return torch.logit(probability.clamp(0, 1)).clamp(-100, 100)
    return probability.clamp_min(1e-38).log()
