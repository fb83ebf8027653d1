"""How fast training steps are on several ranks of this machine."""

import time
from typing import Dict, List, NamedTuple

import torch
from mmengine.config import Config
from mmengine.registry import OPTIMIZERS
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from mmavs.analysis.measure import Spread
from mmavs.analysis.workloads import RunSetting, build_form, freeze
from mmavs.testing.ranks import on_ranks


class RankSpeed(NamedTuple):
    """Training steps of one number of ranks.

    Attributes:
        ranks (int): How many.
        clips (int): In a step of one of them.
        seconds (Spread): Of a step, on the clock of the slowest rank.
        apart (Spread): Of a step whose gradients stay a rank's own, while all
            ranks take theirs: cores of a machine share its memory.
        processor_seconds (float): Of a step, of all ranks together; the
            shortest step.
        all_reduce (float): Seconds in which all gradients are added up over
            ranks, alone; the shortest of several runs. 0 for one rank.
        parameters (int): Trained ones.
    """

    ranks: int
    clips: int
    seconds: Spread
    apart: Spread
    processor_seconds: float
    all_reduce: float
    parameters: int

    @property
    def rate(self) -> float:
        """float: Clips per second, of all ranks."""
        return self.ranks * self.clips / self.seconds.median

    @property
    def link(self) -> float:
        """float: Bytes per second of the ring that took ``all_reduce``."""
        sent = 2 * (self.ranks - 1) / self.ranks * 4 * self.parameters
        return sent / self.all_reduce if self.all_reduce else float('inf')


def measure_ranks(
    config: Config, setting: RunSetting, clips: int, steps: int, ranks: int
) -> RankSpeed:
    """Train a few steps on CPU ranks, one thread each, with DDP.

    The ranks are forked from this process and meet over gloo. Weights, frames
    and sound are random, so nothing is loaded meanwhile.

    Args:
        config (Config): With ``model`` and ``optim_wrapper``.
        setting (RunSetting): On the CPU.
        clips (int): In the batch of each rank.
        steps (int): That count, after one that does not.
        ranks (int): How many.

    Returns:
        RankSpeed: What they took.
    """
    found = on_ranks(lambda: _train(config, setting, clips, steps), ranks)
    slowest, apart = (
        torch.tensor([one[steps] for one in found]).amax(0).tolist()
        for steps in ('seconds', 'apart')
    )
    worked = torch.tensor([one['processor'] for one in found]).sum(0)
    return RankSpeed(
        ranks=ranks,
        clips=clips,
        seconds=Spread.of(slowest),
        apart=Spread.of(apart),
        processor_seconds=float(worked.min()),
        all_reduce=max(one['all_reduce'] for one in found),
        parameters=found[0]['parameters'],
    )


def _train(
    config: Config, setting: RunSetting, clips: int, steps: int
) -> Dict[str, object]:
    """Train on this rank."""
    model, _ = build_form(config, 'mmavs')
    inputs, samples = setting.clips(model, clips)
    frozen = freeze(model, config)
    trained = [p for p in model.parameters() if p.requires_grad]
    network = model
    optimizer = OPTIMIZERS.build(
        dict(config.optim_wrapper.optimizer, params=trained)
    )

    def step() -> None:
        model.train()
        for module in frozen:
            module.eval()
        losses = network(inputs, samples, mode='loss')
        sum(v for k, v in losses.items() if 'loss' in k).backward()
        optimizer.step()
        optimizer.zero_grad()

    seconds, processor = apart, _ = _time(step, steps)
    if distributed.get_world_size() > 1:
        network = DistributedDataParallel(
            model,
            broadcast_buffers=False,
            gradient_as_bucket_view=True,
            static_graph=True,
        )
        seconds, processor = _time(step, steps)
    size = sum(p.numel() for p in trained)
    return dict(
        seconds=seconds,
        apart=apart,
        processor=processor,
        all_reduce=_time_all_reduce(size, steps),
        parameters=size,
    )


def _time(work, repeats: int) -> List[List[float]]:
    """Seconds on the clock and of the processor, after one run for nothing."""
    work()
    seconds, processor = [], []
    for _ in range(repeats):
        distributed.barrier()
        clock, used = time.perf_counter(), time.process_time()
        work()
        seconds.append(time.perf_counter() - clock)
        processor.append(time.process_time() - used)
    return [seconds, processor]


def _time_all_reduce(size: int, repeats: int) -> float:
    """Add up as many numbers as there are gradients, alone."""
    if distributed.get_world_size() == 1:
        return 0.0
    numbers = torch.zeros(size)
    seconds, _ = _time(lambda: distributed.all_reduce(numbers), repeats)
    return min(seconds)
