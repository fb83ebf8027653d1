"""The audio encoder's output, checked and brought to a width."""

from torch import Tensor, nn

from mmavs.structures import AVFeatures


class AudioProjection(nn.Module):
    """Linear layer on the sound of each frame.

    Args:
        audio_channels (int): Width A of the audio encoder.
        embed_dims (int): D.
    """

    def __init__(self, audio_channels: int, embed_dims: int) -> None:
        super().__init__()
        self.linear = nn.Linear(audio_channels, embed_dims)

    def forward(self, features: AVFeatures) -> Tensor:
        """Project.

        Args:
            features (AVFeatures): audio (N, A) or (N, L, A).

        Returns:
            Tensor: (N, L, D), L = 1 for an embedding a frame.

        Raises:
            ValueError: No sound; another number of frames; another width.
        """
        audio = features.audio
        if audio is None:
            raise ValueError(
                'this model needs sound, but has no audio encoder. '
                "Mend: audio_encoder=dict(type='VGGish')"
            )
        frames = features.visual[0].shape[0]
        if len(audio) != frames:
            raise ValueError(
                f'{len(audio)} seconds of sound came with {frames} frames; '
                'they must pair one to one'
            )
        if audio.shape[-1] != self.linear.in_features:
            raise ValueError(
                f'sound of width {audio.shape[-1]} came to a model built for '
                f'audio_channels={self.linear.in_features}. Mend: set '
                'audio_channels to the out_channels of the audio encoder.'
            )
        if audio.ndim == 2:
            audio = audio[:, None]
        return self.linear(audio)
