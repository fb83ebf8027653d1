"""Another clip's sound, instead of the clip's own or over it."""

from pathlib import Path
from typing import List, Optional, Sequence, Union

import numpy as np
from torch import Tensor

from mmavs.audio import perturbations, read_wav, resample, to_mono
from mmavs.media.listing import visible_files
from mmavs.registry import TRANSFORMS

from .waveform import Range, WaveformTransform, as_range


class OtherSound(WaveformTransform):
    """A perturbation that draws another clip's sound.

    Args:
        sounds (str or Sequence[str]): A wav file, a folder searched with all
            its sub-folders, or a list of files.
        other_folder (bool): Never draw from the clip's own folder. In the
            layout of S4, where a folder holds a category, this gives sounds
            of other categories. Defaults to False: any file but the clip's.
        prob (float): See :class:`WaveformTransform`.
        seed (int, optional): See :class:`WaveformTransform`.

    Raises:
        FileNotFoundError: There is no such file or folder, or no wav in it.
        ValueError: At run time, nothing is left to draw.
    """

    def __init__(
        self,
        sounds: Union[str, Sequence[str]],
        other_folder: bool = False,
        prob: float = 1.0,
        seed: Optional[int] = None,
    ) -> None:
        super().__init__(prob, seed)
        self.sounds = _list_sounds(sounds)
        self.other_folder = other_folder

    def other(self, results: dict, draw: np.random.Generator) -> Tensor:
        """Draw a sound at the clip's sample rate.

        Args:
            results (dict): Of the clip; ``audio_path`` is never drawn.
            draw (numpy.random.Generator): Decides.

        Returns:
            Tensor: (S',), its own length.
        """
        own = Path(results.get('audio_path', '')).absolute()
        left = [
            path
            for path in self.sounds
            if path != own
            and not (self.other_folder and path.parent == own.parent)
        ]
        if not left:
            raise ValueError(
                f'{type(self).__name__}: no sound is left to draw for {own}. '
                'Fix: give more files as sounds.'
            )
        path = left[int(draw.integers(len(left)))]
        waveform, sample_rate = read_wav(path)
        results['other_audio_path'] = str(path)
        return resample(to_mono(waveform), sample_rate, results['sample_rate'])


@TRANSFORMS.register_module()
class ReplaceAudio(OtherSound):
    """Another clip's sound instead of the clip's own.

    Keys: :class:`WaveformTransform`; added: other_audio_path (str).
    Arguments: :class:`OtherSound`. A shorter sound is repeated, a longer one
    cut.
    """

    def change(
        self, waveform: Tensor, results: dict, draw: np.random.Generator
    ) -> Tensor:
        """(..., S) -> (..., S) of the other clip, alike in all channels."""
        other = self.other(results, draw)
        other = perturbations.fit_length(other, waveform.shape[-1])
        return other.expand_as(waveform)


@TRANSFORMS.register_module()
class MixAudio(OtherSound):
    """Another clip's sound over the clip's own.

    Keys: :class:`WaveformTransform`; added: other_audio_path (str).

    Args:
        sounds (str or Sequence[str]): See :class:`OtherSound`.
        snr_db (float or Sequence[float]): Own over other sound in dB, or
            lowest and highest of a uniform draw. Defaults to 0: equally loud.
        other_folder (bool): See :class:`OtherSound`.
        prob (float): See :class:`WaveformTransform`.
        seed (int, optional): See :class:`WaveformTransform`.
    """

    def __init__(
        self,
        sounds: Union[str, Sequence[str]],
        snr_db: Range = 0.0,
        other_folder: bool = False,
        prob: float = 1.0,
        seed: Optional[int] = None,
    ) -> None:
        super().__init__(sounds, other_folder, prob, seed)
        self.snr_db = as_range('snr_db', snr_db)

    def change(
        self, waveform: Tensor, results: dict, draw: np.random.Generator
    ) -> Tensor:
        """(..., S) -> (..., S) with the other clip's sound in it."""
        other = self.other(results, draw)
        return perturbations.mix(waveform, other, draw.uniform(*self.snr_db))


def _list_sounds(sounds: Union[str, Sequence[str]]) -> List[Path]:
    """Absolute paths of all wav files meant, in a fixed order."""
    given = [sounds] if isinstance(sounds, (str, Path)) else sounds
    found = []
    for path in map(Path, given):
        if path.is_dir():
            found += visible_files(path, ['.wav'])
        elif path.is_file():
            found.append(path)
        else:
            raise FileNotFoundError(
                f'sounds: there is no {path}. Fix: give wav files or a '
                'folder of them.'
            )
    if not found:
        raise FileNotFoundError(
            f'sounds: no wav file in {sounds}. Fix: give wav files or a '
            'folder of them.'
        )
    return [path.absolute() for path in found]
