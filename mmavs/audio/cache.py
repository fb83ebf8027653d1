"""Arrays on disk that need not be computed twice."""

import hashlib
import json
import os
import tempfile
import warnings
from pathlib import Path
from typing import Callable, Union

import numpy as np
import torch
from torch import Tensor


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
    """Tensors in ``.npy`` files (which cannot hold code), one a key.

    Several processes may share a folder: a file appears under its name only
    when it is complete.

    Args:
        folder (str or Path): Made when first needed.
    """

    def __init__(self, folder: Union[str, Path]) -> None:
        self.folder = Path(folder)

    def path(self, key: str) -> Path:
        """Path: Where the tensor of ``key`` is or would be."""
        return self.folder / key[:2] / f'{key}.npy'

    def get(self, key: str, compute: Callable[[], Tensor]) -> Tensor:
        """Read a tensor, or compute and keep it.

        A damaged file is computed again, with a warning that names it.

        Args:
            key (str): From :func:`content_key`.
            compute (callable): Gives the tensor.

        Returns:
            Tensor: On CPU.
        """
        path = self.path(key)
        try:
            return torch.from_numpy(np.load(path, allow_pickle=False))
        except FileNotFoundError:
            pass
        except (ValueError, EOFError, OSError) as error:
            warnings.warn(f'{path} is damaged ({error}) and is made anew')
        tensor = compute()
        _write(path, tensor)
        return tensor


def _write(path: Path, tensor: Tensor) -> None:
    """Write beside the target, then rename: complete or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        dir=path.parent, suffix='.part', delete=False
    ) as file:
        np.save(file, tensor.numpy(), allow_pickle=False)
    os.replace(file.name, path)
