"""H.264 pictures with the original sound, into an mp4 that browsers play."""

from fractions import Fraction
from pathlib import Path
from typing import Dict, Iterator, Optional, Tuple

import numpy as np
import torch

from mmavs.audio.sound_track import second_zero
from mmavs.audio.wav import check_samples
from mmavs.compat import import_av
from mmavs.compat.av_files import Track, find_stream, open_media

ENCODERS = ('libx264', 'libopenh264', 'h264_videotoolbox', 'h264_mf')
_CLOCK = Fraction(1, 90000)  # fine enough for any frame rate
_COPIED = ('aac', 'mp3')  # sound that mp4 and browsers take as it is
_AAC_RATES = (16000, 22050, 24000, 32000, 44100, 48000)
_PRIMING = 0.1  # seconds of sound before 0 that decoders need to start up


class VideoWriter:
    """Writes pictures as they come; the sound follows by itself.

    To be used with ``with``: the file is complete once the block is left, and
    of no use if the block raises.

    Args:
        path (str or Path): The file, written as mp4.
        size (tuple[int, int]): Height and width of the pictures.
        rate (Fraction): Mean pictures per second; a hint to the encoder.
        sound_path (str or Path, optional): File whose first sound track is
            put in: copied if it is AAC or MP3, else encoded as AAC.
        sound_start (float, optional): Where second 0 lies on that file's
            clock. Defaults to
            :func:`~mmavs.audio.sound_track.second_zero`.
        pixel_aspect (Fraction): Width by height of a pixel. Defaults to 1.

    Raises:
        RuntimeError: PyAV here has no H.264 encoder.
        ValueError: The sound cannot be encoded; also in the methods.
    """

    def __init__(
        self,
        path: Path,
        size: Tuple[int, int],
        rate: Fraction,
        sound_path: Optional[Path] = None,
        sound_start: Optional[float] = None,
        pixel_aspect: Fraction = Fraction(1),
    ) -> None:
        av = import_av()
        self.size = size
        encoder = find_encoder()
        # with its protocol said, since a name may hold a colon
        self._file = av.open(f'file:{path}', 'w', format='mp4')
        self._stream = self._file.add_stream(
            encoder, rate=max(rate, Fraction(1)).limit_denominator(65535)
        )
        # H.264 in its common form has even sizes
        self._stream.width = size[1] + size[1] % 2
        self._stream.height = size[0] + size[0] % 2
        self._stream.pix_fmt = 'yuv420p'
        self._stream.codec_context.time_base = _CLOCK
        self._stream.codec_context.sample_aspect_ratio = pixel_aspect
        if encoder == 'libx264':
            # without pictures out of order, whose last one would not be the
            # one that says how long the file is
            options = dict(crf='20', preset='veryfast', bf='0')
            self._stream.options = options
        else:
            self._stream.bit_rate = int(4 * size[0] * size[1])
        self._stays: Dict[int, int] = {}  # by time, in ticks of the clock
        self._sound = iter(())
        if sound_path is not None:
            if sound_start is None:
                sound_start = second_zero(sound_path)
            self._sound = _sound_packets(
                self._file, Path(sound_path), sound_start
            )
        self._waiting = next(self._sound, None)

    def write(self, image: np.ndarray, time: float, seconds: float) -> None:
        """Write a picture.

        Args:
            image (ndarray): (H, W, 3) uint8 RGB.
            time (float): When it comes on screen, in seconds.
            seconds (float): How long it stays there.
        """
        import av

        height, width = self.size
        image = np.pad(
            image, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge'
        )
        frame = av.VideoFrame.from_ndarray(image, format='rgb24')
        frame.pts, frame.time_base = round(time / _CLOCK), _CLOCK
        self._stays[frame.pts] = round(seconds / _CLOCK)
        self._mux_sound(time)
        self._mux_pictures(frame)

    def __enter__(self) -> 'VideoWriter':
        return self

    def __exit__(self, kind, error, trace) -> None:
        with self._file:
            if error is None:
                self._mux_pictures(None)
                self._mux_sound(float('inf'))

    def _mux_pictures(self, frame) -> None:
        for packet in self._stream.encode(frame):
            # else the last picture would stay for one period of the rate
            packet.duration = self._stays.pop(packet.pts, 0)
            self._file.mux(packet)

    def _mux_sound(self, until: float) -> None:
        while self._waiting and self._waiting[0] <= until:
            self._file.mux(self._waiting[1])
            self._waiting = next(self._sound, None)


def find_encoder() -> str:
    """Name the first H.264 encoder that PyAV has.

    Raises:
        RuntimeError: It has none.
    """
    import av

    for name in ENCODERS:
        try:
            av.codec.Codec(name, 'w')
        except av.error.FFmpegError:
            continue
        except ValueError:  # older PyAV's UnknownCodecError
            continue
        return name
    raise RuntimeError(
        f'PyAV {av.__version__} has no H.264 encoder (looked for '
        f'{", ".join(ENCODERS)}). Fix: pip install --force-reinstall '
        '--only-binary av av (its wheels bring libx264), or write masks '
        'alone (out_dir, --out --no-video).'
    )


def _sound_packets(file, path: Path, start: float) -> Iterator:
    """Yield (time in seconds, packet) of a file's first sound track."""
    source = open_media(path)
    stream = find_stream(source, 'audio')
    context = stream.codec_context
    raw = context.name == 'aac' and not context.extradata  # as in .ts files
    if context.name in _COPIED and not raw:
        target = file.add_stream_from_template(stream)
        packets = _copy(source, stream, target, start, path)
    else:
        rate = context.sample_rate
        target = file.add_stream(
            'aac', rate=rate if rate in _AAC_RATES else 44100
        )
        target.layout = 'mono' if context.channels == 1 else 'stereo'
        packets = _encode(source, stream, target, start, path)
    # streams are declared here, packets come as they are asked for
    return _refused(packets, path)


def _copy(source, stream, target, start: float, path: Path) -> Iterator:
    shift = round(start / stream.time_base)
    with source:
        for packet in Track(source, stream, path).packets():
            time = float(packet.pts * stream.time_base) - start
            if time < -_PRIMING:
                continue
            packet.pts -= shift
            packet.dts -= shift
            packet.stream = target
            yield time, packet


def _encode(source, stream, target, start: float, path: Path) -> Iterator:
    import av

    resampler = av.AudioResampler(
        format='fltp', layout=target.layout, rate=target.rate
    )
    with source:
        for frame in Track(source, stream, path):
            if frame.time is not None and frame.time < start:
                continue
            for part in resampler.resample(frame):
                check_samples(torch.from_numpy(part.to_ndarray()), path)
                yield from _timed(target.encode(_moved(part, start)))
        for part in resampler.resample(None):
            yield from _timed(target.encode(_moved(part, start)))
        yield from _timed(target.encode(None))


def _refused(packets: Iterator, path: Path) -> Iterator:
    """Say which sound it is that FFmpeg does not take."""
    import av

    try:
        yield from packets
    except av.FFmpegError as error:
        raise ValueError(
            f'{path}: its sound cannot be put into an mp4 file '
            f'({error.strerror}). Fix: convert it, "ffmpeg -i {path.name} '
            '-ac 1 sound.wav", and give that as the sound (audio=, --audio).'
        ) from error


def _moved(part, start: float):
    """Count a piece's time from second 0."""
    if part.pts is not None:
        part.pts -= round(start / part.time_base)
    return part


def _timed(packets) -> Iterator:
    for packet in packets:
        yield float((packet.pts or 0) * packet.time_base), packet
