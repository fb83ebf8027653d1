"""What travels between encoders, necks, heads and losses.

Letters: B clips, T frames per clip, N = B*T frames (clip-major,
n = b*T + t), C channels, D embedding width, L tokens.
"""

from typing import Any, Dict, NamedTuple, Optional, Tuple

from torch import Tensor


class AVFeatures(NamedTuple):
    """Features of N frames and of the second of sound that goes with each.

    Necks map AVFeatures to AVFeatures (with :meth:`_replace`), so they chain
    by config.

    Attributes:
        visual (tuple[Tensor, ...]): One map per scale, finest first, each
            (N, C_i, H_i, W_i).
        audio (Tensor, optional): What the audio encoder gave, (N, D) or
            tokens (N, L, D). Necks leave it as it is unless fusing *into*
            sound is their purpose. None in a model without sound.
        aligned_audio (tuple[Tensor or None, ...]): Sound as the fusion of each
            scale saw it, (N, C_i), None at a scale that was not fused; empty
            where no neck projects sound.
        valid (Tensor, optional): (N,) bool, False for padded frames (a batch
            of clips of different length). None if every frame is real.
        num_frames (int): T, so that N = B*T; 1 where frames stand alone.
    """

    visual: Tuple[Tensor, ...]
    audio: Optional[Tensor] = None
    aligned_audio: Tuple[Optional[Tensor], ...] = ()
    valid: Optional[Tensor] = None
    num_frames: int = 1

    @property
    def frame_audio(self) -> Optional[Tensor]:
        """Tensor: One vector per frame, (N, D); None without sound."""
        return None if self.audio is None else mean_token(self.audio)

    def mask_padding(self, tensor: Tensor) -> Tensor:
        """Set the rows of padded frames to zero.

        Args:
            tensor (Tensor): (N, ...).

        Returns:
            Tensor: (N, ...), unchanged if every frame is real.
        """
        if self.valid is None:
            return tensor
        shape = (-1,) + (1,) * (tensor.ndim - 1)
        return tensor * self.valid.view(shape).to(tensor.dtype)

    def select(self, frames: Tensor) -> 'AVFeatures':
        """Keep some frames, each a clip of its own from here on (T = 1).

        Args:
            frames (Tensor): (L,) int64, indices in 0..N-1.

        Returns:
            AVFeatures: Of L frames.
        """

        def rows(tensor: Optional[Tensor]) -> Optional[Tensor]:
            return None if tensor is None else tensor[frames]

        return AVFeatures(
            visual=tuple(map(rows, self.visual)),
            audio=rows(self.audio),
            aligned_audio=tuple(map(rows, self.aligned_audio)),
            valid=rows(self.valid),
        )


class AVHeadOutput(NamedTuple):
    """What an AVS decode head gives.

    Attributes:
        logits (Tensor): Raw scores (N, K, h, w); K = 1 for binary models.
        features (AVFeatures): The head's own final features, for auxiliary
            losses with ``features='head'``.
        extras (dict): Whatever the head's own loss or instances need
            (per-layer outputs, query scores, ...); private to that head.
    """

    logits: Tensor
    features: AVFeatures
    extras: Dict[str, Any] = {}


def mean_token(audio: Tensor) -> Tensor:
    """Average tokens (N, L, D) to (N, D), which passes as it is."""
    return audio.mean(dim=1) if audio.ndim == 3 else audio
