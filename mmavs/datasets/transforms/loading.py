"""Sound from disk into the results dict of a clip."""

from typing import Optional

import mmengine.fileio as fileio
import torch
from mmcv.transforms import BaseTransform

from mmavs.audio import decode_wav, resample, to_mono
from mmavs.audio.cache import content_key
from mmavs.audio.wav import check_samples
from mmavs.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadAudio(BaseTransform):
    """Load a clip's sound: mono, at one sample rate.

    Required Keys:

    - audio_path, or waveform and sample_rate (sound that is in memory
      already, (S,) or (channels, S))

    Added Keys:

    - waveform (torch.Tensor): (S,) float32 in [-1, 1], mono
    - sample_rate (int): In Hz
    - audio_key (str): Names the content, for caches; dropped by every
      transform that changes the sound. Absent for sound from memory.

    Args:
        sample_rate (int): Wanted rate in Hz; other rates are resampled.
            Defaults to 16000.
        backend_args (dict, optional): For files that are not on a local
            disk, see ``mmengine.fileio``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no sound, see :func:`mmavs.audio.read_wav`.
    """

    def __init__(
        self, sample_rate: int = 16000, backend_args: Optional[dict] = None
    ) -> None:
        self.sample_rate = sample_rate
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Load, mix to mono, resample."""
        if 'waveform' in results:
            waveform = torch.as_tensor(results['waveform']).float()
            sample_rate = results['sample_rate']
            check_samples(waveform, results.get('audio_path', 'the waveform'))
        else:
            data = self._read(results['audio_path'])
            waveform, sample_rate = decode_wav(data, results['audio_path'])
            results['audio_key'] = content_key(data, rate=self.sample_rate)
        waveform = to_mono(waveform)
        results['waveform'] = resample(waveform, sample_rate, self.sample_rate)
        results['sample_rate'] = self.sample_rate
        return results

    def _read(self, path: str) -> bytes:
        try:
            return fileio.get(path, backend_args=self.backend_args)
        except FileNotFoundError:
            raise FileNotFoundError(
                f'sound file not found: {path}. Mend: check data_root, or '
                'make wav files from the videos with '
                'tools/dataset_converters/prepare_avsbench.py.'
            ) from None

    def __repr__(self) -> str:
        return f'{type(self).__name__}(sample_rate={self.sample_rate})'
