"""torch.compile, by one field of a config."""

from typing import Any, Callable, Optional, Sequence, Union

import torch
from torch import nn

from mmavs.compat.exporters import no_compiler
from mmavs.structures import AVFeatures, AVHeadOutput


def compile_parts(
    parts: Sequence[Optional[nn.Module]], options: Union[bool, dict]
) -> None:
    """Let torch.compile translate modules at their first call, in place.

    State dicts keep their keys. Each part is a graph of its own, so that
    losses and hooks between them stay as they are.

    Args:
        parts (Sequence[nn.Module or None]): Called in this order.
        options (bool or dict): True, or options of :func:`torch.compile`,
            such as ``dict(mode='reduce-overhead')``.

    Raises:
        RuntimeError: The backend is inductor, and there is no C++ compiler.
        TypeError: The options are something else.
    """
    if options is not True and not isinstance(options, dict):
        raise TypeError(
            f'model.compile is True or a dict, got {options!r}. Fix: '
            "compile=True, or compile=dict(mode='reduce-overhead')."
        )
    options = {} if options is True else dict(options)
    reason = no_compiler()
    if options.get('backend', 'inductor') == 'inductor' and reason:
        raise RuntimeError(
            f'torch.compile compiles C++, and {reason}. Fix: install one '
            '(apt install g++), name it in CXX, or leave model.compile out.'
        )
    for part in parts:
        if part is not None:
            call = torch.compile(_made_anew(part._call_impl), **options)
            # what nn.Module.compile sets, and what copies leave out
            part._compiled_call_impl = call


def _made_anew(call: Callable) -> Callable:
    """Give what ``call`` gives, made by its class.

    Of a NamedTuple that ``_replace`` made inside of a graph, PyTorch 2.11
    gives an empty one.
    """

    def run(*args: Any) -> Any:
        found = call(*args)
        if isinstance(found, AVFeatures):
            return AVFeatures(*found)
        if isinstance(found, AVHeadOutput):
            features = AVFeatures(*found.features)
            return AVHeadOutput(found.logits, features, found.extras)
        return found

    return run
