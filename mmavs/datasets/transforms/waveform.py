"""Sound that is changed on purpose, in training or in evaluation."""

import zlib
from abc import abstractmethod
from typing import Optional, Sequence, Union

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmavs.audio import perturbations
from mmavs.registry import TRANSFORMS

EXAMPLE_MS = 960  # what one frame hears
Range = Union[float, Sequence[float]]


class WaveformTransform(BaseTransform):
    """What perturbations share: when to act, and repeatable draws.

    They stand between LoadAudio and the audio front end, keep the length of
    the sound, and drop ``audio_key``, so that no changed sound enters a cache.

    Required Keys:

    - waveform (torch.Tensor): (S,) or (2, S) float32 in [-1, 1]
    - sample_rate (int): In Hz

    Modified Keys:

    - waveform
    - audio_key (dropped if the sound changed)

    Args:
        prob (float): Share of clips that are changed.
        seed (int, optional): Draw by seed and clip alone: the same change for
            a clip in every epoch, worker and order, for evaluation. None
            (default) draws from NumPy's global generator, which the runner's
            seed fixes, anew each time.

    Raises:
        ValueError: ``prob`` outside 0..1; or, at run time, no waveform.
    """

    def __init__(self, prob: float = 1.0, seed: Optional[int] = None) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must lie in 0..1, got {prob}')
        self.prob = prob
        self.seed = seed

    @abstractmethod
    def change(
        self, waveform: Tensor, results: dict, draw: np.random.Generator
    ) -> Tensor:
        """(..., S) -> (..., S), drawing from ``draw`` only."""

    def transform(self, results: dict) -> dict:
        """Change the sound of this clip, or leave it."""
        if 'waveform' not in results or 'audio' in results:
            raise ValueError(
                f'{type(self).__name__} changes waveforms. Fix: put it after '
                'LoadAudio and before VGGishLogMel (or another front end).'
            )
        draw = self._generator(results)
        if draw.random() < self.prob:
            waveform = results['waveform']
            results['waveform'] = self.change(waveform, results, draw)
            results.pop('audio_key', None)
        return results

    def _generator(self, results: dict) -> np.random.Generator:
        if self.seed is None:
            return np.random.default_rng(np.random.randint(2**31))
        name = str(results.get('clip_id', results.get('audio_path', '')))
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])


@TRANSFORMS.register_module()
class MuteAudio(WaveformTransform):
    """Digital silence instead of the sound.

    Keys and arguments: :class:`WaveformTransform`.
    """

    def change(
        self, waveform: Tensor, results: dict, draw: np.random.Generator
    ) -> Tensor:
        """(..., S) -> (..., S) zeros."""
        return perturbations.mute(waveform)


@TRANSFORMS.register_module()
class AddNoise(WaveformTransform):
    """Noise over the sound.

    Keys: :class:`WaveformTransform`.

    Args:
        snr_db (float or Sequence[float]): Signal-to-noise ratio in dB, or
            lowest and highest of a uniform draw; see
            :func:`mmavs.audio.perturbations.mix`.
        color (str): ``'white'`` or ``'pink'``.
        prob (float): See :class:`WaveformTransform`.
        seed (int, optional): See :class:`WaveformTransform`.

    Raises:
        ValueError: Unknown colour.
    """

    def __init__(
        self,
        snr_db: Range,
        color: str = 'white',
        prob: float = 1.0,
        seed: Optional[int] = None,
    ) -> None:
        super().__init__(prob, seed)
        if color not in perturbations.COLORS:
            raise ValueError(
                f'color must be one of {perturbations.COLORS}, got {color!r}'
            )
        self.snr_db = as_range('snr_db', snr_db)
        self.color = color

    def change(
        self, waveform: Tensor, results: dict, draw: np.random.Generator
    ) -> Tensor:
        """(..., S) -> (..., S) with noise."""
        generator = torch.Generator()
        generator.manual_seed(int(draw.integers(2**62)))
        return perturbations.add_noise(
            waveform, draw.uniform(*self.snr_db), self.color, generator
        )


@TRANSFORMS.register_module()
class ShiftAudio(WaveformTransform):
    """The sound a little earlier or later than the frames.

    As an augmentation the shift stays below half of what a frame hears, so
    every frame keeps the greater part of its own sound. (To move frames and
    sound together, see ``RollClip``.) A larger shift *tests* whether a model
    follows the sound in time; it must be asked for. Silence enters.

    Keys: :class:`WaveformTransform`.

    Args:
        shift_ms (float or Sequence[float]): Positive: later. One value, or
            lowest and highest of a uniform draw. Defaults to (-100, 100).
        break_pairing (bool): Allow shifts of 480 ms and more.
        prob (float): See :class:`WaveformTransform`.
        seed (int, optional): See :class:`WaveformTransform`.

    Raises:
        ValueError: A shift that would give frames their neighbour's sound.
    """

    def __init__(
        self,
        shift_ms: Range = (-100.0, 100.0),
        break_pairing: bool = False,
        prob: float = 1.0,
        seed: Optional[int] = None,
    ) -> None:
        super().__init__(prob, seed)
        self.shift_ms = as_range('shift_ms', shift_ms)
        largest = max(abs(limit) for limit in self.shift_ms)
        if largest >= EXAMPLE_MS / 2 and not break_pairing:
            raise ValueError(
                f'a shift of {largest:g} ms gives frames the sound of their '
                f'neighbours (a frame hears {EXAMPLE_MS} ms). Fix: stay '
                f'below {EXAMPLE_MS // 2}, or, to test how a model follows '
                'time, set break_pairing=True.'
            )

    def change(
        self, waveform: Tensor, results: dict, draw: np.random.Generator
    ) -> Tensor:
        """(..., S) -> (..., S), moved."""
        shift_ms = draw.uniform(*self.shift_ms)
        samples = round(shift_ms * results['sample_rate'] / 1000)
        return perturbations.shift(waveform, samples)


def as_range(name: str, value: Range) -> tuple:
    """Read a number, or two, as (low, high).

    Raises:
        ValueError: Something else; names the argument.
    """
    if isinstance(value, (int, float)):
        return (value, value)
    if len(value) != 2 or value[0] > value[1]:
        raise ValueError(f'{name} is a number or (low, high), got {value}')
    return tuple(value)
