"""Sound from disk into the results dict of a clip."""

from pathlib import Path

import torch
from mmcv.transforms import BaseTransform

from mmavs.audio import (
    decode_sound,
    read_log_mel_pickle,
    resample,
    to_channels,
)
from mmavs.audio.cache import content_key
from mmavs.audio.samples import check_samples
from mmavs.registry import TRANSFORMS
from mmavs.warn_once import WarnOnce

from .audio import FramePairing

# of the released archives of S4 and MS3
WAV_FOLDER, LOG_MEL_FOLDER = 'audio_wav', 'audio_log_mel'


@TRANSFORMS.register_module()
class LoadAudio(BaseTransform):
    """Load a clip's sound: mono or in two channels, at one sample rate.

    Wav files are read exactly; any other sound file or video is decoded by
    FFmpeg's libraries, see :func:`mmavs.audio.decode_sound`.

    Required Keys:

    - audio_path, or waveform and sample_rate (sound that is in memory
      already, (S,) or (channels, S) float in [-1, 1])

    Added Keys:

    - waveform (torch.Tensor): (S,) float32 in [-1, 1], mono; (2, S) with
      two channels
    - sample_rate (int): In Hz
    - audio_key (str): Names the content, for caches; dropped by every
      transform that changes the sound. Absent for sound from memory.

    Args:
        sample_rate (int): Wanted rate in Hz; other rates are resampled.
        channels (int): 1 mixes all channels; 2 keeps left and right, and
            takes a mono sound for both, with one notice.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not sound, see :func:`mmavs.audio.read_sound`;
            or the waveform holds integers, or was scaled as integers.
    """

    def __init__(self, sample_rate: int = 16000, channels: int = 1) -> None:
        if channels not in (1, 2):
            raise ValueError(f'channels must be 1 or 2, got {channels}')
        self.sample_rate = sample_rate
        self.channels = channels
        self._notice = WarnOnce()

    def transform(self, results: dict) -> dict:
        """Load, mix to mono, resample."""
        if 'waveform' in results:
            waveform = torch.as_tensor(results['waveform'])
            sample_rate = results['sample_rate']
            check_samples(waveform, results.get('audio_path', 'the waveform'))
            waveform = waveform.float()
        else:
            path = results['audio_path']
            data = self._read(path)
            waveform = decode_sound(
                data, path, self.sample_rate, self.channels
            )
            sample_rate = self.sample_rate
            parts = dict(rate=sample_rate)
            if self.channels == 2:
                parts['channels'] = 2
            results['audio_key'] = content_key(data, **parts)
        waveform = to_channels(waveform, self.channels)
        if self.channels == 2 and _alike(waveform):
            self._notice(
                f'{results.get("audio_path", "the waveform")} is the same '
                'left and right, and so is what the model hears. Further '
                'such sounds are not named.'
            )
        results['waveform'] = resample(waveform, sample_rate, self.sample_rate)
        results['sample_rate'] = self.sample_rate
        return results

    def sound_file(self, clip: dict) -> str:
        """Name the file that is read for a clip of a data set."""
        return clip['audio_path']

    def _read(self, path: str) -> bytes:
        try:
            return Path(path).read_bytes()
        except FileNotFoundError:
            raise FileNotFoundError(
                f'sound file not found: {path}. Fix: check data_root, or '
                'make wav files from the videos with '
                'tools/dataset_converters/prepare_avsbench.py.'
            ) from None

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(sample_rate={self.sample_rate}, '
            f'channels={self.channels})'
        )


def _alike(waveform: torch.Tensor) -> bool:
    """Whether a sound (2, S), unless silent, is the same left and right."""
    left, right = waveform
    return bool(left.any()) and torch.equal(left, right)


@TRANSFORMS.register_module()
class LoadReleasedLogMel(BaseTransform):
    """Read the log-mels that AVSBench hands out, instead of the wav file.

    Stands in place of LoadAudio and VGGishLogMel. The ``.pkl`` files are read
    without being able to run code.

    Required Keys:

    - audio_path (str): ``<...>/audio_wav/<...>/<clip>.wav``
    - frames (list): T frames

    Added Keys:

    - audio (torch.Tensor): (T, 1, 96, 64) float32

    Args:
        short_policy (str): See :class:`FramePairing`.

    Raises:
        FileNotFoundError: There is no such log-mel file.
        ValueError: The path has no folder ``audio_wav`` in it; the file is
            damaged or holds something else, see
            :func:`mmavs.audio.read_log_mel_pickle`.
    """

    def __init__(self, short_policy: str = 'repeat') -> None:
        self.pair = FramePairing(short_policy)

    def transform(self, results: dict) -> dict:
        """Read (n, 1, 96, 64), give each frame its own."""
        path = self.sound_file(results)
        results['audio'] = self.pair(
            read_log_mel_pickle(path), len(results['frames']), path
        )
        return results

    def sound_file(self, clip: dict) -> str:
        """Name the file that is read for a clip of a data set."""
        parts = list(Path(clip['audio_path']).parts)
        if WAV_FOLDER not in parts:
            raise ValueError(
                f'{clip["audio_path"]} does not lie under a folder '
                f'{WAV_FOLDER}, so its log-mel file cannot be found. Fix: '
                'compute log-mels from the sound with LoadAudio and '
                'VGGishLogMel.'
            )
        last = len(parts) - 1 - parts[::-1].index(WAV_FOLDER)
        parts[last] = LOG_MEL_FOLDER
        return str(Path(*parts).with_suffix('.pkl'))

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
