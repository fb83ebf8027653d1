"""Ways in which a file goes wrong, or is made to."""

import os
import pickle
import random
import zlib
from functools import partial
from pathlib import Path
from typing import Callable, Dict

Damage = Callable[[Path], None]  # changes the file in place

RAN = 'ran'  # a payload that runs makes a folder of this name
FLIPS = 6  # bits that are flipped, one a case


class Payload:
    """Makes a folder when it is unpickled by a loader that runs code."""

    def __init__(self, target: Path) -> None:
        self.path = str(canary(target))

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.path,)


def canary(target: Path) -> Path:
    """Path: What a payload in this file makes if it runs."""
    root = next(p for p in target.parents if p.name == 'in')
    return root.parent / RAN


def on_bytes(change: Callable[[bytes], bytes]) -> Damage:
    """Damage: Rewrites the file's bytes."""

    def damage(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return damage


def bytes_of(make: Callable[[Path], bytes]) -> Damage:
    """Damage: Puts other bytes in the file's place."""

    def damage(path: Path) -> None:
        path.write_bytes(make(path))

    return damage


def written(make: Callable[[Path], str]) -> Damage:
    """Damage: Puts a text in the file's place."""
    return bytes_of(lambda path: make(path).encode())


def text(text: str) -> Damage:
    """Damage: Puts this text in the file's place."""
    return written(lambda path: text)


def _flip(data: bytes, part: float) -> bytes:
    place = min(int(part * len(data)), len(data) - 1)
    bit = 1 << (zlib.crc32(data) % 8)
    return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]


def _noise(data: bytes) -> bytes:
    return random.Random(zlib.crc32(data)).randbytes(len(data))


def _insert(data: bytes) -> bytes:
    place = 2 * len(data) // 5
    return data[:place] + b'\x17' + data[place:]


def _hole(data: bytes) -> bytes:
    place, length = len(data) // 2, min(64, len(data) // 4)
    return data[:place] + bytes(length) + data[place + length :]


def _gone(path: Path) -> None:
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


_PNG = bytes.fromhex(
    '89504e470d0a1a0a0000000d4948445200000001000000010800000000'
    '3a7e9b550000000a49444154789c6360000000020001488 2b5ce0000000049454e44'
    'ae426082'.replace(' ', '')
)

# for every kind of file
EVERY: Dict[str, Damage] = {
    'absent': _gone,
    'a folder': _folder,
    'a link to itself': _loop,
    'empty': on_bytes(lambda data: b''),
    'eight bytes': on_bytes(lambda data: data[:8]),
    'half': on_bytes(lambda data: data[: len(data) // 2]),
    'end cut off': on_bytes(lambda data: data[:-7]),
    'start cut off': on_bytes(lambda data: data[len(data) // 3 :]),
    'zeros': on_bytes(lambda data: bytes(len(data))),
    'noise': on_bytes(_noise),
    'a hole': on_bytes(_hole),
    'a byte inserted': on_bytes(_insert),
    'twice': on_bytes(lambda data: data + data),
    'a text': on_bytes(lambda data: b'what was here is gone\n'),
    'a picture': on_bytes(lambda data: _PNG),
    'a pickle': bytes_of(lambda path: pickle.dumps([Payload(path)], 2)),
    **{
        f'bit {i + 1} of {FLIPS}': on_bytes(
            partial(_flip, part=(i + 0.5) / FLIPS)
        )
        for i in range(FLIPS)
    },
}
# what formats without checksums cannot tell from content
PAYLOAD = {
    'a hole',
    'a byte inserted',
    *(f'bit {i + 1} of {FLIPS}' for i in range(FLIPS)),
}
