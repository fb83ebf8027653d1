"""Does the sound fit the frames, and the model?"""

from torch import Tensor

from mmavs.structures import AVFeatures


def check_audio(features: AVFeatures, audio_channels: int) -> Tensor:
    """Give the sound of each frame, (N, A) or (N, L, A).

    Raises:
        ValueError: No sound; another number of frames; another width.
    """
    audio = features.audio
    if audio is None:
        raise ValueError(
            'this model needs sound, but has no audio encoder. '
            "Fix: audio_encoder=dict(type='VGGish')"
        )
    frames = features.visual[0].shape[0]
    if audio.shape[0] != frames:
        raise ValueError(
            f'{audio.shape[0]} seconds of sound came with {frames} frames; '
            'they must pair one to one'
        )
    if audio.shape[-1] != audio_channels:
        raise ValueError(
            f'sound of width {audio.shape[-1]} came to a model built for '
            f'audio_channels={audio_channels}. Fix: set '
            'audio_channels to the out_channels of the audio encoder.'
        )
    return audio
