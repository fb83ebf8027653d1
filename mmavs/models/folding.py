"""Models that predict alone: fewer steps, and another layout."""

import inspect
from collections import Counter
from typing import List, NamedTuple, Optional

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

_CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
# of the largest value, on noise
TOLERANCE = 1e-5


class _Pair(NamedTuple):
    """Names of a convolution and of the norm that takes its output."""

    conv: str
    norm: str


def tune_for_inference(model: nn.Module) -> nn.Module:
    """Let a model predict faster, and the same, in place.

    Batch norms are folded, see :func:`fold_batch_norms`; on a CPU the weights
    of convolutions lie channels last, and with them the maps. Not so in a
    model with group norms, which round more coarsely in that layout: logits
    of AVSegFormer would move by 7e-5 of the largest.

    Args:
        model (nn.Module): In evaluation mode, where it is to run. It cannot
            be trained any more, and its state dict is another one.

    Returns:
        nn.Module: The same.

    Raises:
        ValueError: The model is in training mode.
    """
    fold_batch_norms(model)
    coarse = any(
        isinstance(module, nn.GroupNorm) for module in model.modules()
    )
    if next(model.parameters()).device.type == 'cpu' and not coarse:
        model.to(memory_format=torch.channels_last)
    return model


@torch.no_grad()
def fold_batch_norms(model: nn.Module) -> List[str]:
    """Let convolutions do what the batch norms behind them do, in place.

    In evaluation a batch norm is one factor and one summand per channel,
    which the weight and the bias of a convolution can hold. A norm is folded
    if a trace of the module that holds both shows that it takes the
    convolution's output and nothing else does, and if the two and the one
    give the same for noise; else it stays. timm's norms leave their
    activation behind.

    The model cannot be trained any more, and its state dict is another one.

    Args:
        model (nn.Module): In evaluation mode.

    Returns:
        list[str]: Names of the norms that were folded.

    Raises:
        ValueError: The model is in training mode.
    """
    if model.training:
        raise ValueError(
            'batch norms can be folded in evaluation mode alone. Fix: '
            'model.eval().'
        )
    uses = Counter(
        module for _, module in model.named_modules(remove_duplicate=False)
    )
    folded = []
    for path, parent in list(model.named_modules()):
        for pair in _pairs(parent):
            conv, norm = (parent.get_submodule(name) for name in pair)
            if uses[conv] > 1 or uses[norm] > 1:
                continue
            if _fold(parent, pair):
                folded.append(f'{path}.{pair.norm}'.lstrip('.'))
    return folded


def _pairs(parent: nn.Module) -> List[_Pair]:
    """Find the convolutions of a module whose only reader is a batch norm."""
    children = dict(parent.named_children())
    if not any(isinstance(child, _BatchNorm) for child in children.values()):
        return []
    graph = _trace(parent)
    if graph is None:
        return []
    calls = [node for node in graph.nodes if node.op == 'call_module']
    times = Counter(node.target for node in calls)
    read = {node.target for node in graph.nodes if node.op == 'get_attr'}
    pairs = []
    for node in calls:
        source = node.args[0] if len(node.args) == 1 else None
        if source not in calls or len(source.users) > 1:
            continue
        pair = _Pair(source.target, node.target)
        kinds = isinstance(children.get(pair.conv), _CONVS) and isinstance(
            children.get(pair.norm), _BatchNorm
        )
        once = times[pair.conv] == times[pair.norm] == 1
        if kinds and once and not any(n.startswith(pair) for n in read):
            pairs.append(pair)
    return pairs


class _Shallow(fx.Tracer):
    """Looks into one module, not into those that it calls."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Every module is a step."""
        return True


def _trace(module: nn.Module) -> Optional[fx.Graph]:
    """What a module does, with its defaults; None if that depends on data."""
    parameters = inspect.signature(module.forward).parameters.values()
    defaults = {
        p.name: p.default for p in parameters if p.default is not p.empty
    }
    try:
        return _Shallow().trace(module, defaults)
    except Exception:  # forward may do anything with what stands for a tensor
        return None


def _fold(parent: nn.Module, pair: _Pair) -> bool:
    """Fold one norm; say whether it was."""
    conv, norm = (parent.get_submodule(name) for name in pair)
    if norm.running_mean is None or conv.training or norm.training:
        return False
    fused = fuse_conv_bn_eval(conv, norm)
    rest = getattr(norm, 'act', None) or nn.Identity()
    noise = _noise(conv)
    wanted, found = norm(conv(noise)), rest(fused(noise))
    if not (wanted - found).abs().max() <= TOLERANCE * wanted.abs().max():
        return False
    parent.add_module(pair.conv, fused)
    parent.add_module(pair.norm, rest)
    return True


def _noise(conv: nn.Module) -> Tensor:
    """Two examples, just large enough."""
    sides = [
        1 + (side - 1) * step
        for side, step in zip(conv.kernel_size, conv.dilation)
    ]
    shape = (2, conv.in_channels, *sides)
    draw = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=draw).to(conv.weight)
