"""Videos and sound files, by FFmpeg's libraries (PyAV)."""

from pathlib import Path
from typing import Iterator, Optional, Union

import numpy as np

from mmavs.compat import import_av


def open_media(path: Union[str, Path]):
    """Open a media file for reading.

    Args:
        path (str or Path): Anything that FFmpeg reads.

    Returns:
        av.container.InputContainer: To be closed, or used with ``with``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: FFmpeg does not know what it is.
    """
    av = import_av()
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'media file not found: {path}. Mend: check the path.'
        )
    try:
        return av.open(str(path))
    except av.FFmpegError as error:
        raise ValueError(
            f'{path} is no video or sound file that FFmpeg can read '
            f'({error}). Mend: download or record it again; a file that was '
            'cut off while being written often lacks its index.'
        ) from error


def picture_stream(container, path: Union[str, Path]):
    """Find the pictures of a video; the cover of a song is none.

    Args:
        container (av.container.InputContainer): An open file.
        path (str or Path): What errors call it.

    Returns:
        av.VideoStream: The first one.

    Raises:
        ValueError: There are no pictures.
    """
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic:
            return stream
    raise ValueError(
        f'{path} has no pictures, only '
        f'{[s.type for s in container.streams] or "nothing"}. Mend: give a '
        'video file.'
    )


def decode(container, stream, path: Union[str, Path]) -> Iterator:
    """Decode a stream from here on.

    Args:
        container (av.container.InputContainer): An open file.
        stream (av.stream.Stream): One of its streams.
        path (str or Path): What errors call it.

    Yields:
        av.frame.Frame: Pictures, or pieces of sound.

    Raises:
        ValueError: The file is damaged.
    """
    import av

    what = 'sound' if stream.type == 'audio' else 'pictures'
    try:
        yield from container.decode(stream)
    except av.FFmpegError as error:
        raise ValueError(
            f'{path} is damaged: its {what} cannot be decoded to the end '
            f'({error}). Mend: "ffmpeg -i {Path(path).name} repaired.mp4" '
            'keeps what can be read.'
        ) from error


def duration(container, stream) -> Optional[float]:
    """Seconds that a stream lasts, as its file states it, if it does."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None


def upright(frame, turns: int) -> np.ndarray:
    """Convert a decoded picture.

    Args:
        frame (av.VideoFrame): As it is stored.
        turns (int): Quarter turns anticlockwise that its file asks for.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.
    """
    image = frame.to_ndarray(format='bgr24')
    return np.ascontiguousarray(np.rot90(image, turns))
