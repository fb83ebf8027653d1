"""Figures of a config at work, one form or two side by side."""

import tempfile
from pathlib import Path
from typing import Callable, Dict, Iterable, NamedTuple, Optional, Sequence

import torch
from mmengine.config import Config
from rich.table import Table

from mmavs.analysis.loader_speed import (
    clips_per_second,
    seconds_by_stage,
    use_cache,
)
from mmavs.analysis.measure import Spread, interleave, shares
from mmavs.analysis.naive.metrics import metric_forms
from mmavs.analysis.workloads import (
    FORMS,
    RunSetting,
    Work,
    build_form,
    forward_pass,
    kinds_of,
    module_calls,
    parts_of,
    scoring,
    training_step,
)
from mmavs.registry import DATASETS

STAGES = ('forward', 'training', 'loader', 'metric')


class Amounts(NamedTuple):
    """How much is run.

    Attributes:
        clips (int): Batch of the forward pass and the metric.
        train_clips (int): Batch of a training step.
        repeats (int): Timed runs of each.
        train_repeats (int): Timed training steps of each.
        loader_clips (int): In a run of the loader.
        workers (int): Of the loader.
    """

    clips: int = 1
    train_clips: int = 2
    repeats: int = 5
    train_repeats: int = 2
    loader_clips: int = 40
    workers: int = 2


class Benchmark:
    """Figures of one config, filled by a method a stage.

    Args:
        config (Config): Its loader and metric are measured as they stand.
        setting (RunSetting): What the model is run on.
        amounts (Amounts): How much is run.
        weigh (callable): ``(form, stage) -> bytes`` at the peak.
        forms (Sequence[str]): 'mmavs', alone or with 'naive'.
        tolerance (float): How far results of the two may be apart, relative
            to the largest value.

    Attributes:
        models (dict[str, Module]): By form.
        changed (list[str]): Modules in their textbook form.
        seconds (dict): ``{row: {form: Spread}}``.
        bytes (dict): ``{stage: {form: bytes}}``.
        shares (dict): ``{row: {form: share}}``, in [0, 1].
        differences (dict): ``{row: largest difference}``, relative.
    """

    def __init__(
        self,
        config: Config,
        setting: RunSetting,
        amounts: Amounts,
        weigh: Callable[[str, str], int],
        forms: Sequence[str] = FORMS[:1],
        tolerance: float = 1e-3,
    ) -> None:
        self.config, self.setting, self.amounts = config, setting, amounts
        self.weigh, self.tolerance = weigh, tolerance
        self.device = torch.device(setting.device)
        self.models, self.changed = {}, []
        for form in forms:
            built = build_form(config, form, setting.device)
            self.models[form], self.changed = built
        self.seconds: Dict[str, Dict[str, Spread]] = {}
        self.bytes: Dict[str, Dict[str, int]] = {}
        self.shares: Dict[str, Dict[str, float]] = {}
        self.differences: Dict[str, float] = {}

    @property
    def compares(self) -> bool:
        """bool: Whether there are two forms."""
        return len(self.models) == 2

    def forward(self) -> None:
        """The network, its parts, and modules that have a textbook form."""
        amounts, setting = self.amounts, self.setting
        works = {
            form: forward_pass(model, setting, amounts.clips)
            for form, model in self.models.items()
        }
        if self.compares:
            exact = setting._replace(precision='fp32')
            self._compare(
                'logits',
                {
                    form: forward_pass(model, exact, amounts.clips)
                    for form, model in self.models.items()
                },
            )
        self._time('forward', works)
        for form, model in self.models.items():
            parts = parts_of(model)
            found = shares(parts, works[form], amounts.repeats, self.device)
            for part, share in found.items():
                self.shares.setdefault(f'forward: {part}', {})[form] = share
        for kind, names in kinds_of(self.changed).items():
            calls = module_calls(self.models, names, works['mmavs'], setting)
            self._time(kind, calls)
        self._weigh('forward', self.models)

    def training(self) -> None:
        """One step of the optimizer."""
        amounts = self.amounts
        works = {
            form: training_step(
                model, self.config, self.setting, amounts.train_clips
            )
            for form, model in self.models.items()
        }
        self._time('training step', works, amounts.train_repeats)
        self._weigh('training', self.models)

    def loader(self) -> None:
        """A clip of the training set, with workers and a warm cache."""
        amounts, cfg = self.amounts, self.config.train_dataloader
        with tempfile.TemporaryDirectory() as folder:
            use_cache(cfg, Path(folder), frames=False)
            dataset = DATASETS.build(cfg['dataset'])
            runs = []
            for _ in range(1 + amounts.repeats):  # the first fills the cache
                rate = clips_per_second(
                    dataset, cfg, amounts.loader_clips, amounts.workers
                )
                runs.append(1 / rate)
            spent = seconds_by_stage(dataset, amounts.loader_clips)
        self.seconds['loader, a clip'] = dict(mmavs=Spread.of(runs[1:]))
        for stage, seconds in spent.items():
            share = seconds / sum(spent.values())
            self.shares[f'loader: {stage}'] = dict(mmavs=share)

    def metric(self) -> None:
        """The config's metric, and what takes its time against loops."""
        amounts, setting = self.amounts, self.setting
        model = self.models['mmavs']
        work = scoring(model, self.config, setting, amounts.clips)
        self._time('metric', dict(mmavs=work))
        if self.compares:
            name, works = metric_forms(
                max(2, model.num_classes), setting.num_frames, setting.device
            )
            self._compare(name, works)
            self._time(name, works)
        self._weigh('metric', ['mmavs'])

    def _time(
        self, row: str, works: Dict[str, Work], repeats: Optional[int] = None
    ) -> None:
        runs = interleave(works, repeats or self.amounts.repeats, self.device)
        self.seconds[row] = {f: Spread.of(r) for f, r in runs.items()}

    def _weigh(self, stage: str, forms: Iterable[str]) -> None:
        self.bytes[stage] = {form: self.weigh(form, stage) for form in forms}

    def _compare(self, row: str, works: Dict[str, Work]) -> None:
        """Note how far two forms are apart; ArithmeticError if too far."""
        ours, theirs = (works[form]().double() for form in FORMS)
        difference = float((ours - theirs).abs().max() / theirs.abs().max())
        self.differences[row] = difference
        if not difference <= self.tolerance:
            raise ArithmeticError(
                f'{row} of the two forms differ by {difference:.1e} of the '
                f'largest value, more than --tolerance {self.tolerance}: '
                'they do not compute the same'
            )

    def table(self) -> Table:
        """Lay the figures out, with ratios naive / mmavs."""
        forms = list(self.models)
        ratio = '; ratio = naive / mmavs' if self.compares else ''
        table = Table(title=f'median (range){ratio}')
        for name in ['what', *forms, 'ratio'][: 4 if self.compares else 2]:
            side = 'left' if name == 'what' else 'right'
            table.add_column(name, justify=side)

        def add(name: str, cells: Dict[str, str], values: dict) -> None:
            ratio = ''
            if len(values) == 2 and values['mmavs']:
                ratio = f'{values["naive"] / values["mmavs"]:.2f}'
            row = [name, *(cells.get(form, '') for form in forms), ratio]
            table.add_row(*row[: len(table.columns)])

        for name, runs in self.seconds.items():
            cells = {form: str(run) for form, run in runs.items()}
            add(name, cells, {form: run.median for form, run in runs.items()})
        for name, parts in self.shares.items():
            add(name, {f: f'{s:.0%}' for f, s in parts.items()}, {})
        for name, held in self.bytes.items():
            cells = {f: f'{b / 1e6:.1f} MB' for f, b in held.items()}
            add(f'{name}: peak', cells, held)
        return table
