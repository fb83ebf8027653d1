"""Weights that start at zero hide what stands before them."""

import torch
from torch import nn


@torch.no_grad()
def wake(module: nn.Module) -> nn.Module:
    """Draw each parameter that is zero all over; a scalar becomes 0.7.

    Behind a zero scale two forms of a model cannot differ, whatever one of
    them does wrong.

    Args:
        module (nn.Module): Its weights are changed.

    Returns:
        nn.Module: The same.
    """
    for parameter in module.parameters():
        if parameter.any():
            continue
        if parameter.ndim:
            parameter.normal_(std=0.1)
        else:
            parameter.fill_(0.7)
    return module
