"""Arrays on disk that need not be computed twice."""

import hashlib
import json
import warnings
import zlib
from pathlib import Path
from typing import Callable, Optional, Sequence, Union

import numpy as np
import torch
from torch import Tensor

from mmavs.files.whole_files import whole_file
from mmavs.warn_once import WarnOnce

_warn_unwritable = WarnOnce()


def content_key(data: bytes, **parameters) -> str:
    """Name something by what it is made of.

    Args:
        data (bytes): The source, e.g. a whole wav file.
        **parameters: Whatever else decides the outcome (plain values).

    Returns:
        str: 40 hexadecimal digits.
    """
    digest = hashlib.blake2b(data, digest_size=20)
    if parameters:
        digest.update(json.dumps(parameters, sort_keys=True).encode())
    return digest.hexdigest()


class TensorCache:
    """Tensors of one kind in ``.npy`` files (which cannot hold code).

    Each file ends in a checksum of its values. Several processes may share a
    folder: a file appears under its name only when it is complete.

    Args:
        folder (str or Path): Made when first needed.
        shape (Sequence[int or None]): Of every tensor; None: any length.
        dtype (torch.dtype): Of every tensor.
    """

    def __init__(
        self,
        folder: Union[str, Path],
        shape: Sequence[Optional[int]],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.folder = Path(folder)
        self.shape = tuple(shape)
        self.dtype = dtype

    def path(self, key: str) -> Path:
        """Path: Where the tensor of ``key`` is or would be."""
        return self.folder / key[:2] / f'{key}.npy'

    def has(self, key: str) -> bool:
        """Whether there is a file of ``key``, whole or not."""
        return self.path(key).is_file()

    def get(self, key: str, compute: Callable[[], Tensor]) -> Tensor:
        """Read a tensor, or compute and keep it.

        A file that is damaged, or holds a tensor of another kind, is made
        anew, with a warning that names it. Where nothing can be written (a
        full disk, a folder of somebody else's) one warning a run says so, and
        the tensor is not kept.

        Args:
            key (str): From :func:`content_key`.
            compute (callable): Gives the tensor.

        Returns:
            Tensor: On CPU.
        """
        path = self.path(key)
        try:
            return self._read(path)
        except FileNotFoundError:
            pass
        except Exception as error:  # a damaged header raises any kind
            warnings.warn(f'{path} is damaged ({error}) and is made anew')
        tensor = compute()
        try:
            _write(path, tensor.numpy())
        except OSError as error:
            _warn_unwritable(
                f'{path} cannot be kept ({error}), so it is computed every '
                f'time. Fix: make room, or name another cache_dir than '
                f'{self.folder}. Further files are not named.'
            )
        return tensor

    def _read(self, path: Path) -> Tensor:
        with path.open('rb') as file:
            array = np.load(file, allow_pickle=False)
            checksum = file.read()
        if checksum != _checksum(array):
            raise ValueError('its checksum is another')
        tensor = torch.from_numpy(array)
        lengths = zip(self.shape, tensor.shape)
        if (
            tensor.dtype != self.dtype
            or tensor.ndim != len(self.shape)
            or any(wanted not in (None, found) for wanted, found in lengths)
        ):
            raise ValueError(
                f'{tuple(tensor.shape)} {tensor.dtype}, not {self.shape} '
                f'{self.dtype}'
            )
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ValueError('values are NaN or infinite')
        return tensor


def _write(path: Path, array: np.ndarray) -> None:
    with whole_file(path) as partial, partial.open('wb') as file:
        np.save(file, array, allow_pickle=False)
        file.write(_checksum(array))


def _checksum(array: np.ndarray) -> bytes:
    return zlib.crc32(np.ascontiguousarray(array)).to_bytes(4, 'little')
