"""Trade time for memory, one switch for all modules."""

from typing import Any, Callable

import torch
from torch.utils.checkpoint import checkpoint


def run_checkpointed(with_cp: bool, run: Callable, *args: Any) -> Any:
    """Call ``run``, keeping only its inputs for the backward pass.

    Args:
        with_cp (bool): False calls ``run`` as it is.
        run (callable): A module or function of tensors.
        *args: Its arguments.

    Returns:
        What ``run`` gives.
    """
    if with_cp and torch.is_grad_enabled():
        return checkpoint(run, *args, use_reentrant=False)
    return run(*args)
