"""In what precision a network computes, and where half is not enough."""

from contextlib import nullcontext
from typing import ContextManager, Dict, Optional, Union

import torch
from torch import Tensor

# by autocast: products and convolutions in halves, weights in float32
PRECISIONS: Dict[str, Optional[torch.dtype]] = dict(
    fp32=None, bf16=torch.bfloat16, fp16=torch.float16
)


def autocast(
    precision: str, device: Union[str, torch.device]
) -> ContextManager:
    """Compute in a precision inside.

    Args:
        precision (str): One of :data:`PRECISIONS`. A processor without
            bfloat16 in its instructions computes the same, and slowly.
            'fp32' leaves an autocast outside as it is.
        device (str or torch.device): Where.

    Raises:
        ValueError: Another precision.
    """
    check_precision(precision)
    dtype = PRECISIONS[precision]
    if dtype is None:
        return nullcontext()
    return torch.autocast(torch.device(device).type, dtype)


def check_precision(precision: str) -> None:
    """Refuse what is not one of :data:`PRECISIONS`."""
    if precision not in PRECISIONS:
        raise ValueError(
            f'precision must be one of {tuple(PRECISIONS)}, got {precision!r}'
        )


def at_least_float32(tensor: Tensor) -> Tensor:
    """Raise halves and bfloat16 to float32, and leave float64 as it is.

    Returns:
        Tensor: The same values, in float32 or float64.
    """
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
