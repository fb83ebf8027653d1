"""The base that every audio-visual decode head shares."""

from abc import ABCMeta, abstractmethod
from typing import Dict, Optional, Sequence, Union

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.registry import MODELS
from mmavs.structures import (
    AVFeatures,
    AVHeadOutput,
    AVSDataSample,
    LabeledFrames,
)

from .write_maps import HowToWrite, resize_logits, write_maps


class AVSDecodeHead(BaseModule, metaclass=ABCMeta):
    """Decode head that sees sound: AVFeatures in, AVHeadOutput out.

    A stock mmseg head needs none of this: the segmentor hands it the visual
    maps alone.

    Args:
        num_classes (int): K; 2 (background, sounding) for binary settings.
        out_channels (int, optional): Channels of the logits. Defaults to 1
            for two classes (one sigmoid), else ``num_classes``.
        threshold (float): Probability above which a pixel sounds, used with
            one output channel. AVSBench's metric uses 0.5.
        loss_decode (dict or list[dict]): Losses on the logits of labelled
            frames, each called as ``loss(logits, target, ignore_index=...)``
            with logits (L, K, H, W) and target (L, H, W) int64; L may be 0.
        ignore_index (int): Label that no loss counts.
        align_corners (bool): For resizing logits.

    Attributes:
        mixes_frames (bool): Whether the logits of a frame depend on other
            frames, in whatever way but the statistics of a batch norm. Where
            nothing mixes them, training computes labelled frames alone (see
            :func:`first_alone`).
        finds_instances (bool): Predictions hold ``pred_instances``.
        remembers (bool): Clips of one video may look back at those before,
            by ``begin_video`` and ``within``, see :class:`SAM2MaskHead`.
    """

    mixes_frames = True
    finds_instances = False
    remembers = False

    def __init__(
        self,
        *,
        num_classes: int = 2,
        out_channels: Optional[int] = None,
        threshold: float = 0.5,
        loss_decode: Union[dict, Sequence[dict]] = (),
        ignore_index: int = 255,
        align_corners: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if out_channels is None:
            out_channels = 1 if num_classes == 2 else num_classes
        if out_channels not in (1, num_classes):
            raise ValueError(
                f'out_channels must be 1 or num_classes='
                f'{num_classes}, got {out_channels}'
            )
        self.num_classes = num_classes
        self.out_channels = out_channels
        self.threshold = threshold
        self.ignore_index = ignore_index
        self.align_corners = align_corners
        if isinstance(loss_decode, dict):
            loss_decode = [loss_decode]
        self.loss_decode = nn.ModuleList(
            MODELS.build(cfg) for cfg in loss_decode
        )

    @abstractmethod
    def forward(self, features: AVFeatures) -> AVHeadOutput:
        """Turn features into logits.

        Args:
            features (AVFeatures): visual maps (N, C_i, H_i, W_i), audio
                (N, D) or (N, L, D).

        Returns:
            AVHeadOutput: logits (N, K, h, w), raw.
        """

    def loss(
        self, output: AVHeadOutput, labels: LabeledFrames
    ) -> Dict[str, Tensor]:
        """Compute the losses of labelled frames.

        Args:
            output (AVHeadOutput): What :meth:`forward` gave for N frames.
            labels (LabeledFrames): The L labelled frames.

        Returns:
            dict[str, Tensor]: Scalars by ``loss_name``; each is 0 (and still
            attached to the graph) if no frame is labelled.
        """
        target = labels.masks
        logits = resize_logits(
            output.logits[labels.indices],
            target.shape[-2:],
            self.align_corners,
        )
        losses: Dict[str, Tensor] = {}
        for loss in self.loss_decode:
            value = loss(logits, target, ignore_index=self.ignore_index)
            losses[loss.loss_name] = losses.get(loss.loss_name, 0) + value
        return losses

    def write_predictions(
        self,
        output: AVHeadOutput,
        data_samples: Sequence[AVSDataSample],
        how: HowToWrite,
    ) -> None:
        """Store what the clips' samples are to hold.

        A head that finds more than maps (instances, say) overrides this.

        Args:
            output (AVHeadOutput): What :meth:`forward` gave for N frames.
            data_samples (Sequence[AVSDataSample]): B clips, changed in place.
            how (HowToWrite): Sizes and threshold.
        """
        write_maps(output.logits, data_samples, how)
