"""Sounds that a model hears in place of a video's own.

Their words are those of :data:`mmavs.audio.sounds.SOUNDS`.
"""

from pathlib import Path
from typing import Iterator, Union

import numpy as np

from mmavs.audio.sound_track import SoundTrack

from .sound_sources import SampledSound

RATE = 16000  # Hz
WORDS = ('mute', 'noise')


def stand_in(word: str) -> SampledSound:
    """Give silence or noise, for as long as there are pictures.

    Args:
        word (str): 'mute' or 'noise'.
    """

    def pieces() -> Iterator[np.ndarray]:
        while word == 'mute':
            yield np.zeros(RATE, np.float32)
        try:
            import torch
        except ImportError as error:
            raise ValueError(
                f'noise is drawn by torch ({error}). Fix: --audio mute.'
            ) from None
        from mmavs.audio.sounds import change_sound

        second = 0
        while True:
            silence = torch.zeros(RATE)
            yield change_sound(silence, word, seed=second).numpy()
            second += 1

    return SampledSound(word, pieces, RATE, ends=False)


def repeated(path: Union[str, Path]) -> SampledSound:
    """Give a file's sound, again and again, while there are pictures.

    Raises:
        FileNotFoundError, ValueError: There is none, or no sound in it; also
            while it is read.
    """
    with SoundTrack(path, str(path), None, RATE):
        pass  # what is wrong with it is said now

    def pieces() -> Iterator[np.ndarray]:
        while True:
            with SoundTrack(path, str(path), None, RATE) as track:
                yield from track

    sound = SampledSound(str(path), pieces, RATE, ends=False)
    sound.files = [Path(path)]
    return sound
