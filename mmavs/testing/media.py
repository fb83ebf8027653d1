"""Small videos for tests, of every kind that the world has."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Callable, Optional, Sequence

import numpy as np

from mmavs.compat import import_av

_TICK = 1000  # a second has so many ticks in the videos' pictures


def write_test_video(
    path: Path,
    pictures: Optional[np.ndarray] = None,
    fps: float = 10,
    times_ms: Optional[Sequence[int]] = None,
    sound: Optional[np.ndarray] = None,
    sample_rate: int = 16000,
    rotation: Optional[int] = None,
) -> Path:
    """Write an mp4 (MPEG-4 pictures, AAC sound).

    Args:
        path (Path): The file.
        pictures (np.ndarray, optional): (n, H, W, 3) uint8 BGR.
        fps (float): Constant rate of the pictures.
        times_ms (Sequence[int], optional): When each is shown, instead.
        sound (np.ndarray, optional): (channels, S) float in [-1, 1].
        sample_rate (int): Of the sound, in Hz.
        rotation (int, optional): Clockwise quarter turns to be shown with.

    Returns:
        Path: ``path``.
    """
    av = import_av()
    with av.open(str(path), 'w') as container:
        video = audio = None
        if pictures is not None:
            rate = Fraction(fps).limit_denominator(1000)
            video = container.add_stream('mpeg4', rate=rate)
            video.height, video.width = pictures.shape[1:3]
            video.pix_fmt, video.bit_rate = 'yuv420p', 10**7
            if times_ms is not None:
                video.codec_context.time_base = Fraction(1, _TICK)
        if sound is not None:
            layout = 'mono' if len(sound) == 1 else 'stereo'
            audio = container.add_stream(
                'aac', rate=sample_rate, layout=layout
            )
        for index in range(0 if pictures is None else len(pictures)):
            frame = av.VideoFrame.from_ndarray(pictures[index], format='bgr24')
            if times_ms is not None:
                frame.pts = int(times_ms[index])
                frame.time_base = Fraction(1, _TICK)
            container.mux(video.encode(frame))
        if audio is not None:
            samples = np.ascontiguousarray(sound, np.float32)
            frame = av.AudioFrame.from_ndarray(samples, 'fltp', layout)
            frame.sample_rate, frame.pts = sample_rate, 0
            frame.time_base = Fraction(1, sample_rate)
            container.mux(audio.encode(frame))
        for stream in (video, audio):
            if stream is not None:
                container.mux(stream.encode(None))
    if rotation:
        _rotate(path, rotation)
    return path


def remux(
    source: Path,
    target: Path,
    sound_delay: Callable[[float], float] = lambda second: 0.0,
    **options: str,
) -> Path:
    """Copy a video's tracks, with other time stamps or into another format.

    Args:
        source (Path): The video.
        target (Path): The copy; its suffix names the format.
        sound_delay (callable): Given the second at which a packet of sound
            comes, says by how many seconds it is to come later.
        **options: Of FFmpeg's muxer, e.g. ``movflags='+faststart'``.

    Returns:
        Path: ``target``.
    """
    av = import_av()
    with (
        av.open(str(source)) as old,
        av.open(str(target), 'w', options=options) as new,
    ):
        streams = {s: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == 'audio':
                delay = sound_delay(float(packet.pts * packet.time_base))
                ticks = round(delay / packet.time_base)
                packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            packet.stream = streams[packet.stream]
            new.mux(packet)
    return target


def cut_off(source: Path, target: Path, share: float = 0.6) -> Path:
    """Copy a video with its index in front, and only so much of its bytes.

    Args:
        source (Path): The video.
        target (Path): The copy, an mp4 file.
        share (float): Of the bytes.

    Returns:
        Path: ``target``.
    """
    data = remux(source, target, movflags='+faststart').read_bytes()
    target.write_bytes(data[: int(share * len(data))])
    return target


def last_forever(path: Path, seconds: int = 131072) -> Path:
    """Let the last picture of a test video stay, and the whole file say so.

    Args:
        path (Path): From :func:`write_test_video`; of one picture, or with
            another time between the last two pictures than before.
        seconds (int): For so long.

    Returns:
        Path: ``path``.
    """
    data = bytearray(path.read_bytes())

    def read(place: int) -> int:
        return int.from_bytes(data[place : place + 4], 'big')

    header, table = data.index(b'mdhd'), data.index(b'stts')
    movie, edits = data.index(b'mvhd'), data.index(b'elst')
    ticks, entries = read(header + 16), read(table + 8)
    for place, clock in (
        (header + 20, ticks),
        (table + 8 + 8 * entries, ticks),
        (movie + 20, read(movie + 16)),
        (edits + 12, read(movie + 16)),
    ):
        data[place : place + 4] = (clock * seconds).to_bytes(4, 'big')
    path.write_bytes(bytes(data))
    return path


def _rotate(path: Path, quarter_turns: int) -> None:
    """Note a clockwise rotation in the header of the first track."""
    a, b, c, d = [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)][
        quarter_turns % 4
    ]
    one = 1 << 16
    matrix = struct.pack(
        '>9i', a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30
    )
    data = bytearray(path.read_bytes())
    start = data.index(b'tkhd') + 44
    data[start : start + 36] = matrix
    path.write_bytes(bytes(data))
