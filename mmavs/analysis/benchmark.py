"""Figures of a config at work, one form or two side by side."""

import tempfile
from functools import cached_property
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

import torch
from mmengine.config import Config
from rich.table import Table
from torch import nn

from mmavs.analysis.limits import (
    Cost,
    Peak,
    account,
    limits_table,
    measure_peak,
    operations_table,
    sum_of,
)
from mmavs.analysis.loader_speed import (
    clips_per_second,
    seconds_by_stage,
    use_cache,
)
from mmavs.analysis.measure import Spread, interleave, peak_memory, shares
from mmavs.analysis.naive.metrics import metric_forms
from mmavs.analysis.workloads import (
    FORMS,
    RunSetting,
    Work,
    build_form,
    forward_pass,
    kinds_of,
    module_calls,
    neck_input,
    neck_pass,
    necks_of,
    parts_of,
    scoring,
    training_step,
)
from mmavs.models.folding import tune_for_inference
from mmavs.models.precision import PRECISIONS
from mmavs.registry import DATASETS

STAGES = ('loader', 'forward', 'neck', 'training', 'limits', 'metrics')
WITH_GRADIENTS = 'with gradients'


class Amounts(NamedTuple):
    """How much is run.

    Attributes:
        clips (int): Batch of the forward pass, the necks and the metrics.
        train_clips (int): Batch of a training step.
        repeats (int): Timed runs of each.
        train_repeats (int): Timed training steps of each.
        loader_clips (int): In a run of the loader.
        workers (int): Of the loader.
        split (str): Whose loader.
        frame_cache (bool): Whether the loader keeps decoded frames as well.
    """

    clips: int = 1
    train_clips: int = 2
    repeats: int = 5
    train_repeats: int = 2
    loader_clips: int = 40
    workers: int = 2
    split: str = 'train'
    frame_cache: bool = False


class Benchmark:
    """Figures of one config, filled by one method per stage.

    Args:
        config (Config): Its loader and metrics are measured as they stand.
        setting (RunSetting, optional): What the model is run on; the loader
            needs none.
        amounts (Amounts): How much is run.
        weigh (callable): ``(form, row) -> bytes`` at the peak, see
            :meth:`peak`.
        forms (Sequence[str]): 'mmavs', alone or with 'naive'.
        tolerance (float): How far results of the two may be apart, relative
            to the largest value.
        tuned (bool): Tune for inference, as
            :class:`~mmavs.apis.AVSInferencer` does; nothing is trained then.

    Attributes:
        seconds (dict): ``{row: {form: Spread}}``.
        bytes (dict): ``{row: {form: bytes}}``.
        shares (dict): ``{row: {form: share}}``, in [0, 1].
        differences (dict): ``{row: largest difference}``, relative.
        peak_speed (Peak, optional): Of the machine, see :meth:`limits`.
        costs (dict): ``{row: Cost}``, of the first form.
        operations (dict): ``{operation: Cost}`` of its forward pass.
    """

    def __init__(
        self,
        config: Config,
        setting: Optional[RunSetting],
        amounts: Amounts,
        weigh: Callable[[str, str], int],
        forms: Sequence[str] = FORMS[:1],
        tolerance: float = 1e-3,
        tuned: bool = False,
    ) -> None:
        self.config, self.setting, self.amounts = config, setting, amounts
        self.weigh, self.forms, self.tolerance = weigh, forms, tolerance
        self.tuned = tuned
        self.device = torch.device(setting.device if setting else 'cpu')
        self.seconds: Dict[str, Dict[str, Spread]] = {}
        self.bytes: Dict[str, Dict[str, int]] = {}
        self.shares: Dict[str, Dict[str, float]] = {}
        self.differences: Dict[str, float] = {}
        self.peak_speed: Optional[Peak] = None
        self.costs: Dict[str, Cost] = {}
        self.operations: Dict[str, Cost] = {}

    @cached_property
    def _built(self) -> Dict[str, tuple]:
        device = self.setting.device
        built = {f: build_form(self.config, f, device) for f in self.forms}
        for model, _ in built.values():
            if self.tuned:
                tune_for_inference(model.eval())
        return built

    @property
    def models(self) -> Dict[str, nn.Module]:
        """dict[str, Module]: By form, with equal weights."""
        return {form: model for form, (model, _) in self._built.items()}

    @property
    def changed(self) -> List[str]:
        """list[str]: Modules in their textbook form."""
        return self._built[self.forms[-1]][1]

    @property
    def compares(self) -> bool:
        """bool: Whether there are two forms."""
        return len(self.forms) == 2

    def loader(self) -> None:
        """One clip of a split, from an empty cache and from a full one."""
        amounts = self.amounts
        cfg = self.config[f'{amounts.split}_dataloader']
        with tempfile.TemporaryDirectory() as folder:
            for cache in ('cold', 'warm'):
                row = f'loader, {cache} cache'
                # workers fill one cache, this process the other
                use_cache(cfg, Path(folder) / 'steps', amounts.frame_cache)
                dataset = DATASETS.build(cfg['dataset'])
                spent = seconds_by_stage(dataset, amounts.loader_clips)
                use_cache(cfg, Path(folder) / 'loader', amounts.frame_cache)
                dataset = DATASETS.build(cfg['dataset'])
                rates = [
                    clips_per_second(
                        dataset, cfg, amounts.loader_clips, amounts.workers
                    )
                    for _ in range(1 if cache == 'cold' else amounts.repeats)
                ]
                seconds = [1 / rate for rate in rates]
                self.seconds[row] = dict(mmavs=Spread.of(seconds))
                for step, value in spent.items():
                    of_all = value / sum(spent.values())
                    self.seconds[f'{row}: {step}'] = dict(
                        mmavs=Spread.of([value])
                    )
                    self.shares[f'{row}: {step}'] = dict(mmavs=of_all)

    def forward(self) -> None:
        """The network, its parts, and modules that have a textbook form."""
        amounts, setting = self.amounts, self.setting
        if self.compares:
            self._compare('logits', self._exact('forward'))
        works = self._measure('forward')
        for form, model in self.models.items():
            parts = parts_of(model)
            found = shares(parts, works[form], amounts.repeats, self.device)
            for part, share in found.items():
                self.shares.setdefault(f'forward: {part}', {})[form] = share
        for kind, names in kinds_of(self.changed).items():
            calls = module_calls(self.models, names, works['mmavs'], setting)
            self._time(kind, calls)

    def neck(self) -> None:
        """Each neck alone; of two forms, those in which they differ."""
        for name in necks_of(self.models['mmavs'], self.changed):
            for row in (name, f'{name} {WITH_GRADIENTS}'):
                if self.compares:
                    self._compare(row, self._exact(row))
                self._measure(row)

    def training(self) -> None:
        """One step of the optimizer."""
        self._measure('training step', self.amounts.train_repeats)

    def limits(self) -> None:
        """Parts of the network and a step, beside the machine's own speed."""
        dtype = PRECISIONS[self.setting.precision] or torch.float32
        peak = self.peak_speed = measure_peak(self.device, dtype)
        model = self.models['mmavs']
        found, self.operations = account(
            self._work('forward', 'mmavs'), parts_of(model), peak, self.device
        )
        for part, cost in found.items():
            self.costs[f'forward: {part}'] = cost
        self.costs['forward'] = sum_of(found.values())
        if self.tuned:
            return
        step = self._work('training step', 'mmavs')
        _, found = account(step, {}, peak, self.device)
        self.costs['training step'] = sum_of(found.values())

    def metrics(self) -> None:
        """The config's metrics, and what takes their time against loops."""
        self._measure('metrics', forms=FORMS[:1])
        if self.compares:
            name, works = metric_forms(
                max(2, self.models['mmavs'].num_classes),
                self.setting.num_frames,
                self.setting.device,
            )
            self._compare(name, works)
            self._time(name, works)

    def peak(self, form: str, row: str) -> int:
        """Bytes that one form of a row of :attr:`bytes` holds at its peak.

        Resident memory of a CPU counts, so call it in a fresh process.
        """
        self.forms = (form,)
        work = self._work(row, form)
        # what libraries load once does not count: run once on small frames
        small = self.setting._replace(size=(64, 64))
        warm_up = row if row.startswith('neck.') else 'forward'
        self._work(warm_up, form, small, clips=1)()
        return peak_memory(work, self.device)

    def _work(
        self,
        row: str,
        form: str,
        setting: Optional[RunSetting] = None,
        clips: Optional[int] = None,
    ) -> Work:
        """What a row measures of one form."""
        model, amounts = self.models[form], self.amounts
        setting, clips = setting or self.setting, clips or amounts.clips
        if row == 'forward':
            return forward_pass(model, setting, clips)
        if row == 'training step':
            clips = amounts.train_clips
            return training_step(model, self.config, setting, clips)
        if row == 'metrics':
            return scoring(model, self.config, setting, clips)
        name, _, gradients = row.partition(' ')
        # both forms are given the same
        source = self.models[self.forms[0]]
        features = neck_input(source, name, setting, clips)
        neck = model.get_submodule(name)
        return neck_pass(neck, features, setting, bool(gradients))

    def _exact(self, row: str) -> Dict[str, Work]:
        """A row's works in float32, to compare."""
        setting = self.setting._replace(precision='fp32')
        return {f: self._work(row, f, setting) for f in self.forms}

    def _measure(
        self,
        row: str,
        repeats: Optional[int] = None,
        forms: Optional[Sequence[str]] = None,
    ) -> Dict[str, Work]:
        """Note seconds and bytes of a row; give its works by form."""
        forms = forms or self.forms
        works = {form: self._work(row, form) for form in forms}
        self._time(row, works, repeats)
        self.bytes[row] = {form: self.weigh(form, row) for form in forms}
        return works

    def _time(
        self, row: str, works: Dict[str, Work], repeats: Optional[int] = None
    ) -> None:
        runs = interleave(works, repeats or self.amounts.repeats, self.device)
        self.seconds[row] = {f: Spread.of(r) for f, r in runs.items()}

    def _compare(self, row: str, works: Dict[str, Work]) -> None:
        """Note how far two forms are apart; ArithmeticError if too far."""
        ours, theirs = (works[form]() for form in FORMS)
        if torch.is_tensor(ours):
            ours, theirs = [ours], [theirs]
        pairs = [(a.double(), b.double()) for a, b in zip(ours, theirs)]
        difference = max(
            float((a - b).abs().max() / b.abs().max()) for a, b in pairs
        )
        self.differences[row] = difference
        if not difference <= self.tolerance:
            raise ArithmeticError(
                f'{row} of the two forms differ by {difference:.1e} of the '
                f'largest value, more than --tolerance {self.tolerance}: '
                'they do not compute the same'
            )

    def limit_tables(self) -> List[Table]:
        """Lay out what :meth:`limits` found, if it was called."""
        if self.peak_speed is None:
            return []
        return [
            limits_table(self.costs, self.peak_speed),
            operations_table(self.operations, self.peak_speed),
        ]

    def table(self) -> Table:
        """Lay the figures out, with ratios naive / mmavs."""
        ratio = '; ratio = naive / mmavs' if self.compares else ''
        table = Table(title=f'median (range){ratio}')
        for name in ['what', *self.forms, *(['ratio'] if ratio else [])]:
            side = 'left' if name == 'what' else 'right'
            table.add_column(name, justify=side)

        def add(name: str, cells: Dict[str, str], values: dict) -> None:
            row = [name, *(cells.get(form, '') for form in self.forms)]
            if self.compares:
                known = len(values) == 2 and values['mmavs']
                ratio = values['naive'] / values['mmavs'] if known else None
                row.append(f'{ratio:.2f}' if known else '')
            table.add_row(*row)

        for name in dict.fromkeys([*self.seconds, *self.shares]):
            runs, parts = self.seconds.get(name, {}), self.shares.get(name, {})
            cells = {form: str(run) for form, run in runs.items()}
            for form, share in parts.items():
                cells[form] = f'{cells.get(form, "")} {share:3.0%}'.strip()
            if name.startswith('loader') and not parts:
                rate = 1 / runs['mmavs'].median
                cells['mmavs'] += f', {rate:.1f} clips/s'
            add(name, cells, {form: run.median for form, run in runs.items()})
        for name, held in self.bytes.items():
            cells = {f: f'{b / 1e6:.1f} MB' for f, b in held.items()}
            add(f'{name}: peak', cells, held)
        return table
