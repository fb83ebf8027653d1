"""What ``tools/analysis_tools/benchmark.py`` measures: a model at work."""

from itertools import groupby
from typing import (
    Callable,
    ContextManager,
    Dict,
    Iterable,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

import torch
from mmengine.config import Config
from mmengine.registry import OPTIMIZERS
from torch import Tensor, nn
from torch.optim import Optimizer

from mmavs.analysis.naive import naive_copy
from mmavs.engine.run_config import evaluators_of
from mmavs.models.decode_heads.write_maps import decide
from mmavs.models.precision import autocast
from mmavs.registry import METRICS, MODELS
from mmavs.structures import AVFeatures, FramePixelData
from mmavs.testing.random_clips import random_clips
from mmavs.testing.waking import wake

FORMS = ('mmavs', 'naive')
PARTS = ('backbone', 'audio_encoder', 'neck', 'decode_head')
Work = Callable[[], object]


class RunSetting(NamedTuple):
    """What a model is run on.

    Attributes:
        num_frames (int): T.
        size (tuple[int, int]): Height and width of a frame.
        audio_shape (tuple[int, ...], optional): One second's sound as the
            audio encoder takes it; None without one.
        device (str): 'cpu' or 'cuda'.
        precision (str): 'fp32', or 'bf16' or 'fp16' by autocast.
        num_labelled (int, optional): Of the first frames of a clip, how many
            have a label; all by default.
    """

    num_frames: int
    size: Tuple[int, int]
    audio_shape: Optional[Tuple[int, ...]] = (1, 96, 64)
    device: str = 'cpu'
    precision: str = 'fp32'
    num_labelled: Optional[int] = None

    def clips(self, model: nn.Module, num_clips: int) -> tuple:
        """Noise for a model, see :func:`random_clips`."""
        shape = (num_clips, self.num_frames, self.size, self.audio_shape)
        inputs, samples = random_clips(model, *shape, self.device)
        for sample in samples:
            labelled = range(self.num_frames)[: self.num_labelled]
            sample.set_metainfo(dict(labeled_frames=list(labelled)))
        return inputs, samples

    def autocast(self) -> ContextManager:
        """Compute in the precision."""
        return autocast(self.precision, self.device)


def build_form(
    config: Config, form: str, device: str = 'cpu'
) -> Tuple[nn.Module, List[str]]:
    """Build a config's model in one form, always with the same weights.

    Parameters that start at zero are drawn as well: behind a zero scale the
    two forms could not differ.

    Args:
        config (Config): With a ``model``.
        form (str): 'mmavs' or 'naive', see :func:`naive_copy`.
        device (str): Where it goes.

    Returns:
        tuple: The model, and the names of modules in their textbook form.
    """
    torch.manual_seed(0)
    model = wake(MODELS.build(config.model))
    changed: List[str] = []
    if form == 'naive':
        model, changed = naive_copy(model)
    return model.to(device), changed


def forward_pass(
    model: nn.Module, setting: RunSetting, num_clips: int
) -> Callable[[], Tensor]:
    """Give a function that runs the network, clips to raw logits."""
    inputs, _ = setting.clips(model, num_clips)

    def run() -> Tensor:
        model.eval()
        with torch.no_grad(), setting.autocast():
            return model.encode_decode(inputs).logits

    return run


def training_step(
    model: nn.Module, config: Config, setting: RunSetting, num_clips: int
) -> Work:
    """Give a function that trains: forward, losses, backward, optimizer.

    The first step finds the optimizer's states, as every later one does.
    """
    inputs, samples = setting.clips(model, num_clips)
    frozen = freeze(model, config)
    cfg = dict(config.optim_wrapper.optimizer)
    cfg['params'] = [p for p in model.parameters() if p.requires_grad]
    optimizer = OPTIMIZERS.build(cfg)
    kind = torch.device(setting.device).type
    scaler = torch.amp.GradScaler(kind, enabled=setting.precision == 'fp16')

    def run() -> None:
        if not optimizer.state:
            _make_states(optimizer)
        model.train()
        for module in frozen:
            module.eval()
        with setting.autocast():
            losses = model.loss(inputs, samples)
        total = sum(value for key, value in losses.items() if 'loss' in key)
        scaler.scale(total).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()

    return run


def _make_states(optimizer: Optimizer) -> None:
    """Step along gradients of zero, which change weights by decay alone."""
    for group in optimizer.param_groups:
        for parameter in group['params']:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad()


def freeze(model: nn.Module, config: Config) -> List[nn.Module]:
    """Freeze what the config's hook freezes for good."""
    return [
        getattr(model, name).requires_grad_(False)
        for hook in config.get('custom_hooks', [])
        if hook.type == 'FreezeBackboneHook' and hook.num_epochs is None
        for name in hook.get('modules', ['backbone'])
    ]


def scoring(
    model: nn.Module, config: Config, setting: RunSetting, num_clips: int
) -> Work:
    """Give a function that scores clips by the config's test evaluator."""
    _, samples = setting.clips(model, num_clips)
    source = torch.Generator().manual_seed(1)
    for sample in samples:
        shape = (setting.num_frames, model.out_channels, *setting.size)
        logits = torch.randn(shape, generator=source).to(setting.device)
        sample.seg_logits = FramePixelData(data=logits)
        sample.pred_sem_seg = FramePixelData(
            data=decide(logits, model.threshold)
        )
    entries = [sample.to_dict() for sample in samples]
    metrics = []
    for cfg in evaluators_of(config):
        # nothing is written
        kept = {k: v for k, v in cfg.items() if not k.endswith('_dir')}
        metrics.append(METRICS.build(kept))
        names = tuple(map(str, range(model.num_classes)))
        metrics[-1].dataset_meta = dict(classes=names)

    def run() -> None:
        for metric in metrics:
            metric.process({}, entries)
            metric.results.clear()

    return run


def parts_of(model: nn.Module) -> Dict[str, List[nn.Module]]:
    """The called modules of each part of an AVSegmentor."""
    parts = {}
    for name in PARTS:
        part = getattr(model, name)
        modules = part if isinstance(part, nn.ModuleList) else [part]
        parts[name] = [module for module in modules if module is not None]
    return {name: modules for name, modules in parts.items() if modules}


def kinds_of(names: Iterable[str]) -> Dict[str, List[str]]:
    """Group names of modules that differ in nothing but indices.

    >>> kinds_of(['head.layers.0.attn', 'head.layers.1.attn', 'neck'])
    {'head.layers.*.attn x 2': ['head.layers.0.attn', 'head.layers.1.attn'],
     'neck': ['neck']}
    """

    def pattern(name: str) -> List[str]:
        return ['*' if w.isdigit() else w for w in name.split('.')]

    kinds = {}
    for _, group in groupby(sorted(names, key=pattern), key=pattern):
        group = list(group)
        words = [set(at) for at in zip(*(n.split('.') for n in group))]
        name = '.'.join(at.pop() if len(at) == 1 else '*' for at in words)
        kinds[f'{name} x {len(group)}' if len(group) > 1 else name] = group
    return kinds


def module_calls(
    models: Dict[str, nn.Module],
    names: List[str],
    run: Work,
    setting: RunSetting,
) -> Dict[str, Work]:
    """Modules alone, called as inside the first model.

    Args:
        models (dict[str, Module]): By form.
        names (list[str]): Of the modules; those ``run`` does not call are
            left out.
        run (callable): Runs the first model.
        setting (RunSetting): Precision.

    Returns:
        dict[str, callable]: By form; each calls all modules in turn.
    """
    calls = _calls_inside(next(iter(models.values())), names, run)

    def call_all(model: nn.Module) -> Work:
        def work() -> None:
            with torch.no_grad(), setting.autocast():
                for name, args, kwargs in calls:
                    model.get_submodule(name)(*args, **kwargs)

        return work

    return {form: call_all(model) for form, model in models.items()}


def necks_of(model: nn.Module, changed: Sequence[str] = ()) -> List[str]:
    """Names of the necks of an AVSegmentor.

    Args:
        model (Module): Whose necks.
        changed (Sequence[str]): Only those that are, or hold, one of these
            modules; all of them unless any is given.
    """
    names = [f'neck.{i}' for i in range(len(model.neck))]
    inside = {'.'.join(name.split('.')[:2]) for name in changed}
    return [name for name in names if not changed or name in inside]


def neck_input(
    model: nn.Module, name: str, setting: RunSetting, num_clips: int
) -> AVFeatures:
    """What a neck is given inside a model."""
    run = forward_pass(model, setting, num_clips)
    ((_, (features,), _),) = _calls_inside(model, [name], run)
    return features


def neck_pass(
    neck: nn.Module,
    features: AVFeatures,
    setting: RunSetting,
    gradients: bool = False,
) -> Callable[[], List[Tensor]]:
    """Give a function that runs one neck alone.

    Args:
        neck (Module): Put into evaluation mode.
        features (AVFeatures): What it is given.
        setting (RunSetting): Precision.
        gradients (bool): Forward and backward, of a weighted sum of the
            fused maps (a plain sum of what a LayerNorm gives is constant).

    Returns:
        callable: Gives the maps and, with ``gradients``, those of the input.
    """

    neck.eval()

    def forward() -> List[Tensor]:
        with torch.no_grad(), setting.autocast():
            return list(neck(features).visual)

    if not gradients:
        return forward
    source = torch.Generator().manual_seed(1)
    weights = [
        torch.randn(x.shape, generator=source).to(x.device) for x in forward()
    ]

    def backward() -> List[Tensor]:
        given = [x.detach().requires_grad_() for x in features.visual]
        with setting.autocast():
            maps = neck(features._replace(visual=tuple(given))).visual
        sum((x * w).sum() for x, w in zip(maps, weights)).backward()
        neck.zero_grad(set_to_none=True)
        return [x.detach() for x in maps] + [x.grad for x in given]

    return backward


def _calls_inside(
    model: nn.Module, names: Iterable[str], run: Work
) -> List[Tuple[str, tuple, dict]]:
    """Name, arguments and keywords of the calls of modules in one run."""
    calls, handles = [], []
    for name in names:

        def keep(module, args, kwargs, name=name):
            calls.append((name, args, kwargs))

        module = model.get_submodule(name)
        handles.append(
            module.register_forward_pre_hook(keep, with_kwargs=True)
        )
    run()
    for handle in handles:
        handle.remove()
    return calls
