"""Does an exported model compute what PyTorch computes, and how fast?"""

import time
from pathlib import Path
from typing import Callable, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from .exporting import example_clips
from .network import ClipNetwork
from .onnx_model import OnnxModel

TOLERANCE = 1e-4
# of an instance head: its logits are painted from the others
_PAINTED = 'logits'
Run = Callable[..., Sequence[Tensor]]


def load(path: Path, facts: dict) -> Run:
    """Open an exported model as a function of tensors.

    Args:
        path (Path): What :func:`~mmavs.deployment.export_model` wrote.
        facts (dict): Its description.

    Returns:
        callable: Takes and gives what :class:`ClipNetwork` does.
    """
    if facts['to'] == 'onnx':
        model = OnnxModel(path, threads=torch.get_num_threads())

        def run(*clips: Tensor) -> Sequence[Tensor]:
            named = zip(facts['inputs'], (clip.numpy() for clip in clips))
            return [*map(torch.from_numpy, model.run(**dict(named)).values())]

        return run
    if facts['to'] == 'torch-export':
        return torch.export.load(path).module()
    return torch._inductor.aoti_load_package(str(path))


def difference(
    model: nn.Module,
    run: Run,
    facts: dict,
    *,
    num_clips: int,
    size: Optional[Tuple[int, int]] = None,
) -> float:
    """Compare an exported model with the one it was made of, on drawn clips.

    Args:
        model (nn.Module): In PyTorch.
        run (callable): From :func:`load`.
        facts (dict): Its description.
        num_clips (int): B.
        size (tuple[int, int], optional): Another height and width than the
            described ones.

    Returns:
        float: The largest difference of any output, over the output's largest
        value or 1 where that is smaller; infinite where labels differ. An
        exported graph gives instances for all categories, of which those that
        PyTorch gives come first.
    """
    network = ClipNetwork(model, in_graph(facts))
    clips = example_clips(model, facts, num_clips=num_clips, size=size)
    with torch.no_grad():
        wanted = dict(zip(facts['outputs'], network(*clips)))
        given = dict(zip(facts['outputs'], run(*clips)))
    if 'masks' not in wanted:
        return _apart(wanted['logits'], given['logits'])
    return max(
        _apart(value, given[name])
        for name, value in wanted.items()
        if name != _PAINTED
    )


def milliseconds(run: Run, clips: Sequence[Tensor], repeats: int = 3) -> float:
    """Measure processor time of one call, the best of several."""
    best = float('inf')
    with torch.no_grad():
        run(*clips)
        for _ in range(repeats):
            start = time.process_time()
            run(*clips)
            best = min(best, time.process_time() - start)
    return 1000 * best


def in_graph(facts: dict) -> bool:
    """Whether the front end is a part of the graph."""
    return bool(facts['front_end'] and facts['front_end']['in_graph'])


def _apart(wanted: Tensor, given: Tensor) -> float:
    given = given[tuple(slice(length) for length in wanted.shape)]
    if wanted.dtype in (torch.bool, torch.int64):
        return 0.0 if torch.equal(wanted, given) else float('inf')
    scale = max(1.0, float(wanted.abs().max()))
    return float((wanted - given).abs().max()) / scale
