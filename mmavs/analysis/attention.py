"""Attention on request: collected while a model runs, kept nowhere else.

A module can show attention if it has a method ``attention_maps`` with the
arguments of its ``forward``, giving one map (N, H, W) or a tuple of them.
"""

from contextlib import contextmanager
from typing import Dict, Iterator, Tuple

import torch
from torch import Tensor, nn


@contextmanager
def collect_attention(
    model: nn.Module,
) -> Iterator[Dict[str, Tuple[Tensor, ...]]]:
    """Collect the maps of every module that can show attention.

    .. code-block:: python

        with collect_attention(model) as maps:
            model.test_step(batch)
        maps['neck.1'][-1]  # (N, H, W), the coarsest scale of a TPAVI neck

    Args:
        model (nn.Module): Any model; hooks are removed at the end.

    Yields:
        dict[str, tuple[Tensor, ...]]: Filled while the model runs, by module
        name; detached, float32, on the CPU. A module that runs twice leaves
        its last maps.

    Raises:
        ValueError: No module of the model can show attention.
    """
    maps: Dict[str, Tuple[Tensor, ...]] = {}

    def hook(name: str):
        def collect(module, args, kwargs):
            with torch.no_grad():
                shown = module.attention_maps(*args, **kwargs)
            shown = (shown,) if isinstance(shown, Tensor) else shown
            if shown:  # AVBridge has nothing to show without bridges
                maps[name] = tuple(m.detach().float().cpu() for m in shown)

        return collect

    handles = [
        module.register_forward_pre_hook(hook(name), with_kwargs=True)
        for name, module in model.named_modules()
        if hasattr(module, 'attention_maps')
    ]
    if not handles:
        raise ValueError(
            f'no module of this {type(model).__name__} has a method '
            'attention_maps; TPAVI and the heads that attend to sound do'
        )
    try:
        yield maps
    finally:
        for handle in handles:
            handle.remove()
