"""Wav files of any rate, bit depth and channel count, into floats."""

import io
import struct
import warnings
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    BinaryIO,
    NamedTuple,
    Optional,
    Tuple,
    Union,
)

import numpy as np

from .samples import FIX, check_rate, check_samples, no_samples

if TYPE_CHECKING:
    from torch import Tensor

_OPEN_LENGTH = 0x7FFFF000  # bytes; SoX's, the least that stands for open
_PLAIN = (1, 3, 0xFFFE)  # codes of PCM, float and either, with a mask


def read_wav(path: Union[str, Path]) -> Tuple['Tensor', int]:
    """Read a wav file.

    Args:
        path (str or Path): A RIFF wav file: PCM of 8, 16, 24 or 32 bits, or
            float of 32 or 64 bits; any sample rate, any number of channels.

    Returns:
        tuple[Tensor, int]: Waveform (channels, S) float32 in [-1, 1], where
        full scale is 1 (16-bit samples are divided by 32768), and the sample
        rate in Hz. Float files may overshoot 1 and are left as they are.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is empty, truncated, no wav, of an unknown
            encoding, or holds NaN or infinite samples.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f'sound file not found: {path}. {FIX}'
        ) from None
    return decode_wav(data, str(path))


def decode_wav(data: bytes, name: str) -> Tuple['Tensor', int]:
    """Decode the bytes of a wav file.

    Returns:
        tuple[Tensor, int]: As :func:`read_wav`.

    Raises:
        ValueError: As :func:`read_wav`.
    """
    import torch

    if not data:
        raise ValueError(f'{name} is empty (0 bytes). {FIX}')
    sample_rate, samples = _parse(_closed(data, name), name)
    if samples.size == 0:
        raise no_samples(name)
    waveform = _to_float(samples).reshape(len(samples), -1)
    check_samples(waveform, name)
    waveform = np.ascontiguousarray(waveform.T)
    return torch.from_numpy(waveform), int(sample_rate)


def stated_seconds(file: Union[str, Path, io.BytesIO]) -> Optional[float]:
    """Say how long a wav file's header promises its sound to be.

    Args:
        file (str, Path or io.BytesIO): A wav file; only its header is read.

    Returns:
        float or None: In seconds; None if it leaves that open, or says it in
        a way that is not understood.

    Raises:
        ValueError: The header is damaged.
    """
    if isinstance(file, io.BytesIO):
        header = _find_samples(file, 'the sound')
    else:
        with open(file, 'rb') as opened:
            header = _find_samples(opened, str(file))
    if header is None or header.is_open:
        return None
    return header.size / header.block / header.sample_rate


class _Header(NamedTuple):
    """Where a wav file's samples lie.

    Attributes:
        order (str): Of bytes, as :mod:`struct` calls it.
        start (int): Of the samples, in bytes.
        size (int): Of the samples in bytes, as stated.
        riff (int): Of the file less 8 bytes, as stated.
        there (int): Bytes from the start of the samples to the file's end.
        block (int): Bytes of one moment of all channels.
        sample_rate (int): In Hz.
    """

    order: str
    start: int
    size: int
    riff: int
    there: int
    block: int
    sample_rate: int

    @property
    def is_open(self) -> bool:
        """bool: The length was left open, as where a pipe was written to:
        nobody could go back to note it. It is 0, or more than there can be.
        """
        unfinished = self.riff in (0, self.start - 8)
        stated = max(self.size, self.riff)
        return unfinished or (
            self.size > self.there and stated >= _OPEN_LENGTH
        )


def _find_samples(file: BinaryIO, name: str) -> Optional[_Header]:
    """Read the header; None where SciPy may say what is wrong with it."""
    begin = file.read(12)
    length = file.seek(0, io.SEEK_END)
    if begin[:4] not in (b'RIFF', b'RIFX') or len(begin) < 12:
        return None
    order = '>' if begin[:4] == b'RIFX' else '<'
    (riff,) = struct.unpack(f'{order}I', begin[4:8])
    position, form = 12, None
    while position + 8 <= length:
        file.seek(position)
        chunk, size = struct.unpack(f'{order}4sI', file.read(8))
        position += 8
        if chunk == b'fmt ':
            form = _check_format(file.read(16), order, name)
        if chunk == b'data' and form is not None:
            there = length - position
            return _Header(order, position, size, riff, there, *form)
        position += size + size % 2
    return None


def _check_format(
    fields: bytes, order: str, name: str
) -> Optional[Tuple[int, int]]:
    """Give the bytes of one moment, and the sample rate."""
    if len(fields) < 16:
        return None
    kind, channels, sample_rate, _, block, bits = struct.unpack(
        f'{order}HHIIHH', fields
    )
    if channels == 0:
        raise ValueError(f'{name} states that it has 0 channels. {FIX}')
    check_rate(sample_rate, name)
    if kind in _PLAIN and block != channels * ((bits + 7) // 8):
        raise ValueError(
            f'{name} has a damaged header: {channels} channels of {bits} bits '
            f'do not fit into {block} bytes. {FIX}'
        )
    return (block, sample_rate) if block else None


def _closed(data: bytes, name: str) -> bytes:
    """Where a header leaves the length open, fill it in."""
    header = _find_samples(io.BytesIO(data), name)
    if header is None or not header.is_open:
        return data
    size = header.size
    if not 0 < size <= header.there:
        size = header.there - header.there % header.block
    riff = struct.pack(f'{header.order}I', header.start - 8 + size)
    stated = struct.pack(f'{header.order}I', size)
    samples = data[header.start : header.start + size]
    before = data[8 : header.start - 4]
    return b''.join((data[:4], riff, before, stated, samples))


def _parse(data: bytes, name: str) -> Tuple[int, np.ndarray]:
    """Bytes -> (sample rate, samples (S,) or (S, channels) as stored)."""
    from scipy.io import wavfile

    with warnings.catch_warnings():
        # Unknown chunks (tags, cue points) are harmless; a file that ends
        # before its header says so is not.
        warnings.simplefilter('ignore', wavfile.WavFileWarning)
        warnings.filterwarnings('error', 'Reached EOF', wavfile.WavFileWarning)
        try:
            return wavfile.read(io.BytesIO(data))
        except wavfile.WavFileWarning as error:
            raise ValueError(
                f'{name} is truncated: {len(data)} bytes are there, its '
                f'header promises more. {FIX}'
            ) from error
        except (ValueError, TypeError, struct.error, EOFError) as error:
            raise ValueError(
                f'{name} is not a readable wav file ({error}). {FIX}'
            ) from error
        except UnboundLocalError as error:
            # SciPy's way of saying that no data chunk was met.
            raise ValueError(
                f'{name} is truncated: it holds no data chunk. {FIX}'
            ) from error


def _to_float(samples: np.ndarray) -> np.ndarray:
    """Stored samples -> float32 with full scale at 1."""
    if samples.dtype == np.uint8:  # 8-bit wav is unsigned
        return (samples.astype(np.float32) - 128) / 128
    if samples.dtype.kind == 'i':  # 24 bits come left-aligned in 32
        full_scale = float(2 ** (8 * samples.itemsize - 1))
        return (samples / full_scale).astype(np.float32)
    return samples.astype(np.float32)
