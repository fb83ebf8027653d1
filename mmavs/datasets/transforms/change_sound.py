"""One of the sounds that a model is tried under."""

from typing import Dict, Optional

import numpy as np
from torch import Tensor

from mmavs.audio.sounds import FROM_OTHERS, change_sound, check_sound
from mmavs.registry import TRANSFORMS

from .loading import LoadAudio
from .waveform import WaveformTransform


@TRANSFORMS.register_module()
class ChangeSound(WaveformTransform):
    """A clip hears one of :data:`mmavs.audio.sounds.SOUNDS`.

    Where ``ReplaceAudio`` and ``MixAudio`` draw from all other clips, this is
    told which clip hears which: for sounds that must not fit what it shows.

    Keys: :class:`WaveformTransform`. Drawn noise depends on the clip alone.

    Args:
        sound (str): A word of ``SOUNDS``.
        others (dict, optional): clip_id -> sound file, for the sounds made
            from another clip's.

    Raises:
        ValueError: An unknown sound, or ``others`` is missing.
        KeyError: At run time, a clip that ``others`` does not name.
    """

    def __init__(
        self, sound: str, others: Optional[Dict[str, str]] = None
    ) -> None:
        super().__init__(seed=0)
        check_sound(sound)
        if sound in FROM_OTHERS and not others:
            raise ValueError(
                f"the sound {sound!r} is made from another clip's. Fix: give "
                'others=dict(clip_id=sound file)'
            )
        self.sound = sound
        self.others = {
            clip: str(path) for clip, path in (others or {}).items()
        }

    def change(
        self, waveform: Tensor, results: dict, draw: np.random.Generator
    ) -> Tensor:
        """(S,) or (channels, S) -> the same shape."""
        other = None
        if self.sound in FROM_OTHERS:
            other = self._other(results, waveform)
        seed = int(draw.integers(2**62))
        return change_sound(waveform, self.sound, other, seed)

    def _other(self, results: dict, waveform: Tensor) -> Tensor:
        clip_id = results['clip_id']
        if clip_id not in self.others:
            raise KeyError(
                f'ChangeSound names no sound for clip {clip_id!r}, only for '
                f'{len(self.others)} others'
            )
        channels = 1 if waveform.ndim == 1 else 2
        load = LoadAudio(results['sample_rate'], channels)
        return load(dict(audio_path=self.others[clip_id]))['waveform']
