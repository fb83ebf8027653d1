"""Small videos for tests, of every kind that the world has."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Optional, Sequence

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
