"""Sound from whatever container, by FFmpeg's libraries (PyAV)."""

import io
from fractions import Fraction
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Iterable,
    Iterator,
    List,
    Optional,
    Tuple,
    Union,
)

import numpy as np

from mmavs.compat import import_av
from mmavs.compat.av_files import Track, check_jump, find_stream, open_media

from .samples import check_rate, check_samples, no_samples
from .wav import decode_wav, stated_seconds

if TYPE_CHECKING:
    from torch import Tensor

# Below this, time stamps and samples may disagree: the codec's own delay at
# the beginning, clocks that drift later.
TOLERANCE = 0.1  # s
_FULL_SCALE = 32768  # of 16 bits
_MAX_PLANES = 8  # beyond, PyAV reads memory that is not the frame's


def read_sound(
    path: Union[str, Path], sample_rate: int = 16000, channels: int = 1
) -> 'Tensor':
    """Read the sound of any file: wav, another sound file, or a video.

    Args:
        path (str or Path): A file.
        sample_rate (int): Wanted rate in Hz.
        channels (int): 1 mixes all; 2 gives left and right, which hear a
            mono sound alike.

    Returns:
        Tensor: (S,) float32 in [-1, 1], mono; (2, S) of two channels.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It holds no sound that can be read.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f'sound file not found: {path}. Fix: check the path.'
        ) from None
    return decode_sound(data, str(path), sample_rate, channels)


def decode_sound(
    data: bytes, name: str, sample_rate: int = 16000, channels: int = 1
) -> 'Tensor':
    """As :func:`read_sound`, from the bytes of a file.

    Wav files are read exactly and resampled as the released VGGish front end
    does (:func:`~mmavs.audio.resampling.to_channels`); everything else is
    decoded, mixed and resampled by FFmpeg's libraries.

    Args:
        data (bytes): The whole file.
        name (str): What errors call it.
        sample_rate (int): Wanted rate in Hz.
        channels (int): See :func:`read_sound`.

    Returns:
        Tensor: (S,) float32 in [-1, 1], mono; (2, S) of two channels.

    Raises:
        ValueError: As :func:`read_sound`.
    """
    if _is_wav(data) or name.lower().endswith('.wav'):
        from .resampling import resample, to_channels

        waveform, rate = decode_wav(data, name)
        return resample(to_channels(waveform, channels), rate, sample_rate)
    file = io.BytesIO(data)
    return read_sound_track(file, name, sample_rate, channels=channels)


def read_sound_track(
    file: Union[str, Path, io.BytesIO],
    name: str,
    sample_rate: int = 16000,
    seconds: Optional[float] = None,
    channels: int = 1,
) -> 'Tensor':
    """Decode the sound of a video (or a sound file), see :class:`SoundTrack`.

    Args:
        file (str, Path or io.BytesIO): The file.
        name (str): What errors call it.
        sample_rate (int): Wanted rate in Hz.
        seconds (float, optional): Read no more than so much. Defaults to all.
        channels (int): See :func:`read_sound`.

    Returns:
        Tensor: (S,) float32 in [-1, 1]; (2, S) of two channels.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: See :class:`SoundTrack`; sound that is cut off before its
            end, or has gaps of more than ten minutes altogether.
    """
    import torch

    length = None if seconds is None else round(seconds * sample_rate)
    chunks, filled = [], 0
    with SoundTrack(file, name, None, sample_rate, channels) as track:
        for chunk in track:
            chunks.append(chunk)
            filled += chunk.shape[-1]
            check_jump(name, track.silence)
            if length is not None and filled >= length:
                break
        if track.missing is not None:
            came, end = track.missing
            raise ValueError(
                f'{name} is cut off: its sound should last until {end:.2f} s, '
                f'and ends at {came:.2f} s. Fix: download or convert the file '
                'again.'
            )
    if not filled:
        raise no_samples(f'the sound track of {name}')
    return torch.from_numpy(np.concatenate(chunks, axis=-1)[..., :length])


class SoundTrack:
    """The sound of a media file: pieces that follow each other from second 0.

    Mixed and resampled by FFmpeg's resampler, to 16 bits: what
    ``ffmpeg -i clip.mp4 -ac 1 -ar 16000 clip.wav`` gives, or with ``-ac 2``,
    but every sample at its time and one channel as it is. Where time stamps
    leave a gap of more than 0.1 s, there is silence; where they overlap by
    more, or lie before second 0, samples are left out.

    To be closed, or used with ``with``; gone through once.

    Args:
        file (str, Path or io.BytesIO): The file.
        name (str): What errors call it.
        start (float, optional): Where second 0 lies on the file's clock.
            Defaults to :func:`second_zero`.
        sample_rate (int): Wanted rate in Hz.
        channels (int): See :func:`read_sound`.

    Attributes:
        silence (float): Seconds of gaps that were filled so far.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No file that FFmpeg reads, or no sound in it; while going
            through it, damage, samples that are NaN or infinite, or time
            stamps that leap (:func:`~mmavs.compat.av_files.check_jump`).
    """

    def __init__(
        self,
        file: Union[str, Path, io.BytesIO],
        name: str,
        start: Optional[float] = None,
        sample_rate: int = 16000,
        channels: int = 1,
    ) -> None:
        self.name, self.sample_rate = name, sample_rate
        self.channels = channels
        self.silence = 0.0
        self._container = open_media(file, name)
        stream = find_stream(self._container, 'audio')
        if stream is None:
            self.close()
            raise ValueError(
                f'{name} has no sound track. Fix: give its sound as a file '
                'of its own (audio=, --audio), take a video with sound, or '
                'leave the clip out.'
            )
        self.start = _second_zero(self._container) if start is None else start
        self._track = Track(self._container, stream, name)
        if self._container.format.name == 'wav':
            self._track.end = stated_seconds(file)
        self._converter = _Converter(sample_rate, channels)
        self._lead = () if channels == 1 else (channels,)  # of each piece
        self._given = 0  # samples
        self._surplus = 0  # samples to be left out next

    def __enter__(self) -> 'SoundTrack':
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    @property
    def missing(self) -> Optional[Tuple[float, float]]:
        """tuple or None: From which second to which the file states sound that
        did not come; known once all was gone through.
        """
        if self._track.missing is None:
            return None
        came, end = self._track.missing
        return came - self.start, end - self.start

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield pieces (S,) or (2, S) float32 in [-1, 1]."""
        due = None  # when the next frame should come
        for frame in self._track:
            _check(frame, self.name)
            if due is None:
                due = self._begin(frame)
            late = 0.0
            if frame.time is not None:
                late = frame.time - self.start - due
                late = late if abs(late) > TOLERANCE else 0.0
            if late or not self._converter.takes(frame):
                check_jump(self.name, late)
                yield from self._give(self._converter.rest())
                due += late
                yield from self._move(due)
            yield from self._give(self._converter.convert(frame))
            due += frame.samples / frame.sample_rate
        if due is None:
            raise ValueError(
                f'{self.name} has a sound track without a single sample in '
                'it. Fix: extract or record the sound again.'
            )
        yield from self._give(self._converter.rest())

    def _begin(self, frame) -> float:
        """Say when the first frame is due; its codec's delay moves start."""
        offset = 0.0 if frame.time is None else frame.time - self.start
        if abs(offset) <= TOLERANCE:
            self.start += offset
            return 0.0
        self._surplus = max(0, round(-offset * self.sample_rate))
        return min(offset, 0.0)

    def _give(self, pieces: List[np.ndarray]) -> Iterator[np.ndarray]:
        for piece in pieces:
            kept = piece[..., self._surplus :].reshape(*self._lead, -1)
            self._surplus -= piece.shape[-1] - kept.shape[-1]
            self._given += kept.shape[-1]
            yield kept

    def _move(self, second: float) -> Iterator[np.ndarray]:
        """Go on at another second: after silence, or leaving samples out."""
        gap = round(second * self.sample_rate) - self._given
        self._surplus = max(0, -gap)
        if gap > 0:
            self.silence += gap / self.sample_rate
            self._given += gap
            yield np.zeros((*self._lead, gap), np.float32)


class SampledTrack:
    """Samples that come piece by piece, as :class:`SoundTrack` gives sound.

    Args:
        pieces (Iterable[ndarray]): (S,) float32 in [-1, 1], mono.
        rate (int): Of the pieces, in Hz.
        name (str): What errors call them.
        sample_rate (int): Wanted rate in Hz; another one than theirs goes
            through FFmpeg's resampler, in 16-bit steps.
        channels (int): See :func:`read_sound`.
    """

    missing = None

    def __init__(
        self,
        pieces: Iterable[np.ndarray],
        rate: int,
        name: str,
        sample_rate: int,
        channels: int,
    ) -> None:
        check_rate(rate, name)
        self.name, self.sample_rate = name, sample_rate
        self.channels = channels
        self._pieces, self._rate = pieces, rate

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield pieces (S,) or (2, S) float32 in [-1, 1]."""
        for piece in self._resampled():
            alike = np.broadcast_to(piece, (self.channels, piece.shape[-1]))
            yield alike[0] if self.channels == 1 else alike

    def _resampled(self) -> Iterator[np.ndarray]:
        if self._rate == self.sample_rate:
            yield from self._pieces
            return
        converter = _Converter(self.sample_rate, 1)
        for piece in self._pieces:
            if len(piece):
                yield from converter.convert(frame_of(piece, self._rate))
        yield from converter.rest()

    def close(self) -> None:
        """Nothing is open."""


def frame_of(samples: np.ndarray, rate: int, place: int = 0):
    """Make a frame of FFmpeg's of samples.

    Args:
        samples (ndarray): (S,) float32 in [-1, 1].
        rate (int): In Hz.
        place (int): Samples before it.

    Returns:
        av.AudioFrame: Mono.
    """
    av = import_av()
    samples = np.ascontiguousarray(samples, np.float32)[None]
    frame = av.AudioFrame.from_ndarray(samples, 'fltp', 'mono')
    frame.sample_rate, frame.pts = rate, place
    frame.time_base = Fraction(1, rate)
    return frame


class _Converter:
    """Frames to one or two channels at one sample rate, in 16-bit steps."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.sample_rate, self.channels = sample_rate, channels
        self._resampler = self._kind = None

    def takes(self, frame) -> bool:
        """Whether a frame is of the same kind as those before it."""
        return self._kind in (None, _kind(frame))

    def convert(self, frame) -> List[np.ndarray]:
        """Take a frame; give what is ready, (C, S) float32 in [-1, 1]."""
        import av

        if self._resampler is not None:
            return self._to_floats(self._resampler.resample(frame))
        self._kind = _kind(frame)
        # one channel is doubled as it is, where FFmpeg would turn it down
        mono = 1 in (self.channels, frame.layout.nb_channels)
        try:
            return self._start(frame, 'mono' if mono else 'stereo')
        except av.FFmpegError:
            # so many channels that FFmpeg has no way to mix them down
            return self._start(frame, frame.layout)

    def rest(self) -> List[np.ndarray]:
        """Give what is held back, and be ready for frames of any kind."""
        if self._resampler is None:
            return []
        pieces = self._resampler.resample(None)
        self._resampler = self._kind = None
        return self._to_floats(pieces)

    def _start(self, frame, layout) -> List[np.ndarray]:
        import av

        self._resampler = av.AudioResampler('s16', layout, self.sample_rate)
        return self._to_floats(self._resampler.resample(frame))

    def _to_floats(self, pieces: list) -> List[np.ndarray]:
        """Pieces of 16 bits, channels in turn -> (C, S) float32 in [-1, 1]."""
        arrays = []
        for piece in pieces:
            channels = piece.layout.nb_channels
            samples = piece.to_ndarray().reshape(-1, channels).T
            if self.channels == 1:
                samples = samples.mean(axis=0, keepdims=True, dtype=np.float32)
            shape = self.channels, samples.shape[1]
            kept = np.broadcast_to(samples[:2], shape)
            arrays.append(kept.astype(np.float32) / _FULL_SCALE)
        return arrays


def _kind(frame) -> tuple:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _check(frame, name: str) -> None:
    """Refuse what conversion to 16 bits would turn into plausible sound."""
    check_rate(frame.sample_rate, name)
    channels = frame.layout.nb_channels
    if frame.format.is_planar and channels > _MAX_PLANES:
        raise ValueError(
            f'{name} has {channels} channels of sound, more than can be read '
            f'of such a file. Fix: "ffmpeg -i {Path(name).name} -ac 1 '
            'sound.wav".'
        )
    if frame.format.name.startswith(('flt', 'dbl')) and frame.samples:
        check_samples(frame.to_ndarray(), f'the sound of {name}')


def second_zero(path: Union[str, Path]) -> float:
    """Say where second 0 of a file lies on its clock, in seconds.

    It is where the first picture comes or, of a sound file, the first sample.

    Raises:
        FileNotFoundError, ValueError: See
            :func:`~mmavs.compat.av_files.open_media`.
    """
    with open_media(path) as container:
        return _second_zero(container)


def _second_zero(container) -> float:
    for kind in ('video', 'audio'):
        stream = find_stream(container, kind)
        if stream is not None and stream.start_time is not None:
            return float(stream.start_time * stream.time_base)
    return 0.0


def _is_wav(data: bytes) -> bool:
    return data[:4] in (b'RIFF', b'RIFX', b'RF64') and data[8:12] == b'WAVE'
