"""A segmentor as a function of tensors, for exporters."""

from typing import List, Optional, Tuple

import torch
from torch import Tensor, nn

from mmavs.audio.log_mel import (
    EXAMPLE_FRAMES,
    EXAMPLE_LENGTH,
    FFT_LENGTH,
    HOP_LENGTH,
    LOG_OFFSET,
    WINDOW_LENGTH,
    mel_matrix,
)

# what a head that finds instances gives besides logits
INSTANCE_OUTPUTS = ('labels', 'scores', 'masks', 'valid', 'sounding')


class ClipNetwork(nn.Module):
    """Tensors of clips in, raw outputs of their frames out.

    Normalisation, resizing and decisions are the runtime's; what they need
    stands in the :mod:`sidecar <mmavs.deployment.sidecar>`.

    Args:
        model (nn.Module): From :func:`~mmavs.apis.init_model`.
        log_mel (bool): Take waveforms, and compute VGGish's log-mel examples
            in the graph.

    Attributes:
        input_names (list[str]): ``imgs`` and, unless the model is deaf,
            ``audio``.
        output_names (list[str]): ``logits`` and, of a head that finds
            instances, those of ``INSTANCE_OUTPUTS``.
    """

    def __init__(self, model: nn.Module, log_mel: bool = False) -> None:
        super().__init__()
        self.model = model
        self.front_end = LogMelExamples() if log_mel else None
        hears = model.audio_encoder is not None
        self.input_names = ['imgs', 'audio'] if hears else ['imgs']
        self.finds_instances = getattr(
            model.decode_head, 'finds_instances', False
        )
        found = INSTANCE_OUTPUTS if self.finds_instances else ()
        self.output_names: List[str] = ['logits', *found]
        self.eval()

    def forward(
        self, imgs: Tensor, audio: Optional[Tensor] = None
    ) -> Tuple[Tensor, ...]:
        """Run the network.

        Args:
            imgs (Tensor): (B, T, 3, H, W) float32, normalised.
            audio (Tensor, optional): (B, T, ...) as the audio encoder wants
                it; with ``log_mel`` waveforms (B, T, 15600) or
                (B, T, channels, 15600) in [-1, 1] at 16 kHz.

        Returns:
            tuple[Tensor, ...]: (B, T, ...) each, see ``output_names``:
            logits (B, T, K, h, w); labels, scores, valid and sounding
            (B, T, M); masks (B, T, M, h', w'), raw.
        """
        inputs = dict(imgs=imgs)
        if audio is not None:
            if self.front_end is not None:
                audio = self.front_end(audio)
            inputs['audio'] = audio
        output = self.model.encode_decode(inputs)
        found = [output.logits]
        if self.finds_instances:
            labels, scores, masks, valid = output.extras['instances']
            sounding = output.extras['sounding']
            found += [labels, scores, masks, valid, sounding]
        clips = (-1, imgs.shape[1])
        return tuple(tensor.unflatten(0, clips) for tensor in found)


class LogMelExamples(nn.Module):
    """:func:`mmavs.audio.log_mel.log_mel` of examples, in matrix products.

    No exporter knows every Fourier transform; as a product with 400 cosines
    and sines it is as exact, in float64, and small beside the network.
    """

    def __init__(self) -> None:
        super().__init__()
        starts = torch.arange(EXAMPLE_FRAMES)[:, None] * HOP_LENGTH
        places = starts + torch.arange(WINDOW_LENGTH)  # (96, 400)
        window = torch.hann_window(WINDOW_LENGTH, dtype=torch.float64)
        waves = torch.fft.rfft(
            torch.eye(WINDOW_LENGTH, dtype=torch.float64), FFT_LENGTH
        )  # (400, 257), one per sample of a window
        waves = waves * window[:, None]
        for name, table in (
            ('places', places.flatten()),
            ('cosines', waves.real.contiguous()),
            ('sines', waves.imag.contiguous()),
            ('bands', mel_matrix()),
        ):
            self.register_buffer(name, table, persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Compute examples.

        Args:
            waveform (Tensor): (B, T, 15600), or of two channels
                (B, T, 2, 15600), in [-1, 1].

        Returns:
            Tensor: (B, T, channels, 96, 64) float32.
        """
        if waveform.shape[-1] != EXAMPLE_LENGTH:
            raise ValueError(
                f'an example has {EXAMPLE_LENGTH} samples, got '
                f'{waveform.shape[-1]}'
            )
        if waveform.ndim == 3:
            waveform = waveform[:, :, None]
        frames = waveform.double().index_select(-1, self.places)
        frames = frames.unflatten(-1, (EXAMPLE_FRAMES, WINDOW_LENGTH))
        real, imaginary = frames @ self.cosines, frames @ self.sines
        magnitude = (real * real + imaginary * imaginary).sqrt()
        return (magnitude @ self.bands + LOG_OFFSET).log().float()
