"""Counting on any device, and the door through which NumPy comes in."""

from functools import wraps
from typing import Callable

import numpy as np
import torch
from torch import Tensor


def count(index: Tensor, length: int) -> Tensor:
    """Count how often each of ``0 ... length-1`` occurs.

    ``torch.bincount`` on a GPU asks the host for the largest index first; a
    scatter of ones does not, so that the host never waits for the device.

    Args:
        index (Tensor): Any shape, integers in [0, length).
        length (int): Number of bins.

    Returns:
        Tensor: (length,) int64.
    """
    index = index.flatten()
    if index.device.type == 'cpu':
        return torch.bincount(index, minlength=length)
    return scatter_count(index, length)


def scatter_count(index: Tensor, length: int) -> Tensor:
    """Count as :func:`count` does, without asking the host anything."""
    counts = torch.zeros(length, dtype=torch.int64, device=index.device)
    one = torch.ones_like(counts[:1])
    return counts.scatter_add_(0, index.long(), one.expand(index.numel()))


def widest_float(device: torch.device) -> torch.dtype:
    """Give float64, or float32 where the device has nothing wider."""
    return torch.float32 if device.type == 'mps' else torch.float64


def numpy_or_torch(function: Callable) -> Callable:
    """Let ``function(prediction, target, ...) -> Tensor`` take NumPy arrays.

    Arrays in, an array out; tensors in, a tensor out.
    """

    @wraps(function)
    def call(prediction, target, *args, **kwargs):
        result = function(
            as_tensor(prediction), as_tensor(target), *args, **kwargs
        )
        return result.numpy() if isinstance(prediction, np.ndarray) else result

    return call


def as_tensor(values) -> Tensor:
    """Turn an array or a tensor into a tensor, sharing memory if possible."""
    if isinstance(values, np.ndarray):
        values = np.ascontiguousarray(values)
        if not values.flags.writeable:
            values = values.copy()
    return torch.as_tensor(values)
