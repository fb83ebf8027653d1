"""The segmentor: one place where clips become frames and back."""

from typing import Dict, List, Optional, Sequence, Tuple, Union

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors.base import BaseSegmentor
from mmseg.utils import add_prefix
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from mmavs.models.decode_heads.avs_decode_head import AVSDecodeHead
from mmavs.models.decode_heads.write_maps import HowToWrite, write_maps
from mmavs.models.precision import (
    at_least_float32,
    autocast,
    check_precision,
)
from mmavs.registry import MODELS
from mmavs.structures import (
    DEFAULT_THRESHOLD,
    AVFeatures,
    AVHeadOutput,
    AVSDataSample,
    LabeledFrames,
)
from mmavs.warn_once import WarnOnce
from mmavs.weights.checkpoint import refuse_other_models

from .auxiliary_losses import AuxiliaryLosses
from .clips import bare_sample, check_labels
from .compiled_parts import compile_parts
from .labeled_alone import first_alone, keep_frames
from .loss_choice import choose_losses

# what leaves the encoders, then each neck; and where labelled frames stand
FusedFrames = Tuple[List[AVFeatures], LabeledFrames]
NOTHING_LABELLED = (
    'no frame of a batch is labelled, so its losses are 0. Fix: put '
    'LoadFrameMask into ForEachFrame of the training pipeline, and the masks '
    'where the data set looks for them; where masks are rare, nothing is '
    'wrong. Further such batches are not named.'
)


@MODELS.register_module()
class AVSegmentor(BaseSegmentor):
    """Backbone + audio encoder -> necks -> decode head, on clips with sound.

    **The flattening rule**: N = B*T frames, clip-major, n = b*T + t. Clips
    are flattened here (:meth:`encode`) and nowhere else; everything below
    sees (N, ...) and, where it mixes time, ``features.num_frames`` = T.

    Args:
        backbone (dict): Any mmseg / mmpretrain backbone.
        decode_head (dict): An :class:`AVSDecodeHead`, or any stock mmseg
            head, which gets the visual maps alone. Its ``threshold`` decides
            which pixels sound, in scores, masks and pictures alike; 0.5 if
            the config names none, for stock heads too.
        audio_encoder (dict, optional): Maps (N, ...) sound to (N, D) or
            (N, L, D). None builds a model that cannot hear.
        neck (dict or list[dict], optional): Necks from AVFeatures to
            AVFeatures, applied in order.
        auxiliary_losses (list[dict]): Losses that plug into any method, each
            ``dict(type=..., features='neck' or 'head', ...)``: which features
            it is given, those that leave the necks (``'neck.1'``: that leave
            the second neck of several) or those the head returns.
            Called as ``loss(features, logits, labels) -> dict`` with logits
            (N, K, h, w) and the batch's LabeledFrames.
        train_cfg (dict, optional): ``losses`` (names of the terms to train
            on, e.g. ``['decode.loss_dice']``; default all). Also handed to
            stock mmseg heads.
        test_cfg (dict, optional): ``eval_size='input' | 'original'`` (size at
            which predictions are made and scored; default 'original'),
            ``keep_logits`` (default None: only one-channel logits are kept,
            since a K-class volume at full size is large; 'coarse': those of
            the head, before any resizing) and ``carry_memory`` (default
            False; see :class:`~mmavs.apis.AVSInferencer`).
        data_preprocessor (dict, optional): :class:`AVSDataPreProcessor`.
        compile (bool or dict): Let :func:`torch.compile` translate encoders,
            necks and head at their first use, with these options of its own.
        precision (str): In which the network predicts: 'fp32', or 'bf16' or
            'fp16' by autocast. In training the optimizer's wrapper says it.

    Raises:
        ValueError: An unknown ``eval_size``, precision or feature stage, or a
            threshold outside [0, 1).
        RuntimeError: On loading, a checkpoint of another model; to compile,
            no compiler.
    """

    def __init__(
        self,
        backbone: dict,
        decode_head: dict,
        audio_encoder: Optional[dict] = None,
        neck: Optional[Union[dict, Sequence[dict]]] = None,
        auxiliary_losses: Sequence[dict] = (),
        train_cfg: Optional[dict] = None,
        test_cfg: Optional[dict] = None,
        data_preprocessor: Optional[dict] = None,
        compile: Union[bool, dict] = False,
        precision: str = 'fp32',
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = MODELS.build(backbone)
        self.audio_encoder = audio_encoder and MODELS.build(audio_encoder)
        necks = [neck] if isinstance(neck, dict) else (neck or [])
        self.neck = nn.ModuleList(MODELS.build(cfg) for cfg in necks)
        self.decode_head = _build_head(decode_head)
        self.num_classes = self.decode_head.num_classes
        self.out_channels = self.decode_head.out_channels
        self.align_corners = self.decode_head.align_corners
        self.auxiliary_losses = AuxiliaryLosses(
            auxiliary_losses, len(self.neck)
        )
        self._register_load_state_dict_pre_hook(
            refuse_other_models, with_module=True
        )
        self._warn = WarnOnce()
        check_precision(precision)
        self.precision = precision
        self.train_cfg = train_cfg
        self.test_cfg = dict(test_cfg or {})
        if self.eval_size not in ('input', 'original'):
            raise ValueError(
                f"test_cfg.eval_size must be 'input' or "
                f"'original', got {self.eval_size!r}"
            )
        if not 0 <= self.threshold < 1:
            raise ValueError(
                'decode_head.threshold is a probability, at least 0 and below '
                f'1, got {self.threshold}'
            )
        if compile is not False:
            parts = (self.backbone, self.audio_encoder, *self.neck)
            compile_parts((*parts, self.decode_head), compile)

    @property
    def eval_size(self) -> str:
        """str: Size at which predictions are made, 'input' or 'original'."""
        return self.test_cfg.get('eval_size', 'original')

    @property
    def threshold(self) -> float:
        """float: Probability above which a pixel (or instance) sounds."""
        threshold = getattr(self.decode_head, 'threshold', None)
        return DEFAULT_THRESHOLD if threshold is None else threshold

    @property
    def keep_logits(self) -> Union[bool, str]:
        """bool or str: Whether predictions carry their raw logits."""
        keep = self.test_cfg.get('keep_logits')
        return self.out_channels == 1 if keep is None else keep

    # ---------------------------------------------------------------- forward

    def extract_feat(self, inputs: Dict[str, Tensor]) -> AVFeatures:
        """Encode and fuse.

        Args:
            inputs (dict): ``imgs`` (B, T, 3, H, W) float, normalised;
                ``audio`` (B, T, ...) as the audio encoder wants it (absent in
                a model without sound); ``valid_frames`` (B, T) bool, absent
                if no frame is padding.

        Returns:
            AVFeatures: Of N = B*T frames, after all necks.

        Raises:
            ValueError: The audio has another number of seconds than T.
        """
        features = self.encode(inputs)
        for neck in self.neck:
            features = neck(features)
        return features

    def encode(self, inputs: Dict[str, Tensor]) -> AVFeatures:
        """Flatten clips to frames, and run the encoders on them."""
        imgs, valid = inputs['imgs'], inputs.get('valid_frames')
        num_frames = imgs.shape[1]
        frames = imgs.flatten(0, 1)  # (B * T, 3, H, W)
        return AVFeatures(
            visual=tuple(self.backbone(frames)),  # (B * T, C_i, H_i, W_i)
            audio=self._encode_audio(inputs, num_frames),  # (B * T, ..., D)
            valid=None if valid is None else valid.flatten(),  # (B * T,)
            num_frames=num_frames,
        )

    def decode(self, features: AVFeatures) -> AVHeadOutput:
        """Run the decode head; a stock one sees the maps alone."""
        if isinstance(self.decode_head, AVSDecodeHead):
            return self.decode_head(features)
        return AVHeadOutput(self.decode_head(features.visual), features)

    def _encode_audio(
        self, inputs: Dict[str, Tensor], num_frames: int
    ) -> Optional[Tensor]:
        """Encode sound (B, T, ...) to (N, D) or (N, L, D)."""
        if self.audio_encoder is None:
            return None
        if 'audio' not in inputs:
            raise ValueError(
                'the model has an audio encoder but the batch holds no '
                '"audio". Fix: add LoadAudio and VGGishLogMel (or another '
                'audio transform) to the pipeline.'
            )
        audio = inputs['audio']
        if audio.shape[1] != num_frames:
            raise ValueError(
                f'a clip of {num_frames} frames came with {audio.shape[1]} '
                'seconds of sound; frames and sound must pair one to one'
            )
        return self.audio_encoder(audio.flatten(0, 1))

    def encode_decode(
        self,
        inputs: Dict[str, Tensor],
        data_samples: Optional[List[AVSDataSample]] = None,
    ) -> AVHeadOutput:
        """Run the whole network.

        Args:
            inputs (dict): As for :meth:`extract_feat`.
            data_samples (list[AVSDataSample], optional): Unused.

        Returns:
            AVHeadOutput: logits (N, K, h, w), raw.
        """
        return self.decode(self.extract_feat(inputs))

    def _forward(
        self,
        inputs: Dict[str, Tensor],
        data_samples: Optional[List[AVSDataSample]] = None,
    ) -> Tensor:
        """Give the raw logits (N, K, h, w), for FLOPs and export."""
        return self.encode_decode(inputs).logits

    # ------------------------------------------------------------------- loss

    def loss(
        self, inputs: Dict[str, Tensor], data_samples: List[AVSDataSample]
    ) -> Dict[str, Tensor]:
        """Compute the head's and the auxiliary losses.

        Args:
            inputs (dict): As for :meth:`extract_feat`.
            data_samples (list[AVSDataSample]): B clips.

        Returns:
            dict[str, Tensor]: ``decode.loss_*`` of labelled frames and the
            auxiliary losses under the names they give.

        Raises:
            ValueError: A mask holds a label that is none of ``num_classes``.
        """
        if self.out_channels > 1:  # a binary loss takes any label as sounding
            ignored = getattr(self.decode_head, 'ignore_index', 255)
            check_labels(data_samples, self.num_classes, ignored)
        imgs = inputs['imgs']
        labels = LabeledFrames.collect(
            data_samples, imgs.shape[1], imgs.shape[-2:], imgs.device
        )
        if not labels.frames:
            self._warn(NOTHING_LABELLED)
        of_all, (stages, labels) = self.encode_and_fuse(inputs, labels)
        if isinstance(self.decode_head, AVSDecodeHead):
            output = self.decode_head(stages[-1])
            losses = self.decode_head.loss(output, labels)
        else:  # mmseg's heads decode anew in their own loss
            output = AVHeadOutput(None, stages[-1])
            # (L, C_i, H_i, W_i) of the labelled frames
            visual = [level[labels.indices] for level in stages[-1].visual]
            losses = self.decode_head.loss(
                visual, labels.frames, self.train_cfg
            )
        losses = add_prefix(losses, 'decode')
        losses.update(
            self.auxiliary_losses.compute(stages, output, labels, of_all)
        )
        return choose_losses(losses, (self.train_cfg or {}).get('losses'))

    def encode_and_fuse(
        self, inputs: Dict[str, Tensor], labels: LabeledFrames
    ) -> Tuple[FusedFrames, FusedFrames]:
        """What leaves the encoders, then each neck, for the losses.

        Returns:
            tuple: Stages and labels of all frames, up to the part that
            :func:`first_alone` names; and stages and labels of the labelled
            frames alone from there on. The same pair twice if no part can be
            computed for them alone.
        """
        first = 2 + len(self.neck)
        if 0 < len(labels.frames) < inputs['imgs'].shape[:2].numel():
            first = first_alone(self)
        if first == 0:
            inputs, labels = (
                keep_frames(inputs, labels.indices),
                labels.alone(),
            )
        stages = [self.encode(inputs)]
        of_all = (stages, labels)
        for neck in (*self.neck, None):
            if first == len(stages):
                stages = [stage.select(labels.indices) for stage in stages]
                labels = labels.alone()
            if neck is not None:
                stages.append(neck(stages[-1]))
        return of_all, (stages, labels)

    # ---------------------------------------------------------------- predict

    def predict(
        self,
        inputs: Dict[str, Tensor],
        data_samples: Optional[List[AVSDataSample]] = None,
    ) -> List[AVSDataSample]:
        """Segment clips.

        Args:
            inputs (dict): As for :meth:`extract_feat`.
            data_samples (list[AVSDataSample], optional): B clips whose
                metainfo says how to undo the geometry.

        Returns:
            list[AVSDataSample]: The clips with ``pred_sem_seg`` (T, 1, H, W)
            and, if kept, raw ``seg_logits`` (T, K, H, W), coarse ones smaller;
            without padded frames and at ``eval_size``. Where one channel is
            cut, metainfo ``threshold`` says at which probability.
        """
        imgs = inputs['imgs']
        with autocast(self.precision, imgs.device):
            output = self.encode_decode(inputs, data_samples)
        if self.precision != 'fp32':
            output = _in_float32(output)
        if data_samples is None:
            data_samples = [
                bare_sample(imgs.shape) for _ in range(imgs.shape[0])
            ]
        how = HowToWrite(
            input_size=tuple(imgs.shape[-2:]),
            eval_size=self.eval_size,
            keep_logits=self.keep_logits,
            threshold=self.threshold,
            align_corners=self.align_corners,
        )
        if isinstance(self.decode_head, AVSDecodeHead):
            self.decode_head.write_predictions(output, data_samples, how)
        else:
            write_maps(output.logits, data_samples, how)
        return data_samples


def _in_float32(output: AVHeadOutput) -> AVHeadOutput:
    """What is written of a prediction, for whoever reads it."""

    def raised(value):
        half = torch.is_tensor(value) and value.is_floating_point()
        return at_least_float32(value) if half else value

    logits, extras = tree_map(raised, (output.logits, output.extras))
    return output._replace(logits=logits, extras=extras)


def _build_head(config: dict) -> nn.Module:
    """Build a decode head; a stock one does not fall back to mmseg's 0.3."""
    kind = config['type']
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    one_channel = 1 in (config.get('out_channels'), config.get('num_classes'))
    stock = isinstance(kind, type) and issubclass(kind, BaseDecodeHead)
    if stock and one_channel and config.get('threshold') is None:
        config = dict(config, threshold=DEFAULT_THRESHOLD)
    return MODELS.build(config)
