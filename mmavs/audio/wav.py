"""Wav files of any rate, bit depth and channel count, into floats."""

import io
import struct
import warnings
from pathlib import Path
from typing import Tuple, Union

import numpy as np
import torch
from scipy.io import wavfile
from torch import Tensor

from .samples import FIX, check_rate, check_samples, no_samples

_OPEN_LENGTH = 0x7FFFF000  # bytes; SoX's, the least that stands for open
_PLAIN = (1, 3, 0xFFFE)  # codes of PCM, float and either, with a mask


def read_wav(path: Union[str, Path]) -> Tuple[Tensor, int]:
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


def decode_wav(data: bytes, name: str) -> Tuple[Tensor, int]:
    """Decode the bytes of a wav file.

    Args:
        data (bytes): The whole file.
        name (str): What errors call it.

    Returns:
        tuple[Tensor, int]: As :func:`read_wav`.

    Raises:
        ValueError: As :func:`read_wav`.
    """
    if not data:
        raise ValueError(f'{name} is empty (0 bytes). {FIX}')
    sample_rate, samples = _parse(_closed(data, name), name)
    if samples.size == 0:
        raise no_samples(name)
    waveform = torch.from_numpy(_to_float(samples))
    waveform = waveform.reshape(len(samples), -1).t().contiguous()
    check_samples(waveform, name)
    return waveform, int(sample_rate)


def _closed(data: bytes, name: str) -> bytes:
    """Check the header; where it leaves the length open, fill it in.

    A program that writes to a pipe cannot go back to note how long the sound
    became: it leaves 0, or a length that no file of this size has.
    """
    order = '>' if data[:4] == b'RIFX' else '<'
    position, block = 12, 0
    while position + 8 <= len(data):
        chunk, size = struct.unpack_from(f'{order}4sI', data, position)
        position += 8
        if chunk == b'fmt ' and position + 16 <= len(data):
            block = _check_format(data, position, order, name)
        if chunk == b'data' and block:
            break
        position += size + size % 2
    else:
        return data  # to SciPy's errors
    (riff,) = struct.unpack_from(f'{order}I', data, 4)
    there = len(data) - position
    unfinished = riff in (0, position - 8)
    endless = size > there and max(size, riff) >= _OPEN_LENGTH
    if data[:4] == b'RF64' or not (unfinished or endless):
        return data
    if not 0 < size <= there:
        size = there - there % block
    return b''.join(
        (
            data[:4],
            struct.pack(f'{order}I', position - 8 + size),
            data[8 : position - 4],
            struct.pack(f'{order}I', size),
            data[position : position + size],
        )
    )


def _check_format(data: bytes, position: int, order: str, name: str) -> int:
    """Check a wav file's format chunk; gives the bytes of one moment."""
    fields = struct.unpack_from(f'{order}HHIIHH', data, position)
    kind, channels, sample_rate, _, block, bits = fields
    if channels == 0:
        raise ValueError(f'{name} states that it has 0 channels. {FIX}')
    check_rate(sample_rate, name)
    if kind in _PLAIN and block != channels * ((bits + 7) // 8):
        raise ValueError(
            f'{name} has a damaged header: {channels} channels of {bits} bits '
            f'do not fit into {block} bytes. {FIX}'
        )
    return block


def _parse(data: bytes, name: str) -> Tuple[int, np.ndarray]:
    """Bytes -> (sample rate, samples (S,) or (S, channels) as stored)."""
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
