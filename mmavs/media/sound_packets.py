"""Sound on its way into a video: copied where that is possible, or encoded."""

from pathlib import Path
from typing import Iterable, Iterator, Tuple, Union

import numpy as np

from mmavs.audio.samples import check_samples
from mmavs.audio.sound_track import frame_of
from mmavs.compat.av_files import Track, find_stream, open_media

_COPIED = ('aac', 'mp3')  # sound that mp4, mov and browsers take as it is
_AAC_RATES = (16000, 22050, 24000, 32000, 44100, 48000)
_PRIMING = 0.1  # seconds of sound before 0 that decoders need to start up

Packets = Iterator[Tuple[float, object]]


def packets_of_file(target, path: Path, start: float) -> Packets:
    """Put a file's first sound track into a video.

    Args:
        target (av.container.OutputContainer): mp4, mov or webm. Its stream is
            declared at once, packets come as they are asked for.
        path (Path): A file with sound.
        start (float): Where second 0 lies on its clock.

    Returns:
        Iterator: Time in seconds, and av.Packet.

    Raises:
        ValueError: The sound cannot be encoded, or is damaged.
    """
    source = open_media(path)
    stream = find_stream(source, 'audio')
    context = stream.codec_context
    raw = context.name == 'aac' and not context.extradata  # as in .ts files
    copied = context.name in _COPIED and not raw
    if copied and target.format.name != 'webm':
        stream_there = target.add_stream_from_template(stream)
        packets = _copy(source, stream, stream_there, start, path)
    else:
        stream_there = _encoder(target, context.sample_rate, context.channels)
        frames = _decoded(source, stream, start, path)
        packets = _encode(frames, stream_there, path)
    return _refused(packets, path)


def packets_of_samples(
    target, pieces: Iterable[np.ndarray], rate: int, name: str
) -> Packets:
    """Put samples into a video.

    Args:
        target (av.container.OutputContainer): As above.
        pieces (Iterable[ndarray]): (S,) float32 in [-1, 1], mono.
        rate (int): In Hz.
        name (str): What errors call them.

    Returns:
        Iterator: Time in seconds, and av.Packet.
    """
    stream_there = _encoder(target, rate, 1)
    frames = _framed(pieces, rate)
    return _refused(_encode(frames, stream_there, name), Path(name))


def _encoder(target, rate: int, channels: int):
    """Declare sound that is encoded: Opus in webm, else AAC."""
    if target.format.name == 'webm':
        stream = target.add_stream('libopus', rate=48000)
    else:
        rate = rate if rate in _AAC_RATES else 44100
        stream = target.add_stream('aac', rate=rate)
    stream.layout = 'mono' if channels == 1 else 'stereo'
    return stream


def _copy(source, stream, target, start: float, path: Path) -> Packets:
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


def _decoded(source, stream, start: float, path: Path) -> Iterator:
    """Give a file's sound from second 0, counted from there."""
    with source:
        for frame in Track(source, stream, path):
            if frame.time is not None and frame.time < start:
                continue
            if frame.pts is not None:
                frame.pts -= round(start / frame.time_base)
            yield frame


def _framed(pieces: Iterable[np.ndarray], rate: int) -> Iterator:
    """Cut samples into frames of a second at most."""
    place = 0
    for piece in pieces:
        for begin in range(0, len(piece), rate):
            part = piece[begin : begin + rate]
            yield frame_of(part, rate, place)
            place += len(part)


def _encode(frames: Iterable, target, name: Union[str, Path]) -> Packets:
    import av

    kind = 'flt' if target.codec_context.name == 'libopus' else 'fltp'
    resampler = av.AudioResampler(
        format=kind, layout=target.layout, rate=target.rate
    )
    for frame in frames:
        for part in resampler.resample(frame):
            if part.format.name.startswith('flt'):
                check_samples(part.to_ndarray(), name)
            yield from _timed(target.encode(part))
    for part in resampler.resample(None):
        yield from _timed(target.encode(part))
    yield from _timed(target.encode(None))


def _refused(packets: Packets, path: Path) -> Packets:
    """Say which sound it is that FFmpeg does not take."""
    import av

    try:
        yield from packets
    except av.FFmpegError as error:
        raise ValueError(
            f'{path}: its sound cannot be put into a video '
            f'({error.strerror}). Fix: convert it, "ffmpeg -i {path.name} '
            '-ac 1 sound.wav", and give that as the sound (audio=, --audio).'
        ) from error


def _timed(packets) -> Packets:
    for packet in packets:
        yield float((packet.pts or 0) * packet.time_base), packet
