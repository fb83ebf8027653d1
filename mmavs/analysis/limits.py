r"""How near a piece of work is to what the machine can do.

The machine's own speed is measured in the same process, on the same threads
and in the same precision: a large matrix product (operations a second), a
large copy (bytes a second) and a single number's sum (seconds of a call). An
operation that does f operations on b bytes can take no less than

.. math:: \max(f / \text{product},\; b / \text{copy},\; \text{call})

which is the roofline model (https://doi.org/10.1145/1498765.1498785) with the
cost of a call. Bytes are those of its inputs and outputs, each once.

On a CPU seconds are processor seconds of all threads, so that other work on
the machine does not count; on a GPU those of the clock.
"""

import time
from contextlib import contextmanager
from functools import reduce
from typing import (
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Sequence,
    Tuple,
)

import torch
from rich.table import Table
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmavs.analysis.complexity import flops_of, without_fast_path

PRODUCT = 2048  # side of the matrices
COPY = 2**28  # bytes, more than caches hold
BOUNDS = ('operations', 'bytes', 'calls')


class Peak(NamedTuple):
    """What a machine can do.

    Attributes:
        operations (float): A second, a multiplication and a sum are two.
        bytes (float): Read and written a second.
        call (float): Seconds of an operation on one number.
    """

    operations: float
    bytes: float
    call: float


class Cost(NamedTuple):
    """What operations of one kind cost.

    Attributes:
        calls (int): How many there were.
        seconds (float): What they took.
        operations (float): Multiplications and sums of products.
        bytes (float): Of inputs and outputs.
        limits (tuple[float, float, float]): Seconds that the machine needs,
            summed over the calls that each of :data:`BOUNDS` holds.
    """

    calls: int = 0
    seconds: float = 0.0
    operations: float = 0.0
    bytes: float = 0.0
    limits: Tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def limit(self) -> float:
        """float: Seconds that the machine needs."""
        return sum(self.limits)

    @property
    def bound(self) -> str:
        """str: Which of the bounds holds most of them."""
        return BOUNDS[self.limits.index(max(self.limits))]

    def plus(self, other: 'Cost') -> 'Cost':
        """Sum of two."""
        *sums, _ = (a + b for a, b in zip(self, other))
        limits = (a + b for a, b in zip(self.limits, other.limits))
        return Cost(*sums, tuple(limits))


def measure_peak(
    device: torch.device, dtype: torch.dtype, repeats: int = 3
) -> Peak:
    """Measure a machine: the best of some runs each."""
    matrix = torch.randn(PRODUCT, PRODUCT, device=device).to(dtype)
    out = torch.empty_like(matrix)
    source = torch.zeros(COPY // 4, device=device)
    target = torch.zeros_like(source)
    one = torch.zeros(1, device=device)

    def best(run: Callable[[], object]) -> float:
        return min(_seconds(run, device) for _ in range(1 + repeats))

    with torch.no_grad():
        return Peak(
            2 * PRODUCT**3 / best(lambda: torch.mm(matrix, matrix, out=out)),
            2 * COPY / best(lambda: target.copy_(source)),
            best(lambda: [one + one for _ in range(100)]) / 100,
        )


class Ledger(TorchDispatchMode):
    """Note the cost of each operation that runs inside.

    Args:
        peak (Peak): Of the machine, on that device.
        device (torch.device): Where it runs.

    Attributes:
        part (str): Under which part operations are noted now.
        costs (dict[tuple[str, str], Cost]): By part and operation.
    """

    def __init__(self, peak: Peak, device: torch.device) -> None:
        super().__init__()
        self.peak, self.device = peak, device
        self.part = 'other'
        self.costs: Dict[Tuple[str, str], Cost] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        start = _now(self.device)
        out = func(*args, **kwargs)
        seconds = _now(self.device) - start
        if not func.is_view:
            key = (self.part, func.overloadpacket.__name__)
            cost = self._cost(func, args, kwargs, out, seconds)
            self.costs[key] = self.costs.get(key, Cost()).plus(cost)
        return out

    def _cost(self, func, args, kwargs, out, seconds: float) -> Cost:
        operations = flops_of(func, args, kwargs, out)
        moved = 0
        if not func.overloadpacket.__name__.startswith('empty'):
            tensors = {
                id(leaf): leaf
                for leaf in tree_leaves((args, kwargs, out))
                if isinstance(leaf, Tensor)
            }
            moved = sum(map(_bytes, tensors.values()))
        times = (
            operations / self.peak.operations,
            moved / self.peak.bytes,
            self.peak.call,
        )
        limits = tuple(t * (t == max(times)) for t in times)
        return Cost(1, seconds, operations, moved, limits)

    def by_part(self) -> Dict[str, Cost]:
        """dict[str, Cost]: All operations of each part."""
        return _sums((part, cost) for (part, _), cost in self.costs.items())

    def by_operation(self) -> Dict[str, Cost]:
        """dict[str, Cost]: Each kind of operation, in whatever part."""
        return _sums((name, cost) for (_, name), cost in self.costs.items())


def account(
    work: Callable[[], object],
    parts: Dict[str, Sequence[nn.Module]],
    peak: Peak,
    device: torch.device,
) -> Tuple[Dict[str, Cost], Dict[str, Cost]]:
    """Say what a piece of work costs, beside what the machine needs.

    Args:
        work (callable): Runs the parts; once before it counts.
        parts (dict[str, Sequence[Module]]): Modules by part; none lies inside
            another.
        peak (Peak): Of :func:`measure_peak`.
        device (torch.device): Where it runs.

    Returns:
        tuple: Costs by part, of 'other' what no part does, and by operation.
    """
    ledger = Ledger(peak, device)
    with without_fast_path():
        work()
        with _noting(ledger, parts), ledger:
            work()
    return ledger.by_part(), ledger.by_operation()


@contextmanager
def _noting(
    ledger: Ledger, parts: Dict[str, Sequence[nn.Module]]
) -> Iterator[None]:
    """Let the ledger know whose turn it is."""
    handles = []
    for part, modules in parts.items():

        def enter(*_, part=part) -> None:
            ledger.part = part

        def leave(*_) -> None:
            ledger.part = 'other'

        for module in modules:
            handles.append(module.register_forward_pre_hook(enter))
            handles.append(module.register_forward_hook(leave))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def limits_table(costs: Dict[str, Cost], peak: Peak) -> Table:
    """Lay out what rows cost beside what the machine can do."""
    table = Table(
        title=f'of a matrix product ({peak.operations / 1e9:.1f} G operations '
        f'a second), a copy ({peak.bytes / 1e9:.1f} GB a second) and a call '
        f'({1e6 * peak.call:.1f} us)'
    )
    for name in ('what', *'seconds G/s product GB/s copy limit'.split()):
        table.add_column(name, justify='left' if name == 'what' else 'right')
    for name, cost in costs.items():
        speed = cost.operations / cost.seconds
        rate = cost.bytes / cost.seconds
        table.add_row(
            name,
            f'{cost.seconds:.3f}',
            f'{speed / 1e9:.1f}',
            f'{speed / peak.operations:.0%}',
            f'{rate / 1e9:.1f}',
            f'{rate / peak.bytes:.0%}',
            f'{cost.limit / cost.seconds:.0%}',
        )
    return table


def operations_table(
    costs: Dict[str, Cost], peak: Peak, count: int = 12
) -> Table:
    """Lay out the operations that hold a forward pass from its products."""
    table = Table(title='operations by their seconds besides products')
    for name in ('operation', 'calls', 'seconds', 'besides', 'limit', 'bound'):
        left = name in ('operation', 'bound')
        table.add_column(name, justify='left' if left else 'right')
    for name, cost in costliest(costs, peak, count):
        besides = cost.seconds - cost.operations / peak.operations
        table.add_row(
            name,
            str(cost.calls),
            f'{cost.seconds:.3f}',
            f'{besides:.3f}',
            f'{cost.limit:.3f}',
            cost.bound,
        )
    return table


def costliest(
    costs: Dict[str, Cost], peak: Peak, count: int
) -> List[Tuple[str, Cost]]:
    """The operations that take the most seconds besides their products."""

    def besides(item: Tuple[str, Cost]) -> float:
        return item[1].seconds - item[1].operations / peak.operations

    return sorted(costs.items(), key=besides, reverse=True)[:count]


def sum_of(costs: Iterable[Cost]) -> Cost:
    """Add up costs."""
    return reduce(Cost.plus, costs, Cost())


def _sums(items) -> Dict[str, Cost]:
    sums: Dict[str, Cost] = {}
    for name, cost in items:
        sums[name] = sums.get(name, Cost()).plus(cost)
    return sums


def _bytes(tensor: Tensor) -> int:
    """Of the values, or of the memory behind them if that is less."""
    held = tensor.numel() * tensor.element_size()
    return min(held, tensor.untyped_storage().nbytes())


def _seconds(run: Callable[[], object], device: torch.device) -> float:
    start = _now(device)
    run()
    return _now(device) - start


def _now(device: torch.device) -> float:
    """Seconds of the processor, or the clock of a GPU that is done."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time()
