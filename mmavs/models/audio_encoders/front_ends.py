"""Front ends that run on the device, from waveforms."""

from mmengine.model import BaseModule
from torch import Tensor

from mmavs.audio.fbank import fbank_of_segments
from mmavs.audio.log_mel import EXAMPLE_LENGTH, log_mel
from mmavs.audio.samples import check_scale
from mmavs.registry import MODELS


@MODELS.register_module()
class VGGishLogMelFrontEnd(BaseModule):
    """Waveforms to log-mel examples, inside the data preprocessor.

    The same figures as the ``VGGishLogMel`` transform up to float32 rounding,
    computed for the whole batch on its device. In a config::

        train_pipeline = [dict(type='LoadAudio'),
                          dict(type='AudioSegments', length=15600, hop=15360),
                          ...]
        data_preprocessor = dict(
            audio_front_end=dict(type='VGGishLogMelFrontEnd'))
    """

    def forward(self, audio: Tensor) -> Tensor:
        """Compute log-mel examples.

        Args:
            audio (Tensor): (N, 15600) float in [-1, 1], 16 kHz: 0.975 s each,
                starting every 15360 samples.

        Returns:
            Tensor: (N, 1, 96, 64) float32.

        Raises:
            ValueError: Segments of another length, or samples that are
                integers.
        """
        if audio.shape[-1] != EXAMPLE_LENGTH:
            raise ValueError(
                f'VGGishLogMelFrontEnd takes segments of {EXAMPLE_LENGTH} '
                f'samples, got {audio.shape[-1]}. Fix: '
                "dict(type='AudioSegments', length=15600, hop=15360) in the "
                'pipeline.'
            )
        check_scale(audio)
        return log_mel(audio.float()).unsqueeze(1)


@MODELS.register_module()
class BEATsFbankFrontEnd(BaseModule):
    """Waveforms to BEATs filterbanks, inside the data preprocessor.

    The same figures as the ``BEATsFbank`` transform. Goes with
    ``dict(type='AudioSegments')`` in the pipeline.
    """

    def forward(self, audio: Tensor) -> Tensor:
        """Compute filterbanks.

        Args:
            audio (Tensor): (N, S) float in [-1, 1], 16 kHz; S = 16000 for
                seconds.

        Returns:
            Tensor: (N, 1 + (S - 400) // 160, 128) float32.

        Raises:
            ValueError: S is shorter than one window of 25 ms, or samples
                are integers.
        """
        return fbank_of_segments(audio)
