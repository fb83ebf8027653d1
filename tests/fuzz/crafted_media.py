"""Sound, pictures and videos that are made to mislead their readers."""

import io
import math
import struct
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable

import numpy as np
from damages import Damage, bytes_of, on_bytes, text
from PIL import Image

from mmavs.testing.media import write_test_video


def _field(place: int, form: str, value: Any) -> Damage:
    """Damage: Overwrites a number in a binary header."""

    def change(data: bytes) -> bytes:
        data = bytearray(data)
        struct.pack_into(form, data, place, value)
        return bytes(data)

    return on_bytes(change)


def _samples(value: float) -> Damage:
    """Damage: One sample of a float wav."""
    return on_bytes(
        lambda data: data[:-400] + struct.pack('<f', value) + data[-396:]
    )


WAV = {
    'no channels': _field(22, '<H', 0),
    '60000 channels': _field(22, '<H', 60000),
    'a rate of 0 Hz': _field(24, '<I', 0),
    'a rate of 1 Hz': _field(24, '<I', 1),
    'a rate of 4 GHz': _field(24, '<I', 2**32 - 1),
    'no block': _field(32, '<H', 0),
    'no bits': _field(34, '<H', 0),
    'seven bits': _field(34, '<H', 7),
    'an unknown encoding': _field(20, '<H', 85),
    'a header without length': _field(16, '<I', 0),
    'a header of 4 GB': _field(16, '<I', 2**32 - 2),
    'no data': _field(40, '<I', 0),
    'data of 4 GB': _field(40, '<I', 2**32 - 4),
    'half a sample': on_bytes(lambda data: data[:-1]),
}
FLOAT_WAV = {
    'a NaN': _samples(math.nan),
    'an infinite sample': _samples(math.inf),
    'a sample of 1e30': _samples(1e30),
}


def _png(width: int, height: int, *more: bytes, data: bytes = b'') -> bytes:
    """A PNG that states a size, of which it holds ``data``."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return (
            struct.pack('>I', len(content))
            + name
            + content
            + struct.pack('>I', check)
        )

    header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    return b''.join(
        (
            b'\x89PNG\r\n\x1a\n',
            chunk(b'IHDR', header),
            *(chunk(content[:4], content[4:]) for content in more),
            chunk(b'IDAT', zlib.compress(data, 9)),
            chunk(b'IEND', b''),
        )
    )


@lru_cache(1)
def _packed() -> bytes:
    """500 MB of zeros in 0.5 MB."""
    return zlib.compress(bytes(500 << 20))


def _saved(
    change: Callable[[Image.Image], Image.Image], kind: str = ''
) -> Damage:
    """Damage: The picture made another and saved again."""

    def damage(path: Path) -> None:
        image = Image.open(path)
        image.load()
        change(image).save(path, kind or image.format)

    return damage


PICTURE = {
    'a billion pixels': bytes_of(lambda path: _png(32768, 32768)),
    'a width of 2^31': bytes_of(lambda path: _png(2**31 - 1, 1)),
    'no pixels': bytes_of(lambda path: _png(0, 0)),
    'a text of 500 MB': bytes_of(
        lambda path: _png(32, 32, b'zTXta\0\0' + _packed())
    ),
    'a profile of 500 MB': bytes_of(
        lambda path: _png(32, 32, b'iCCPa\0\0' + _packed())
    ),
    'rows that are missing': bytes_of(
        lambda path: _png(32, 32, data=bytes(33 * 7))
    ),
    'another size': _saved(lambda image: image.resize((31, 32))),
    'a PostScript': text('%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n'),
    'an animation': bytes_of(lambda path: _gif()),
}
MASK = {
    'other labels': _saved(
        lambda image: image.convert('L').point(lambda v: 77)
    ),
    'sixteen bits': _saved(lambda image: image.convert('I;16')),
    'floats': _saved(lambda image: image.convert('F'), 'TIFF'),
}


def _gif() -> bytes:
    frames = [Image.new('L', (32, 32), grey) for grey in (0, 99)]
    file = io.BytesIO()
    frames[0].save(file, 'GIF', save_all=True, append_images=frames[1:])
    return file.getvalue()


def _turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path) as image:
        image.save(path, quality=95, exif=exif)


def _jpeg_size(data: bytes) -> bytes:
    """State 65,000 x 65,000 pixels in a JPEG."""
    place = data.index(b'\xff\xc0') + 5
    return data[:place] + struct.pack('>HH', 65000, 65000) + data[place + 4 :]


JPEG = {
    **PICTURE,
    'four billion pixels': on_bytes(_jpeg_size),
    'turned by EXIF': _turned,
}


def _video(count: int, times: Callable[[int], int]) -> Damage:
    def damage(path: Path) -> None:
        pictures = np.zeros((count, 32, 32, 3), np.uint8)
        sound = np.zeros((1, 16000), np.float32)
        write_test_video(
            path,
            pictures,
            times_ms=[times(i) for i in range(count)],
            sound=sound,
        )

    return damage


def _last_lasts(path: Path) -> None:
    """Let the last of a few pictures last for 36 hours, by the table."""
    times = [0, 400, 700, 900]  # no two pictures last alike
    _video(len(times), times.__getitem__)(path)
    data = bytearray(path.read_bytes())
    table = data.index(b'stts') + 8
    (count,) = struct.unpack_from('>I', data, table)
    place = data.index(b'mdhd') + 16
    (ticks,) = struct.unpack_from('>I', data, place)
    last = table + 4 + 8 * count - 4
    struct.pack_into('>I', data, last, min(131_072 * ticks, 2**31 - 1))
    path.write_bytes(data)


VIDEO = {
    'a list of files': text('ffconcat version 1.0\nfile clip.mkv\n'),
    'a playlist': text(
        '#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:5,\nclip.mkv\n'
        '#EXT-X-ENDLIST\n'
    ),
    'an address': text(
        '#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:5,\n'
        'http://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n'
    ),
    'a session': text(
        'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n'
        'm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n'
    ),
    'a picture that lasts for days': _last_lasts,
    'pictures ten minutes apart': _video(2, lambda i: 590_000 * i),
    'pictures a day apart': _video(2, lambda i: 86_400_000 * i),
    'one picture': _video(1, lambda i: 0),
    'a picture in place': bytes_of(
        lambda path: _png(32, 32, data=bytes(33 * 32))
    ),
}
