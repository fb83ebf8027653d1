"""Pickles of tensors, read without running code."""

import io
import pickle
from collections import OrderedDict
from typing import Any, BinaryIO, Dict, Optional, Tuple

import torch
from torch._utils import _rebuild_tensor_v2

from mmavs.compat import load_safely
from mmavs.compat.numpy_pickles import BYTES

Names = Dict[Tuple[str, str], Any]


class RestrictedUnpickler(pickle.Unpickler):
    """Answers to names on a list, and refuses every other.

    A pickle can run any code when it is opened: it names what is to be
    called. Tensors are on the list.

    Args:
        file (BinaryIO): The pickle.
        known (dict, optional): What else may be asked for, by (module, name).
    """

    def __init__(self, file: BinaryIO, known: Optional[Names] = None) -> None:
        super().__init__(file)
        self.known = {**_TENSORS, **(known or {})}

    def find_class(self, module: str, name: str) -> Any:
        """Answer a name.

        Raises:
            pickle.UnpicklingError: It is not on the list.
        """
        if (module, name) not in self.known:
            raise pickle.UnpicklingError(
                f'refused: the file asks for {module}.{name}'
            )
        return self.known[module, name]


def load_storage(data: bytes) -> Any:
    """Read what ``torch.save`` wrote: a tensor's bytes are such a file.

    Raises:
        pickle.UnpicklingError: It is damaged or asks for more than tensors.
    """
    try:
        return load_safely(io.BytesIO(data))
    except Exception as error:
        # torch's own text advises to switch the protection off
        raise pickle.UnpicklingError(
            'its data is damaged or asks for more than tensors'
        ) from error


def _rebuild(
    storage: Any, offset: int, shape: tuple, strides: tuple, *rest: Any
) -> torch.Tensor:
    """Rebuild a tensor; torch itself would make up what the storage lacks."""
    last = offset + sum(
        (length - 1) * stride for length, stride in zip(shape, strides)
    )
    held = storage._size()  # numbers; len() warns
    if min(offset, *shape, *strides, 0) < 0 or (
        0 not in shape and last >= held
    ):
        raise pickle.UnpicklingError(
            f'a tensor {tuple(shape)} in {held} numbers of data'
        )
    return _rebuild_tensor_v2(storage, offset, shape, strides, *rest)


_TENSORS: Names = {
    **BYTES,
    ('torch._utils', '_rebuild_tensor_v2'): _rebuild,
    ('torch.storage', '_load_from_bytes'): load_storage,
    ('collections', 'OrderedDict'): OrderedDict,
}
