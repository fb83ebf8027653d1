"""Videos and sound files, by FFmpeg's libraries (PyAV)."""

import io
from pathlib import Path
from typing import Iterator, Optional, Union

import numpy as np

from mmavs.compat import import_av

# FFmpeg's names of formats that hold their pictures and sound themselves.
# Playlists and patterns (concat, hls, dash, sdp, image2, ...) are not here:
# whatever such a file is called, it would lead to other files and addresses.
FORMATS = (
    *('mov', 'matroska', 'webm', 'avi', 'mpegts', 'mpeg', 'mpegvideo', 'flv'),
    *('asf', 'ogg', 'mxf', 'rm', 'dv', 'nut', 'ivf', 'wtv', 'gxf', 'swf'),
    *('m4v', 'h264', 'hevc', 'vvc', 'obu', 'vc1', 'dirac', 'mjpeg'),
    *('yuv4mpegpipe', 'gif', 'apng', 'png_pipe', 'jpeg_pipe'),
    *('wav', 'w64', 'aiff', 'au', 'caf', 'voc', 'sox', 'mp3', 'aac', 'loas'),
    *('flac', 'wv', 'ape', 'tak', 'tta', 'mpc', 'mpc8', 'dsf', 'amr'),
    *('ac3', 'eac3', 'ac4', 'dts', 'dtshd', 'truehd', 'mlp'),
)


def open_media(file: Union[str, Path, io.BytesIO], name: Optional[str] = None):
    """Open a media file for reading; nothing but this file is ever read.

    Args:
        file (str, Path or io.BytesIO): Of one of ``FORMATS``, which its
            content decides, not its name.
        name (str, optional): What errors call it. Defaults to its path.

    Returns:
        av.container.InputContainer: To be closed, or used with ``with``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, or of none of these formats.
    """
    av = import_av()
    name = name or file
    if not isinstance(file, io.BytesIO):
        if not Path(file).is_file():
            raise FileNotFoundError(
                f'media file not found: {name}. Fix: check the path.'
            )
        # with its protocol said, since a name may hold a colon
        file = f'file:{file}'
    only = dict(format_whitelist=','.join(FORMATS), protocol_whitelist='file')
    try:
        return av.open(file, options=only)
    except av.FFmpegError as error:
        raise ValueError(
            f'{name} is not a video or sound file that can be read '
            f'({error.strerror}). Fix: download or record it again, since a '
            'file that was cut off while being written often lacks its '
            'index; or convert it with ffmpeg if it is of a rare format or a '
            'playlist, which is never followed.'
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
