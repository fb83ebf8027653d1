"""Audio encoders: one second of sound a frame, (N, ...) to (N, D)."""

from .log_mel_cnn import LogMelCNN

__all__ = ['LogMelCNN']
