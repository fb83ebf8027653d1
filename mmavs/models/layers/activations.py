"""Activations that spare memory where nobody needs what came in."""

import torch
from torch import Tensor, nn


class SparingGELU(nn.GELU):
    """GELU, in place where no gradient is taken.

    A large map that is made anew is pages that the system must clear first,
    which takes a CPU as long as the GELU. To be used on what nobody else
    reads, such as the output of a linear layer.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(...) -> (...), perhaps the same tensor."""
        if torch.is_grad_enabled() or torch.compiler.is_compiling():
            return super().forward(x)
        return torch.ops.aten.gelu_(x)
