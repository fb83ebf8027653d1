"""From a list of clips to one padded, normalised batch."""

from typing import List, Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmavs.registry import MODELS
from mmavs.structures import AVSDataSample, FramePixelData
from mmavs.structures.labeled_frames import UNLABELLED

LABELS = ('gt_sem_seg', 'gt_category_map')


@MODELS.register_module()
class AVSDataPreProcessor(BaseDataPreprocessor):
    """Stack clips, normalise frames, pad time and size.

    Args:
        mean (Sequence[float]): RGB mean in 0..255.
        std (Sequence[float]): RGB standard deviation in 0..255.
        bgr_to_rgb (bool): Frames come as BGR (OpenCV).
        num_frames (int, optional): Pad every clip to this T (AVSBench-semantic
            uses 10); None pads to the longest clip of the batch.
        size_divisor (int): Pad H and W to a multiple of it.
        audio_front_end (dict, optional): Module run on the device over the
            raw ``audio`` of all real frames of a batch, (N, S) waveform
            segments to (N, ...), e.g. ``VGGishLogMelFrontEnd``.

    Padded pixels and frames are zero *after* normalisation (the mean colour),
    as in AVSBench's released code, and labelled 255; padded sound is zero
    too, and ``valid_frames`` tells which frames are real.
    """

    def __init__(
        self,
        *,
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
        bgr_to_rgb: bool = True,
        num_frames: Optional[int] = None,
        size_divisor: int = 1,
        audio_front_end: Optional[dict] = None,
    ) -> None:
        super().__init__()
        self.register_buffer('mean', _per_channel(mean), persistent=False)
        self.register_buffer('std', _per_channel(std), persistent=False)
        self.bgr_to_rgb = bgr_to_rgb
        self.num_frames = num_frames
        self.size_divisor = size_divisor
        self.audio_front_end = audio_front_end and MODELS.build(
            audio_front_end
        )

    def forward(self, data: dict, training: bool = False) -> dict:
        """Make a batch of B clips.

        Args:
            data (dict): ``inputs`` with lists of B ``imgs`` (T, 3, H, W)
                uint8 in 0..255 and, optionally, ``audio`` (T, ...) float;
                ``data_samples`` list of B :class:`AVSDataSample`, optional.
            training (bool): Pad labels as well.

        Returns:
            dict: ``inputs`` = ``imgs`` (B, T, 3, H, W) float32, ``audio``
            (B, T, ...), ``valid_frames`` (B, T) bool if any frame is padding;
            ``data_samples``.

        Raises:
            ValueError: A clip is longer than ``num_frames``.
        """
        data = self.cast_data(data)
        inputs, samples = data['inputs'], data.get('data_samples')
        clips = [self._normalise(clip) for clip in inputs['imgs']]
        lengths = [len(clip) for clip in clips]
        num_frames = self.num_frames or max(lengths)
        if max(lengths) > num_frames:
            raise ValueError(
                f'a clip of {max(lengths)} frames does not fit '
                f'data_preprocessor.num_frames={num_frames}'
            )
        size = self._padded_size(clips)
        batch = dict(imgs=_stack(clips, num_frames, size))
        if min(lengths) < num_frames:
            steps = torch.arange(num_frames, device=batch['imgs'].device)
            ends = torch.tensor(lengths, device=steps.device)
            batch['valid_frames'] = steps[None] < ends[:, None]
        if 'audio' in inputs:
            batch['audio'] = self._batch_audio(inputs['audio'], num_frames)
        if samples is not None:
            self._describe(samples, size, training)
        return dict(inputs=batch, data_samples=samples)

    def _normalise(self, clip: Tensor) -> Tensor:
        """(T, 3, H, W) uint8 BGR -> float32 RGB of about zero mean."""
        if self.bgr_to_rgb:
            clip = clip.flip(1)
        return (clip.float() - self.mean) / self.std

    def _padded_size(self, clips: List[Tensor]) -> tuple:
        """Smallest common H, W that ``size_divisor`` divides."""
        return tuple(
            -(-max(clip.shape[axis] for clip in clips) // self.size_divisor)
            * self.size_divisor
            for axis in (-2, -1)
        )

    def _batch_audio(self, audio: List[Tensor], num_frames: int) -> Tensor:
        """List of (T, ...) -> (B, T, ...), zeros for padded seconds."""
        if self.audio_front_end is not None:
            # Before padding: silence is not zero in log scale, padding is.
            lengths = [len(clip) for clip in audio]
            audio = self.audio_front_end(torch.cat(audio)).split(lengths)
        return torch.stack([_pad_time(clip, num_frames) for clip in audio])

    def _describe(
        self, samples: List[AVSDataSample], size: tuple, training: bool
    ) -> None:
        """Tell each sample the padded size; pad its labels for training."""
        for sample in samples:
            sample.set_metainfo(dict(pad_shape=size, batch_input_shape=size))
            for field in LABELS:
                if training and field in sample:
                    mask = getattr(sample, field).data
                    mask = F.pad(
                        mask, _right_bottom(mask, size), value=UNLABELLED
                    )
                    setattr(sample, field, FramePixelData(data=mask))


def _per_channel(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)


def _right_bottom(tensor: Tensor, size: tuple) -> tuple:
    """Padding (left, right, top, bottom) that brings (..., h, w) to size."""
    return (0, size[1] - tensor.shape[-1], 0, size[0] - tensor.shape[-2])


def _pad_time(clip: Tensor, num_frames: int) -> Tensor:
    """(T, ...) -> (num_frames, ...), zeros at the end."""
    missing = num_frames - len(clip)
    if missing <= 0:
        return clip
    return torch.cat([clip, clip.new_zeros(missing, *clip.shape[1:])])


def _stack(clips: List[Tensor], num_frames: int, size: tuple) -> Tensor:
    """List of (T_b, 3, h_b, w_b) -> (B, T, 3, H, W), zero padded."""
    return torch.stack(
        [
            _pad_time(F.pad(clip, _right_bottom(clip, size)), num_frames)
            for clip in clips
        ]
    )
