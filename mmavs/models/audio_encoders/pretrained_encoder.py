"""What audio encoders with published weights share."""

import logging
from abc import abstractmethod
from typing import Dict, Optional

import torch
from mmengine.logging import print_log
from mmengine.model import BaseModule
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor


class PretrainedAudioEncoder(BaseModule):
    """Freezing, and loading files as their authors publish them.

    A frozen encoder has no trainable parameter, stays in evaluation mode
    through ``train()`` and runs without recording gradients.

    Args:
        frozen (bool): Keep the weights as they are.
        init_cfg (dict, optional): ``dict(type='Pretrained',
            checkpoint=<path or URL>)``, a released file or one of our own
            (then with ``prefix='audio_encoder.'``). None keeps random
            weights.

    Attributes:
        out_channels (int): D of the output.
    """

    out_channels: int

    def __init__(self, frozen: bool, init_cfg: Optional[dict]) -> None:
        super().__init__(init_cfg)
        self.frozen = frozen

    @abstractmethod
    def encode(self, audio: Tensor) -> Tensor:
        """(N, ...) sound -> (N, D) or (N, L, D)."""

    @abstractmethod
    def adapt(self, checkpoint: dict) -> Dict[str, Tensor]:
        """Turn a released file's content into this module's state dict.

        Raises:
            ValueError: The file is of another network.
        """

    def freeze(self) -> None:
        """Apply ``frozen``; called once every layer is built."""
        if self.frozen:
            self.requires_grad_(False)
            self.eval()

    def train(self, mode: bool = True) -> 'PretrainedAudioEncoder':
        """Set training mode, unless frozen."""
        return super().train(mode and not self.frozen)

    def forward(self, audio: Tensor) -> Tensor:
        """Encode sound.

        Args:
            audio (Tensor): (N, ...) float, one second of sound per row, as the
                subclass's ``encode`` states: a log-mel example, a filterbank
                or a waveform in [-1, 1].

        Returns:
            Tensor: (N, D), or tokens (N, L, D); D = ``out_channels``.
        """
        with self.recording():
            return self.encode(audio)

    def recording(self) -> torch.set_grad_enabled:
        """Context in which gradients are recorded unless frozen."""
        return torch.set_grad_enabled(
            torch.is_grad_enabled() and not self.frozen
        )

    def init_weights(self) -> None:
        """Load ``init_cfg``'s file, released or our own.

        Raises:
            RuntimeError: The file is of another network.
        """
        name = type(self).__name__
        if not self.init_cfg or self.init_cfg['type'] != 'Pretrained':
            super().init_weights()
            if self.frozen:
                print_log(
                    f'{name} is frozen at random weights unless a checkpoint '
                    'is loaded',
                    logger='current',
                    level=logging.WARNING,
                )
            return
        path = self.init_cfg['checkpoint']
        checkpoint = CheckpointLoader.load_checkpoint(path, map_location='cpu')
        try:
            self.load_state_dict(self._own_part(checkpoint))
        except (RuntimeError, ValueError) as error:
            raise RuntimeError(
                f'{path} does not hold the weights of this {name}: {error}. '
                'Fix: give the file that goes with this encoder, or set the '
                "encoder's arguments to the file's."
            ) from error
        print_log(f'{name}: weights of {path}', logger='current')

    def _own_part(self, checkpoint: dict) -> Dict[str, Tensor]:
        """Cut this encoder out of one of our checkpoints, or adapt."""
        prefix = self.init_cfg.get('prefix')
        if not prefix:
            return self.adapt(checkpoint)
        prefix = prefix.rstrip('.') + '.'
        weights = checkpoint.get('state_dict', checkpoint)
        return {
            key[len(prefix) :]: value
            for key, value in weights.items()
            if key.startswith(prefix)
        }
