"""From a clip's waveform to one piece of audio input a frame."""

from abc import abstractmethod
from pathlib import Path
from typing import Optional

from mmcv.transforms import BaseTransform
from torch import Tensor

from mmavs.audio import read_log_mel_pickle, resample, vggish_log_mel
from mmavs.audio.cache import TensorCache, content_key
from mmavs.audio.fbank import SAMPLE_RATE, fbank_of_segments
from mmavs.audio.pairing import (
    SHORT_POLICIES,
    cut_segments,
    pair_with_frames,
)
from mmavs.registry import TRANSFORMS
from mmavs.utils.warn_once import WarnOnce


class FramePairing:
    """Give each of T frames one piece of sound, or say why not.

    Args:
        short_policy (str): ``'repeat'``: one missing piece is the last one
            repeated, with one warning a run, and more missing ones are an
            error (S4 and MS3); ``'zeros'``: missing pieces are zeros
            (AVSBench-semantic).

    Raises:
        ValueError: An unknown policy.
    """

    def __init__(self, short_policy: str) -> None:
        if short_policy not in SHORT_POLICIES:
            raise ValueError(
                f'short_policy must be one of {SHORT_POLICIES}, '
                f'got {short_policy!r}'
            )
        self.short_policy = short_policy
        self._warn_short, self._warn_long = WarnOnce(), WarnOnce()

    def __call__(self, pieces: Tensor, num_frames: int, name: str) -> Tensor:
        """Pair pieces (n, ...) with T frames.

        Args:
            pieces (Tensor): (n, ...), in the order of time.
            num_frames (int): T.
            name (str): The sound file, for messages.

        Returns:
            Tensor: (T, ...). Surplus pieces are cut, with one warning a run.

        Raises:
            ValueError: Too little sound; names the file.
        """
        try:
            paired, surplus = pair_with_frames(
                pieces, num_frames, self.short_policy
            )
        except ValueError as error:
            raise ValueError(
                f'{name}: {error}. Mend: extract the whole sound of the clip '
                'again, or leave the clip out.'
            ) from None
        if surplus < 0 and self.short_policy == 'repeat':
            self._warn_short(
                f'{name} is short by one piece of sound; its last one is '
                'repeated. Further short files are not named.'
            )
        if surplus > 0:
            self._warn_long(
                f'{name} holds {surplus} pieces of sound more than frames; '
                'the end is cut. Further long files are not named.'
            )
        return paired


class AudioFrontEnd(BaseTransform):
    """What front ends share: T pieces for T frames, and the cache.

    Required Keys:

    - waveform (torch.Tensor): (S,) float32 in [-1, 1]
    - sample_rate (int): In Hz
    - frames (list): T frames
    - audio_key (str), optional: Without it nothing is cached

    Added Keys:

    - audio (torch.Tensor): (T, ...) float32

    Args:
        short_policy (str): See :class:`FramePairing`. Defaults to
            ``'repeat'``.
        cache_dir (str, optional): Keep results there, by content of the sound
            file and parameters of the front end. Defaults to None.

    Raises:
        ValueError: An unknown policy; or, at run time, sound that is too
            short, with the file's name.
    """

    def __init__(
        self, short_policy: str = 'repeat', cache_dir: Optional[str] = None
    ) -> None:
        self.pair = FramePairing(short_policy)
        self.cache = cache_dir and TensorCache(cache_dir)

    @abstractmethod
    def pieces(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """Turn a whole waveform (S,) into pieces (n, ...) of it."""

    def parameters(self) -> dict:
        """dict: Whatever, besides the sound, decides what pieces hold."""
        return {}

    def transform(self, results: dict) -> dict:
        """Compute or recall the pieces, then give each frame its own."""
        name = results.get('audio_path', 'the waveform')
        pieces = self._recall(results)
        results['audio'] = self.pair(pieces, len(results['frames']), name)
        return results

    def _recall(self, results: dict) -> Tensor:
        def compute() -> Tensor:
            return self.pieces(results['waveform'], results['sample_rate'])

        if not self.cache or 'audio_key' not in results:
            return compute()
        key = content_key(
            results['audio_key'].encode(),
            front_end=type(self).__name__,
            **self.parameters(),
        )
        return self.cache.get(key, compute)

    def __repr__(self) -> str:
        folder = str(self.cache.folder) if self.cache else None
        return (
            f'{type(self).__name__}('
            f'short_policy={self.pair.short_policy!r}, cache_dir={folder!r})'
        )


@TRANSFORMS.register_module()
class VGGishLogMel(AudioFrontEnd):
    """Log-mel examples for VGGish and LogMelCNN, (T, 1, 96, 64).

    Example t covers seconds 0.96 t to 0.96 t + 0.975 of the sound; see
    :func:`mmavs.audio.vggish_log_mel` for values and ranges, and
    :class:`AudioFrontEnd` for keys and arguments.
    """

    def pieces(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """(S,) -> (n, 1, 96, 64)."""
        return vggish_log_mel(waveform, sample_rate)


@TRANSFORMS.register_module()
class BEATsFbank(AudioFrontEnd):
    """Filterbanks for BEATs, one a second, (T, 98, 128).

    Frame t gets second t of the sound; a last second of which at least half
    is there is completed with zeros. See :func:`mmavs.audio.beats_fbank` for
    values and ranges, and :class:`AudioFrontEnd` for keys and arguments.
    """

    def pieces(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """(S,) -> (n, 98, 128)."""
        waveform = resample(waveform, sample_rate, SAMPLE_RATE)
        seconds = cut_segments(
            waveform, SAMPLE_RATE, SAMPLE_RATE, complete=True
        )
        return fbank_of_segments(seconds)


@TRANSFORMS.register_module()
class AudioSegments(AudioFrontEnd):
    """Waveform segments, one a frame, (T, length).

    For front ends that run on the device (``audio_front_end`` of
    ``AVSDataPreProcessor``) and for encoders that take waveforms. See
    :class:`AudioFrontEnd` for keys.

    Args:
        length (int): Samples in a segment: 16000 for one second at 16 kHz
            (default), 15600 for VGGish examples.
        hop (int, optional): Samples from one segment's start to the next:
            15360 for VGGish. Defaults to ``length``; a last segment of which
            at least half is there is then completed with zeros.
        short_policy (str): See :class:`FramePairing`. Defaults to
            ``'repeat'``.
    """

    def __init__(
        self,
        length: int = SAMPLE_RATE,
        hop: Optional[int] = None,
        short_policy: str = 'repeat',
    ) -> None:
        super().__init__(short_policy)
        self.length = length
        self.hop = hop or length

    def pieces(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """(S,) -> (n, length)."""
        complete = self.hop == self.length
        return cut_segments(waveform, self.length, self.hop, complete)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(length={self.length}, hop={self.hop}, '
            f'short_policy={self.pair.short_policy!r})'
        )


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
        wav_folder (str): Part of ``audio_path`` that is replaced. Defaults to
            ``'audio_wav'``.
        log_mel_folder (str): By this. Defaults to ``'audio_log_mel'``.
        short_policy (str): See :class:`FramePairing`. Defaults to
            ``'repeat'``.

    Raises:
        FileNotFoundError: There is no such log-mel file.
        ValueError: The path has no ``wav_folder`` in it; the file is damaged
            or holds something else, see
            :func:`mmavs.audio.read_log_mel_pickle`.
    """

    def __init__(
        self,
        wav_folder: str = 'audio_wav',
        log_mel_folder: str = 'audio_log_mel',
        short_policy: str = 'repeat',
    ) -> None:
        self.wav_folder = wav_folder
        self.log_mel_folder = log_mel_folder
        self.pair = FramePairing(short_policy)

    def transform(self, results: dict) -> dict:
        """Read (n, 1, 96, 64), give each frame its own."""
        path = self._path(results['audio_path'])
        results['audio'] = self.pair(
            read_log_mel_pickle(path), len(results['frames']), str(path)
        )
        return results

    def _path(self, audio_path: str) -> Path:
        parts = list(Path(audio_path).parts)
        if self.wav_folder not in parts:
            raise ValueError(
                f'{audio_path} does not lie under a folder '
                f'{self.wav_folder!r}, so its log-mel file cannot be found. '
                'Mend: set wav_folder and log_mel_folder of '
                'LoadReleasedLogMel.'
            )
        last = len(parts) - 1 - parts[::-1].index(self.wav_folder)
        parts[last] = self.log_mel_folder
        return Path(*parts).with_suffix('.pkl')

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(wav_folder={self.wav_folder!r}, '
            f'log_mel_folder={self.log_mel_folder!r})'
        )
