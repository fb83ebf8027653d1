"""The network replayed from CUDA graphs, for inference on small clips.

A small clip keeps a GPU waiting for the processor, which starts some thousand
kernels one by one. A CUDA graph starts them all at once.
"""

from collections import OrderedDict
from typing import Any, Callable, Dict, Optional

import torch
from torch import Tensor, nn
from torch.utils import _pytree

Inputs = Dict[str, Tensor]
WARM_UPS = 3  # until libraries have chosen their kernels
_PER_CLIP = ('finds_instances', 'remembers')  # what heads say of themselves


def use_cuda_graphs(model: nn.Module, max_graphs: int = 4) -> nn.Module:
    """Let a model replay its network from CUDA graphs when it predicts.

    The first clips of a size and number are run, and recorded; later ones of
    the same are replayed. Results are equal: the same kernels run. Training,
    and calls with gradients, run as before.

    Args:
        model (nn.Module): From :func:`~mmavs.apis.init_model`, on a GPU;
            changed in place.
        max_graphs (int): Kept at a time, each with the memory of a forward
            pass; the one that was not used for longest goes.

    Returns:
        nn.Module: The model.

    Raises:
        RuntimeError: The model is not on a CUDA device.
        ValueError: The head finds instances or remembers clips: what it does
            depends on what it sees.
    """
    device = next(model.parameters()).device
    if device.type != 'cuda':
        raise RuntimeError(
            f'CUDA graphs need a CUDA device, and the model is on {device}. '
            "Fix: init_model(..., device='cuda') where there is a GPU; on "
            'another device leave CUDA graphs out.'
        )
    head = getattr(model, 'decode_head', None)
    if any(getattr(head, what, False) for what in _PER_CLIP):
        raise ValueError(
            f'{type(head).__name__} finds instances or remembers clips, so '
            'that it does something else for each clip, and a CUDA graph '
            'does the same again. Fix: leave CUDA graphs out.'
        )
    model.encode_decode = GraphedNetwork(model, max_graphs)
    return model


class GraphedNetwork:
    """Stands before ``model.encode_decode``.

    Args:
        model (nn.Module): Its network is recorded.
        max_graphs (int): See :func:`use_cuda_graphs`.
        record (callable): ``record(run, inputs)`` gives what replays.
    """

    def __init__(
        self,
        model: nn.Module,
        max_graphs: int,
        record: Optional[Callable[[Callable, Inputs], Callable]] = None,
    ) -> None:
        self.model, self.run = model, model.encode_decode
        self.max_graphs = max_graphs
        self.record = record or RecordedNetwork
        self.graphs: OrderedDict[tuple, Callable] = OrderedDict()

    def __call__(self, inputs: Inputs, data_samples: Any = None) -> Any:
        """Run the network; see :meth:`AVSegmentor.encode_decode`.

        Returns:
            AVHeadOutput: New tensors, which later calls leave alone.
        """
        if self.model.training or torch.is_grad_enabled():
            return self.run(inputs, data_samples)
        key = _kind_of(inputs)
        if key not in self.graphs:
            while len(self.graphs) >= self.max_graphs:
                self.graphs.popitem(last=False)
            self.graphs[key] = self.record(self.run, inputs)
        self.graphs.move_to_end(key)
        return _copied(self.graphs[key](inputs))


class RecordedNetwork:
    """One CUDA graph, with the memory that it reads and writes.

    Args:
        run (callable): Takes inputs; nothing in it may wait for the GPU.
        inputs (dict[str, Tensor]): An example.
    """

    def __init__(self, run: Callable[[Inputs], Any], inputs: Inputs) -> None:
        self.inputs = {name: value.clone() for name, value in inputs.items()}
        self.graph = torch.cuda.CUDAGraph()
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with _uncached_autocast():
            with torch.cuda.stream(stream):
                for _ in range(WARM_UPS):
                    run(self.inputs)
            torch.cuda.current_stream().wait_stream(stream)
            with torch.cuda.graph(self.graph):
                self.output = run(self.inputs)

    def __call__(self, inputs: Inputs) -> Any:
        """Replay; what is given is overwritten by the next call."""
        for name, value in inputs.items():
            self.inputs[name].copy_(value)
        self.graph.replay()
        return self.output


def _uncached_autocast() -> torch.autocast:
    """Autocast as it is now; a cached weight would be freed behind a graph."""
    return torch.autocast(
        'cuda',
        torch.get_autocast_dtype('cuda'),
        enabled=torch.is_autocast_enabled('cuda'),
        cache_enabled=False,
    )


def _kind_of(inputs: Inputs) -> tuple:
    """What makes another graph necessary."""
    shapes = sorted(
        (name, tuple(value.shape), value.dtype)
        for name, value in inputs.items()
    )
    amp = torch.is_autocast_enabled('cuda'), torch.get_autocast_dtype('cuda')
    return (*shapes, *amp)


def _copied(output: Any) -> Any:
    return _pytree.tree_map_only(Tensor, Tensor.clone, output)
