"""Videos and sound files, by FFmpeg's libraries (PyAV)."""

import io
import re
from pathlib import Path
from typing import Iterator, Optional, Tuple, Union

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

# Of these, those of which FFmpeg says how long they state to be. Of others it
# gives a guess from the bit rate, or what is there.
_STATING = ('mov', 'matroska', 'avi', 'flv', 'mxf', 'flac', 'aiff', 'caf')
_TIME = re.compile(r'(\d+):(\d+):([\d.]+)')
_ROUNDING = 0.5  # s by which a stated length may be off
MAX_GAP = 600  # s between two pictures or two pieces of sound
MAX_OVERLAP = 1  # s


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


def find_stream(container, kind: str):
    """Find the pictures or the sound of a file.

    Args:
        container (av.container.InputContainer): An open file.
        kind (str): 'video' or 'audio'.

    Returns:
        av.stream.Stream or None: The first one; the cover of a song does not
        count as pictures.
    """
    for stream in container.streams:
        cover = stream.disposition & stream.disposition.attached_pic
        if stream.type == kind and not cover:
            return stream
    return None


def picture_stream(container, path: Union[str, Path]):
    """Find the pictures of a video.

    Returns:
        av.VideoStream: See :func:`find_stream`.

    Raises:
        ValueError: There are no pictures.
    """
    stream = find_stream(container, 'video')
    if stream is None:
        raise ValueError(
            f'{path} has no pictures, only '
            f'{[s.type for s in container.streams] or "nothing"}. Fix: give a '
            'video file.'
        )
    return stream


class Track:
    """A stream of pictures or of sound, gone through from its beginning.

    A packet that the end of the file cuts is left out: decoded, it would give
    a picture that is half there, or an error.

    Args:
        container (av.container.InputContainer): Just opened.
        stream (av.stream.Stream): One of its streams.
        name (str or Path): What errors call the file.

    Attributes:
        end (float or None): Where the track ends as the file states it, in
            seconds on the file's clock; None where it does not, as in
            broadcast (.ts) and live recordings.
    """

    def __init__(self, container, stream, name: Union[str, Path]) -> None:
        self.name = name
        self._container, self._stream = container, stream
        self.end, own = _stated_end(container, stream)
        # what all streams share only the last of them has to reach
        self._measured = (stream,) if own else tuple(container.streams)
        self._came = 0.0
        self._finished = False

    def __iter__(self) -> Iterator:
        """Yield decoded pictures or pieces of sound (av.frame.Frame).

        Raises:
            ValueError: The file is damaged.
        """
        import av

        what = 'sound' if self._stream.type == 'audio' else 'pictures'
        try:
            for packet in self._demux():
                yield from packet.decode()
        except av.FFmpegError as error:
            raise ValueError(
                f'{self.name} is damaged: its {what} cannot be decoded to '
                f'the end ({error.strerror}). Fix: "ffmpeg -i '
                f'{Path(self.name).name} repaired.mp4" keeps what can be read.'
            ) from error

    def packets(self) -> Iterator:
        """Yield the track as it is stored (av.Packet)."""
        for packet in self._demux():
            if packet.dts is not None:
                yield packet

    @property
    def missing(self) -> Optional[Tuple[float, float]]:
        """tuple or None: From where to where (in seconds, on the file's
        clock) nothing came of what the file states that it holds. Known once
        the track has been gone through.
        """
        if not self._finished or self.end is None:
            return None
        if self.end - self._came <= _ROUNDING:
            return None
        return self._came, self.end

    def _demux(self) -> Iterator:
        held = None
        for packet in self._container.demux(self._measured):
            if packet.stream is not self._stream:
                self._measure(packet)
                continue
            last = packet.dts is None  # it ends the track
            if held is not None and not (last and self._is_cut(held)):
                self._measure(held)
                yield held
            held = packet
        if held is not None:
            yield held
        self._finished = True

    def _is_cut(self, packet) -> bool:
        context = self._stream.codec_context
        if context.name.startswith('pcm_'):  # what is there can be used
            return packet.size < context.channels * context.format.bytes
        return packet.is_corrupt

    def _measure(self, packet) -> None:
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None:
            until = (time + (packet.duration or 0)) * packet.time_base
            self._came = max(self._came, float(until))


def _stated_end(container, stream) -> Tuple[Optional[float], bool]:
    """Where a stream ends as its file states it, if it does.

    Returns:
        tuple: Seconds on the file's clock, or None; and whether that is said
        of this stream alone, not of all together.
    """
    kind = container.format.name.split(',')[0]
    if kind not in _STATING:
        return None, True
    # AVI's duration is what is there; the number of its frames is stated
    ticks = stream.frames if kind == 'avi' else stream.duration
    if ticks:
        ticks += stream.start_time or 0
        return float(ticks * stream.time_base), True
    tag = _TIME.fullmatch(stream.metadata.get('DURATION', ''))
    if tag:  # Matroska's
        hours, minutes, seconds = map(float, tag.groups())
        return 3600 * hours + 60 * minutes + seconds, True
    if container.duration:
        return container.duration / 1e6, False
    return None, True


def duration(container, stream) -> Optional[float]:
    """How many seconds a stream lasts, as stated or, roughly, as guessed."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None


def check_jump(name: Union[str, Path], seconds: float) -> None:
    """Refuse time stamps that leap, as after a broken recording.

    Args:
        name (str or Path): What errors call the file.
        seconds (float): From where something is due to where it says it is.

    Raises:
        ValueError: They leap by more than ten minutes, or back by more than a
            second.
    """
    if not -MAX_OVERLAP <= seconds <= MAX_GAP:
        way = 'forward' if seconds > 0 else 'back'
        raise ValueError(
            f'{name}: time stamps leap {way} by {abs(seconds):.0f} s. Fix: '
            f'"ffmpeg -fflags +genpts -i {Path(name).name} repaired.mp4".'
        )
