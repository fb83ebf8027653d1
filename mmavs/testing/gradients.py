"""Does every parameter that is built take part?"""

from typing import Callable

import torch
from torch import Tensor, nn


def check_gradients(
    module: nn.Module, run: Callable[[], Tensor], allowed: tuple = ()
) -> None:
    """Assert that every trainable parameter gets a non-zero gradient.

    One-dimensional parameters that start at a constant (zero-initialised
    norms, biases) are perturbed first, since a zero scale hides all that
    stands before it.

    Args:
        module (nn.Module): What is tested; its weights are changed.
        run (callable): Runs the module and gives a scalar.
        allowed (tuple[str]): Name prefixes that may stay without.

    Raises:
        AssertionError: Naming every parameter without a gradient.
    """
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.numel() and bool(
                (parameter == parameter.flatten()[0]).all()
            ):
                parameter.add_(torch.randn_like(parameter) * 0.1)
    module.zero_grad()
    run().backward()
    dead = [
        name
        for name, p in module.named_parameters()
        if p.requires_grad
        and not name.startswith(allowed or ('\0',))
        and (p.grad is None or not bool(p.grad.abs().sum() > 0))
    ]
    assert not dead, f'no gradient reaches {dead}'
