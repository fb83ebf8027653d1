"""The sound of one particular other clip."""

from typing import Dict

import numpy as np
from torch import Tensor

from mmavs.audio import perturbations, read_wav, resample, to_mono
from mmavs.registry import TRANSFORMS

from .waveform import WaveformTransform


@TRANSFORMS.register_module()
class GivenAudio(WaveformTransform):
    """A clip's sound replaced by that of another one, clip by clip.

    Where ``ReplaceAudio`` draws, this is told: for sounds that must not, or
    must, fit what a clip shows.

    Keys: :class:`WaveformTransform`. A shorter sound is repeated, a longer
    one cut.

    Args:
        sounds (dict): clip_id -> wav file.

    Raises:
        KeyError: At run time, a clip that the table does not name.
    """

    def __init__(self, sounds: Dict[str, str]) -> None:
        super().__init__()
        self.sounds = {clip: str(path) for clip, path in sounds.items()}

    def change(
        self, waveform: Tensor, results: dict, draw: np.random.Generator
    ) -> Tensor:
        """(..., S) -> (..., S) of the given clip, alike in all channels."""
        clip_id = results['clip_id']
        if clip_id not in self.sounds:
            raise KeyError(
                f'GivenAudio names no sound for clip {clip_id!r}, only for '
                f'{len(self.sounds)} others'
            )
        sound, sample_rate = read_wav(self.sounds[clip_id])
        sound = resample(to_mono(sound), sample_rate, results['sample_rate'])
        sound = perturbations.fit_length(sound, waveform.shape[-1])
        return sound.expand_as(waveform)
