"""Sound from whatever container, by FFmpeg's libraries (PyAV)."""

import io
from pathlib import Path
from typing import Union

import numpy as np
import torch
from torch import Tensor

from mmavs.compat import import_av
from mmavs.compat.av_files import open_media

from .resampling import resample, to_mono
from .samples import check_samples
from .wav import decode_wav

# Offsets below this belong to the codec's own delay, not to the clip.
_MAX_CODEC_DELAY = 0.1  # s


def read_sound(path: Union[str, Path], sample_rate: int = 16000) -> Tensor:
    """Read the sound of any file: wav, another sound file, or a video.

    Args:
        path (str or Path): A file.
        sample_rate (int): Wanted rate in Hz. Defaults to 16000.

    Returns:
        Tensor: (S,) float32 in [-1, 1], mono.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It holds no sound that can be read.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f'sound file not found: {path}. Mend: check the path.'
        ) from None
    return decode_sound(data, str(path), sample_rate)


def decode_sound(data: bytes, name: str, sample_rate: int = 16000) -> Tensor:
    """As :func:`read_sound`, from the bytes of a file.

    Wav files are read exactly and resampled as the released VGGish front end
    does; everything else is decoded and resampled by FFmpeg's libraries.

    Args:
        data (bytes): The whole file.
        name (str): What errors call it.
        sample_rate (int): Wanted rate in Hz. Defaults to 16000.

    Returns:
        Tensor: (S,) float32 in [-1, 1], mono.

    Raises:
        ValueError: As :func:`read_sound`.
    """
    if _is_wav(data) or name.lower().endswith('.wav'):
        waveform, rate = decode_wav(data, name)
        return resample(to_mono(waveform), rate, sample_rate)
    return read_sound_track(io.BytesIO(data), name, sample_rate)


def read_sound_track(
    file: Union[str, Path, io.BytesIO], name: str, sample_rate: int = 16000
) -> Tensor:
    """Decode the sound of a video (or a sound file).

    Mono and resampled by FFmpeg's resampler, to 16 bits: what
    ``ffmpeg -i clip.mp4 -ac 1 -ar 16000 clip.wav`` gives. Sound that starts
    more than 0.1 s before or after the first picture is cut, or preceded by
    silence, so that both begin together.

    Args:
        file (str, Path or io.BytesIO): The file.
        name (str): What errors call it.
        sample_rate (int): Wanted rate in Hz. Defaults to 16000.

    Returns:
        Tensor: (S,) float32 in [-1, 1].

    Raises:
        ValueError: No file that FFmpeg reads, no sound in it, or damage.
    """
    av = import_av()
    try:
        with open_media(file, name) as container:
            if not container.streams.audio:
                raise ValueError(
                    f'{name} holds no sound. Mend: leave the clip out, or '
                    'give it a silent track if silence is meant.'
                )
            samples = _decode(container, sample_rate)
            late = _delay(container)
    except av.FFmpegError as error:
        raise ValueError(
            f'the sound of {name} cannot be decoded ({error}). Mend: '
            'download or convert the file again.'
        ) from error
    if samples.size == 0:
        raise ValueError(
            f'the sound track of {name} is empty. Mend: download or convert '
            'the file again.'
        )
    waveform = torch.from_numpy(samples).float() / 32768
    check_samples(waveform, name)
    offset = round(late * sample_rate)
    if offset > 0:
        return torch.nn.functional.pad(waveform, (offset, 0))
    return waveform[-offset:]


def _is_wav(data: bytes) -> bool:
    return data[:4] in (b'RIFF', b'RIFX', b'RF64') and data[8:12] == b'WAVE'


def _decode(container, sample_rate: int) -> np.ndarray:
    """All samples, (S,) int16 mono."""
    import av

    resampler = av.AudioResampler('s16', 'mono', sample_rate)
    pieces = []
    for frame in container.decode(container.streams.audio[0]):
        pieces += resampler.resample(frame)
    pieces += resampler.resample(None)
    if not pieces:
        return np.zeros(0, np.int16)
    return np.concatenate([piece.to_ndarray()[0] for piece in pieces])


def _delay(container) -> float:
    """Seconds by which the sound starts after the pictures."""
    sound, *_ = container.streams.audio
    pictures = container.streams.video
    if not pictures or sound.start_time is None:
        return 0.0
    start = (pictures[0].start_time or 0) * pictures[0].time_base
    late = float(sound.start_time * sound.time_base - start)
    return late if abs(late) > _MAX_CODEC_DELAY else 0.0
