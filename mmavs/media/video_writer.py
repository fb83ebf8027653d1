"""Pictures with sound into a video: mp4 to watch, mov and webm with alpha."""

from fractions import Fraction
from pathlib import Path
from typing import Dict, NamedTuple, Tuple

import numpy as np

from mmavs.compat import import_av
from mmavs.compat.av_pictures import converted

ENCODERS = ('libx264', 'libopenh264', 'h264_videotoolbox', 'h264_mf')
_CLOCK = Fraction(1, 90000)  # fine enough for any frame rate


class Kind(NamedTuple):
    """How a kind of file holds its pictures.

    Attributes:
        encoders (tuple[str]): Of which the first that is there is taken.
        name (str): What errors call them.
        pixels (str): FFmpeg's name of the pixel format.
        options (dict): Of the encoder, by its name.
        alpha (bool): Whether pictures come with an alpha channel.
    """

    encoders: Tuple[str, ...]
    name: str
    pixels: str
    options: Dict[str, Dict[str, str]]
    alpha: bool


def kind_of(path: Path) -> Kind:
    """Tell the kind of video from the ending of its name.

    Raises:
        ValueError: It is not one that can be written.
    """
    kinds = {
        '.mp4': Kind(
            ENCODERS,
            'H.264',
            'yuv420p',
            # without pictures out of order, whose last one would not be the
            # one that says how long the file is
            {'libx264': dict(crf='20', preset='veryfast', bf='0')},
            False,
        ),
        '.mov': Kind(
            ('prores_ks',),
            'ProRes',
            'yuva444p10le',
            {'prores_ks': dict(profile='4444', alpha_bits='16')},
            True,
        ),
        '.webm': Kind(
            ('libvpx-vp9',),
            'VP9',
            'yuva420p',
            {
                'libvpx-vp9': {
                    'crf': '20',
                    'b': '0',
                    'deadline': 'realtime',
                    'cpu-used': '6',
                    'auto-alt-ref': '0',  # which alpha cannot do with
                }
            },
            True,
        ),
    }
    try:
        return kinds[Path(path).suffix.lower()]
    except KeyError:
        raise ValueError(
            f'{path} is not the name of a video that can be written. Fix: end '
            f'it in one of {", ".join(kinds)}.'
        ) from None


class VideoWriter:
    """Writes pictures as they come; the sound follows by itself.

    To be used with ``with``: the file is complete once the block is left, and
    of no use if the block raises.

    Args:
        path (str or Path): The file; its ending says which :class:`Kind`.
        size (tuple[int, int]): Height and width of the pictures.
        rate (Fraction): Mean pictures per second; a hint to the encoder.
        sound (SoundFile or SampledSound, optional): In mp4 and mov, AAC and
            MP3 are copied and all else becomes AAC; in webm, Opus.
        pixel_aspect (Fraction): Width by height of a pixel. Defaults to 1.

    Raises:
        RuntimeError: PyAV here has no encoder for it.
        ValueError: The sound cannot be encoded; also in the methods.
    """

    def __init__(
        self,
        path: Path,
        size: Tuple[int, int],
        rate: Fraction,
        sound=None,
        pixel_aspect: Fraction = Fraction(1),
    ) -> None:
        av = import_av()
        self.size, kind = size, kind_of(path)
        encoder = find_encoder(kind)
        # with its protocol said, since a name may hold a colon
        form = Path(path).suffix[1:].lower()
        self._file = av.open(f'file:{path}', 'w', format=form)
        self._stream = self._file.add_stream(
            encoder, rate=max(rate, Fraction(1)).limit_denominator(65535)
        )
        # halved colours have even sizes
        self._stream.width = size[1] + size[1] % 2
        self._stream.height = size[0] + size[0] % 2
        self._stream.pix_fmt = kind.pixels
        self._stream.codec_context.time_base = _CLOCK
        self._stream.codec_context.sample_aspect_ratio = pixel_aspect
        if encoder in kind.options:
            self._stream.options = kind.options[encoder]
        else:
            self._stream.bit_rate = int(4 * size[0] * size[1])
        if kind.alpha:
            self._stream.metadata['alpha_mode'] = '1'
        self._format = 'rgba' if kind.alpha else 'rgb24'
        self._stays: Dict[int, int] = {}  # by time, in ticks of the clock
        self._end = 0.0
        self._sound = iter(()) if sound is None else sound.packets(self._file)
        self._outlasts = sound is None or sound.ends
        self._waiting = 0.0, None  # nothing yet

    def write(self, image: np.ndarray, time: float, seconds: float) -> None:
        """Write a picture.

        Args:
            image (ndarray): (H, W, 3) uint8 RGB, of a kind with alpha
                (H, W, 4) RGBA.
            time (float): When it comes on screen, in seconds.
            seconds (float): How long it stays there.
        """
        import av

        height, width = self.size
        image = np.pad(
            image, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge'
        )
        frame = av.VideoFrame.from_ndarray(image, format=self._format)
        frame = converted(frame, format=self._stream.pix_fmt)
        frame.pts, frame.time_base = round(time / _CLOCK), _CLOCK
        self._stays[frame.pts] = round(seconds / _CLOCK)
        self._end = time + seconds
        self._mux_sound(time)
        self._mux_pictures(frame)

    def __enter__(self) -> 'VideoWriter':
        return self

    def __exit__(self, kind, error, trace) -> None:
        with self._file:
            if error is None:
                self._mux_pictures(None)
                self._mux_sound(float('inf') if self._outlasts else self._end)

    def _mux_pictures(self, frame) -> None:
        for packet in self._stream.encode(frame):
            # else the last picture would stay for one period of the rate
            packet.duration = self._stays.pop(packet.pts, 0)
            self._file.mux(packet)

    def _mux_sound(self, until: float) -> None:
        while self._waiting and self._waiting[0] <= until:
            if self._waiting[1] is not None:
                self._file.mux(self._waiting[1])
            self._waiting = next(self._sound, None)


def find_encoder(kind: Kind) -> str:
    """Name the first encoder of a kind of video that PyAV has.

    Raises:
        RuntimeError: It has none.
    """
    import av

    for name in kind.encoders:
        try:
            av.codec.Codec(name, 'w')
        except av.error.FFmpegError:
            continue
        except ValueError:  # older PyAV's UnknownCodecError
            continue
        return name
    raise RuntimeError(
        f'PyAV {av.__version__} has no {kind.name} encoder (looked for '
        f'{", ".join(kind.encoders)}). Fix: pip install --force-reinstall '
        '--only-binary av av (its wheels bring one), or write masks alone '
        '(out_dir, --out --no-video).'
    )
