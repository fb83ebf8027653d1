"""The sounds a model is tried under, and how each is made from samples."""

from typing import Optional

import torch
from torch import Tensor

from . import perturbations

SOUNDS = {
    'own': "the clip's own sound",
    'mute': 'digital silence',
    'noise': 'white noise at -20 dB of full scale',
    'swap': "another clip's sound, whatever it is",
    'offscreen': 'the sound of something that the clip does not show',
    'mix': 'the own sound and, equally loud, that of something not shown',
}
# under these the clip's own masks are right ...
FITTING = ('own', 'mix')
# ... and under these an empty one. Of swap, neither is known.
UNFITTING = ('mute', 'noise', 'offscreen')
# what needs the sound of another clip
FROM_OTHERS = ('swap', 'offscreen', 'mix')


def check_sound(sound: str) -> None:
    """Raise ValueError, naming the choices, on an unknown sound."""
    if sound not in SOUNDS:
        raise ValueError(
            f'unknown sound {sound!r}. Fix: take one of {tuple(SOUNDS)}'
        )


def change_sound(
    waveform: Tensor,
    sound: str,
    other: Optional[Tensor] = None,
    seed: int = 0,
) -> Tensor:
    """Put one of :data:`SOUNDS` in the place of a sound.

    Args:
        waveform (Tensor): (S,) or (channels, S) in [-1, 1].
        sound (str): A word of :data:`SOUNDS`.
        other (Tensor, optional): For those of :data:`FROM_OTHERS`, a second
            sound, (S',) or (channels, S'), at the same rate; repeated or cut
            to S.
        seed (int): Of the noise.

    Returns:
        Tensor: Of the shape of ``waveform``, in [-1, 1]; ``waveform`` itself
        for ``'own'``.

    Raises:
        ValueError: An unknown sound, or one that needs ``other``.
    """
    check_sound(sound)
    if sound == 'own':
        return waveform
    silence = perturbations.mute(waveform)
    if sound == 'mute':
        return silence
    if sound == 'noise':
        generator = torch.Generator().manual_seed(seed)
        return perturbations.add_noise(silence, 0, 'white', generator)
    if other is None:
        raise ValueError(
            f"the sound {sound!r} is made from another clip's. Fix: give one "
            'as other'
        )
    if sound == 'mix':
        return perturbations.mix(waveform, other, 0)
    other = perturbations.fit_length(other, waveform.shape[-1])
    return other.to(waveform).expand_as(waveform).clone()
