"""What a GPU gains by kernels, CUDA graphs and half precision."""

from functools import partial
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

import torch
from torch import Tensor, nn

from mmavs.analysis.measure import Spread, interleave, peak_memory
from mmavs.analysis.workloads import RunSetting, forward_pass
from mmavs.apis.cuda_graphs import use_cuda_graphs
from mmavs.models.layers import deformable_attention
from mmavs.models.layers.deformable_attention import sum_samples
from mmavs.models.precision import PRECISIONS

# AVSegFormer's encoder at 512 px: the three coarser scales of five frames
SHAPES = ((64, 64), (32, 32), (16, 16))
FRAMES, HEADS, CHANNELS, POINTS = 5, 8, 32, 4


class Row(NamedTuple):
    """One measurement.

    Attributes:
        what (str): What ran.
        precision (str): Key of :data:`PRECISIONS`.
        seconds (Spread): Of a run.
        peak (int): Bytes held at the peak above what was held before.
    """

    what: str
    precision: str
    seconds: Spread
    peak: int


def sampling_rows(
    device: torch.device,
    forms: Sequence[str],
    repeats: int,
    precisions: Sequence[str] = tuple(PRECISIONS),
    shapes: Sequence[Tuple[int, int]] = SHAPES,
) -> List[Row]:
    """Samples of deformable attention by several forms, side by side.

    Args:
        device (torch.device): Where they run.
        forms (Sequence[str]): Of :data:`deformable_attention.FORMS`.
        repeats (int): Timed runs of each.
        precisions (Sequence[str]): Of the values; points are float32.
        shapes (Sequence[tuple]): (h_l, w_l) of each scale; a query a pixel.

    Returns:
        list[Row]: Forward, then forward and backward, of each form.
    """
    rows = []
    for precision in precisions:
        dtype = PRECISIONS[precision] or torch.float
        sampling = _Sampling(device, dtype, shapes)
        works = {}
        for form in forms:
            name = f'samples by {form}'
            works[name] = partial(sampling.forward, form)
            works[f'{name}, with gradients'] = partial(sampling.backward, form)
        rows += _measure(works, precision, repeats, device)
    return rows


class _Sampling:
    """Random values, points and weights, to be summed up."""

    def __init__(
        self,
        device: torch.device,
        dtype: torch.dtype,
        shapes: Sequence[Tuple[int, int]],
    ) -> None:
        pixels = sum(height * width for height, width in shapes)
        reads = (FRAMES, pixels, HEADS, len(shapes), POINTS)
        value = torch.randn(FRAMES, pixels, HEADS, CHANNELS, device=device)
        points = torch.rand(*reads, 2, device=device)
        weights = torch.rand(reads, device=device)
        self.shapes = shapes
        self.leaves = [
            leaf.requires_grad_()
            for leaf in (value.to(dtype), points, weights)
        ]

    @torch.no_grad()
    def forward(self, form: str) -> None:
        self._sum(form)

    def backward(self, form: str) -> None:
        torch.autograd.grad(self._sum(form).float().sum(), self.leaves)

    def _sum(self, form: str) -> Tensor:
        before, deformable_attention.FORM = deformable_attention.FORM, form
        try:
            value, points, weights = self.leaves
            return sum_samples(value, self.shapes, points, weights)
        finally:
            deformable_attention.FORM = before


def network_rows(
    model: nn.Module, setting: RunSetting, repeats: int
) -> List[Row]:
    """The network on one clip, kernel by kernel and from a CUDA graph.

    Args:
        model (nn.Module): On a GPU; its CUDA graphs stay in place.
        setting (RunSetting): What it is run on.
        repeats (int): Timed runs of each.

    Returns:
        list[Row]: Without and with.
    """
    plain = forward_pass(model, setting, 1)
    device = torch.device(setting.device)
    rows = _measure({'network': plain}, setting.precision, repeats, device)
    use_cuda_graphs(model)
    try:
        graphed = {'network, CUDA graph': forward_pass(model, setting, 1)}
        rows += _measure(graphed, setting.precision, repeats, device)
    finally:
        del model.encode_decode
    return rows


def _measure(
    works: Dict[str, Callable[[], object]],
    precision: str,
    repeats: int,
    device: torch.device,
) -> List[Row]:
    seconds = interleave(works, repeats, device, warm_up=3)
    return [
        Row(
            name,
            precision,
            Spread.of(seconds[name]),
            peak_memory(work, device),
        )
        for name, work in works.items()
    ]
