"""Where half precision is not enough."""

import torch
from torch import Tensor


def at_least_float32(tensor: Tensor) -> Tensor:
    """Raise halves and bfloat16 to float32, and leave float64 as it is.

    Returns:
        Tensor: The same values, in float32 or float64.
    """
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
