"""Full-size models at no cost: shapes without values."""

import torch
from torch.overrides import TorchFunctionMode

_FACTORIES = {
    torch.empty,
    torch.full,
    torch.ones,
    torch.rand,
    torch.randn,
    torch.zeros,
}


class OnMeta(TorchFunctionMode):
    """Make weights on the meta device while a model is built or run.

    Unlike ``torch.device('meta')`` it leaves ``linspace`` and ``arange``
    alone, of which backbones take numbers (drop path rates) when they are
    built.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in _FACTORIES and kwargs.get('device') is None:
            kwargs['device'] = 'meta'
        return func(*args, **kwargs)
