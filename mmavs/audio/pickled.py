"""The released ``audio_log_mel/*.pkl`` files, read without running them."""

import io
from pathlib import Path
from typing import Union

import torch
from torch import Tensor

from mmavs.compat.unpickling import RestrictedUnpickler, load_storage

from .log_mel import EXAMPLE_FRAMES, NUM_MEL_BINS


def read_log_mel_pickle(path: Union[str, Path]) -> Tensor:
    """Read a released log-mel file.

    AVSBench hands log-mels out as pickled tensors. A pickle can run any code,
    so this reader knows tensors only and refuses everything else.

    Args:
        path (str or Path): A ``.pkl`` made by ``pickle.dump`` or
            ``torch.save``.

    Returns:
        Tensor: (n, 1, 96, 64) float32, without gradient.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is truncated, asks for anything but a tensor, or
            holds one of another shape or with NaN.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'log-mel file not found: {path}. Fix: give the folder of the '
            'released .pkl files, or compute log-mels from the wav files '
            'with LoadAudio and VGGishLogMel.'
        )
    data = path.read_bytes()
    try:
        log_mel = _load(data)
    except Exception as error:
        # Damaged pickles raise about any kind of error.
        raise ValueError(
            f'{path} is not a log-mel file that can be read safely '
            f'({type(error).__name__}: {error}). Fix: compute it from the '
            'wav file with LoadAudio and VGGishLogMel.'
        ) from error
    shape = tuple(getattr(log_mel, 'shape', ()))
    if (
        not isinstance(log_mel, Tensor)
        or shape[1:] != (1, EXAMPLE_FRAMES, NUM_MEL_BINS)
        or not log_mel.is_floating_point()
        or not bool(torch.isfinite(log_mel).all())
    ):
        raise ValueError(
            f'{path} must hold finite log-mels, floats (n, 1, '
            f'{EXAMPLE_FRAMES}, {NUM_MEL_BINS}), found '
            f'{type(log_mel).__name__} {shape} '
            f'{getattr(log_mel, "dtype", "")}. Fix: compute it from the wav '
            'file with LoadAudio and VGGishLogMel.'
        )
    return log_mel.detach().float()


def _load(data: bytes):
    """Unpickle a tensor: a plain pickle, or torch's own zip format."""
    if data[:2] == b'PK':
        return load_storage(data)
    return RestrictedUnpickler(io.BytesIO(data)).load()
