"""From a clip's waveform to one piece of audio input a frame."""

from abc import abstractmethod
from typing import Optional, Tuple

import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmavs.audio import resample, vggish_log_mel
from mmavs.audio.cache import TensorCache, content_key
from mmavs.audio.fbank import SAMPLE_RATE, fbank_of_segments
from mmavs.audio.log_mel import (
    EXAMPLE_FRAMES,
    EXAMPLE_HOP,
    EXAMPLE_LENGTH,
    NUM_MEL_BINS,
    log_mel,
)
from mmavs.audio.pairing import (
    SHORT_POLICIES,
    cut_segments,
    pair_with_frames,
)
from mmavs.audio.samples import check_samples
from mmavs.registry import TRANSFORMS
from mmavs.warn_once import WarnOnce


class FramePairing:
    """Give each of T frames one piece of sound, or say why not.

    Args:
        short_policy (str): ``'repeat'``: one missing piece is the last one
            repeated, with one warning a run, and more missing ones are an
            error (S4 and MS3); ``'repeat_any'``: however many are missing,
            as in the released front end; ``'zeros'``: missing pieces are
            zeros (AVSBench-semantic).

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
                f'{name}: {error}. Fix: extract the whole sound of the clip '
                "again, leave the clip out, or set short_policy='repeat_any' "
                'as in the released front end; prepare_avsbench.py --check '
                'names every such file.'
            ) from None
        if surplus < 0 and self.short_policy != 'zeros':
            pieces = 'one piece' if surplus == -1 else f'{-surplus} pieces'
            self._warn_short(
                f'{name} is short by {pieces} of sound; its last one is '
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

    - waveform (torch.Tensor): (S,) float32 in [-1, 1]; (2, S) where the
      front end takes two channels
    - sample_rate (int): In Hz
    - frames (list): T frames
    - audio_key (str), optional: Without it nothing is cached

    Added Keys:

    - audio (torch.Tensor): (T, ...) float32

    Args:
        short_policy (str): See :class:`FramePairing`.
        cache_dir (str, optional): Keep results there, by content of the sound
            file and parameters of the front end.

    Raises:
        ValueError: An unknown policy; or, at run time, sound that is too
            short, not scaled to 1 or of two channels, with the file's name.
    """

    # of one piece, as far as it is cached; None is any number
    piece_shape: Tuple[Optional[int], ...] = ()
    takes_channels = False  # else one alone

    def __init__(
        self, short_policy: str = 'repeat', cache_dir: Optional[str] = None
    ) -> None:
        self.pair = FramePairing(short_policy)
        self.cache = cache_dir and TensorCache(
            cache_dir, (None, *self.piece_shape)
        )

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
            waveform = results['waveform']
            name = results.get('audio_path', 'the waveform')
            check_samples(waveform, name)
            if waveform.ndim > 1 and not self.takes_channels:
                raise ValueError(
                    f'{name} comes in {len(waveform)} channels, and '
                    f'{type(self).__name__} takes one. Fix: '
                    'LoadAudio(channels=1).'
                )
            return self.pieces(waveform, results['sample_rate'])

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

    Of sound in two channels (``LoadAudio(channels=2)``), (T, 2, 96, 64).

    Example t covers seconds h t to h t + 0.975 of the sound, with the
    released h = 0.96. Frames are one second apart, so that a released example
    is 0.04 t s early: 0.16 s at the end of five frames, but more than a
    second after 25. ``hop=1.0`` keeps long clips paired. See
    :func:`mmavs.audio.vggish_log_mel` for values and ranges, and
    :class:`AudioFrontEnd` for keys.

    Args:
        short_policy (str): See :class:`FramePairing`.
        cache_dir (str, optional): See :class:`AudioFrontEnd`.
        hop (float): h, in seconds. Defaults to 0.96.
    """

    piece_shape = (None, EXAMPLE_FRAMES, NUM_MEL_BINS)
    takes_channels = True

    def __init__(
        self,
        short_policy: str = 'repeat',
        cache_dir: Optional[str] = None,
        hop: float = EXAMPLE_HOP / SAMPLE_RATE,
    ) -> None:
        super().__init__(short_policy, cache_dir)
        self.hop = hop

    def parameters(self) -> dict:
        """dict: The hop, in samples."""
        return dict(hop=round(self.hop * SAMPLE_RATE))

    def pieces(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """(S,) -> (n, 1, 96, 64); (channels, S) -> (n, channels, 96, 64)."""
        if waveform.ndim == 2:
            parts = [self.pieces(part, sample_rate) for part in waveform]
            return torch.cat(parts, dim=1)
        hop = round(self.hop * SAMPLE_RATE)
        if hop == EXAMPLE_HOP:
            return vggish_log_mel(waveform, sample_rate)
        waveform = resample(waveform, sample_rate, SAMPLE_RATE)
        segments = cut_segments(waveform, EXAMPLE_LENGTH, hop)
        return log_mel(segments.double()).float().unsqueeze(1)


@TRANSFORMS.register_module()
class BEATsFbank(AudioFrontEnd):
    """Filterbanks for BEATs, one per second, (T, 98, 128).

    Frame t gets second t of the sound; a last second of which at least half
    is there is completed with zeros. See :func:`mmavs.audio.beats_fbank` for
    values and ranges, and :class:`AudioFrontEnd` for keys and arguments.
    """

    piece_shape = (98, 128)  # 1 s

    def pieces(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """(S,) -> (n, 98, 128)."""
        waveform = resample(waveform, sample_rate, SAMPLE_RATE)
        seconds = cut_segments(
            waveform, SAMPLE_RATE, SAMPLE_RATE, complete=True
        )
        return fbank_of_segments(seconds)


@TRANSFORMS.register_module()
class AudioSegments(AudioFrontEnd):
    """Waveform segments, one per frame, (T, length).

    For front ends that run on the device (``audio_front_end`` of
    ``AVSDataPreProcessor``) and for encoders that take waveforms. See
    :class:`AudioFrontEnd` for keys.

    Args:
        length (int): Samples in a segment: 16000 for one second at 16 kHz
            (default), 15600 for VGGish examples.
        hop (int, optional): Samples from one segment's start to the next:
            15360 for VGGish. Defaults to ``length``; a last segment of which
            at least half is there is then completed with zeros.
        short_policy (str): See :class:`FramePairing`.
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
