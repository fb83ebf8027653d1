r"""Seconds and memory of a model, alone or against its textbook form.

    python tools/analysis_tools/benchmark.py CONFIG [--against naive] \
        [--clips 1] [--train-clips 2] [--size 224] [--threads 2]
        [--stages forward training]

``--against naive`` builds the model a second time with equal weights, where
every module that has a textbook form (mmavs.testing.naive) computes by the
equation of its paper with every intermediate tensor whole. Both get random
frames and sound; their logits are compared first.

Seconds are medians of runs that alternate between the two in one process.
Memory is the peak above the weights, in a fresh process each: on a CPU
resident memory (Linux), on a GPU what PyTorch's allocator handed out. A
training step is forward, losses, backward and optimizer step; what the config
freezes for good (FreezeBackboneHook with num_epochs=None) stays frozen.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from typing import Callable, List, Optional, Tuple

import torch
from mmengine.config import Config, DictAction
from mmengine.registry import OPTIMIZERS
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.registry import MODELS
from mmavs.testing.naive import naive_copy
from mmavs.testing.random_clips import random_clips
from mmavs.utils import register_all_modules
from mmavs.utils.measure import interleave, peak_memory
from mmavs.utils.run_config import drop_pretrained, load_config

FORMS = ('mmavs', 'naive')
STAGES = ('forward', 'training step')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('config', help='config file; weights are random')
    add('--against', choices=('naive',), help='compare with this form')
    add('--clips', type=int, default=1, help='batch of the forward pass')
    add('--train-clips', type=int, default=2, help='of a training step')
    add('--frames', type=int, help='T; by default as the config pads, or 5')
    add('--size', type=int, default=224, help='side of a frame in pixels')
    add(
        '--audio-shape',
        type=int,
        nargs='+',
        default=[1, 96, 64],
        help="one second's sound as the encoder takes it; log-mel by default",
    )
    add('--repeats', type=int, default=5, help='timed forward runs of each')
    add('--train-repeats', type=int, default=2, help='timed training steps')
    add(
        '--stages',
        nargs='+',
        choices=('forward', 'training'),
        default=['forward', 'training'],
        help='what is measured',
    )
    add('--threads', type=int, default=2, help='CPU threads')
    add('--device', default='cpu', help='cpu or cuda')
    add('--out', help='also write the figures to this json file')
    add('--cfg-options', nargs='+', action=DictAction)
    # what the fresh processes are started with
    add('--probe', nargs=2, metavar=('FORM', 'STAGE'), help=argparse.SUPPRESS)
    return parser.parse_args()


def build(config: Config, form: str) -> Tuple[nn.Module, List[str]]:
    """Build the model in one form, always with the same random weights.

    Parameters that start at zero are drawn as well: behind a zero scale the
    two forms could not differ.
    """
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(std=0.1)
    return (model, []) if form == 'mmavs' else naive_copy(model)


def clips(model: nn.Module, num_clips: int, args) -> tuple:
    """Noise for the model, as the command line wants it."""
    shape = (num_clips, args.frames, args.size, args.audio_shape)
    return random_clips(model, *shape, args.device)


def forward_pass(model: nn.Module, args) -> Callable[[], Tensor]:
    """Give a function that runs the network on ``--clips`` clips."""
    inputs, _ = clips(model, args.clips, args)

    def run() -> Tensor:
        model.eval()
        with torch.no_grad():
            return model.encode_decode(inputs).logits

    return run


def training_step(model: nn.Module, config: Config, args) -> Callable:
    """Give a function that trains on ``--train-clips`` clips."""
    inputs, samples = clips(model, args.train_clips, args)
    frozen = freeze(model, config)
    cfg = dict(config.optim_wrapper.optimizer)
    cfg['params'] = [p for p in model.parameters() if p.requires_grad]
    optimizer = OPTIMIZERS.build(cfg)

    def run() -> None:
        model.train()
        for module in frozen:
            module.eval()
        losses = model.loss(inputs, samples)
        sum(value for key, value in losses.items() if 'loss' in key).backward()
        optimizer.step()
        optimizer.zero_grad()

    return run


def freeze(model: nn.Module, config: Config) -> List[nn.Module]:
    """Freeze what the config's hook freezes for good."""
    return [
        getattr(model, name).requires_grad_(False)
        for hook in config.get('custom_hooks', [])
        if hook.type == 'FreezeBackboneHook' and hook.num_epochs is None
        for name in hook.get('modules', ['backbone'])
    ]


def probe(config: Config, args: argparse.Namespace) -> None:
    """Print the peak memory of one form and stage; run in a fresh process."""
    form, stage = args.probe
    model, _ = build(config, form)
    model.to(args.device)
    if stage == 'forward':
        work = forward_pass(model, args)
    else:
        work = training_step(model, config, args)
    # what libraries load once does not count: run once on frames of 64 px
    small = argparse.Namespace(**dict(vars(args), size=64, clips=1))
    forward_pass(model, small)()
    print(json.dumps(peak_memory(work, torch.device(args.device))))


def measure_memory(form: str, stage: str) -> int:
    """Bytes above the weights, measured in a fresh process."""
    # Freed blocks go back to the system at once, so that resident memory is
    # what is held.
    env = dict(
        os.environ, MALLOC_MMAP_THRESHOLD_='262144', MALLOC_ARENA_MAX='1'
    )
    done = subprocess.run(
        [sys.executable, *sys.argv, '--probe', form, stage],
        env=env,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(
            f'measuring the {stage} of {form} failed:\n{done.stderr[-2000:]}'
        )
    return json.loads(done.stdout.strip().splitlines()[-1])


def measure_seconds(config: Config, args) -> Tuple[dict, List[str], float]:
    """Medians of seconds by row and form, changed modules, difference."""
    device = torch.device(args.device)
    forms = FORMS if args.against else FORMS[:1]
    models, changed = {}, []
    for form in forms:
        models[form], changed = build(config, form)
        models[form].to(device)
    rows = {
        STAGES[0]: {f: forward_pass(m, args) for f, m in models.items()},
    }
    logits = {form: work() for form, work in rows[STAGES[0]].items()}
    difference = 0.0
    if args.against:
        ours, theirs = (logits[form].double() for form in FORMS)
        difference = float((ours - theirs).abs().max() / theirs.abs().max())
        rows.update(module_calls(models, changed, rows[STAGES[0]]['mmavs']))
    if 'forward' not in args.stages:
        rows.clear()
    if 'training' in args.stages:
        rows[STAGES[1]] = {
            f: training_step(m, config, args) for f, m in models.items()
        }
    seconds = {}
    for row, works in rows.items():
        repeats = args.train_repeats if row == STAGES[1] else args.repeats
        runs = interleave(works, repeats, device)
        seconds[row] = {f: statistics.median(r) for f, r in runs.items()}
    return seconds, changed, difference


def module_calls(models: dict, changed: List[str], run: Callable) -> dict:
    """Each changed module alone, on what it gets inside the model."""
    given, handles = {}, []
    for name in changed:
        module = models['mmavs'].get_submodule(name)

        def keep(module, args, kwargs, name=name):
            given[name] = (args, kwargs)

        handles.append(
            module.register_forward_pre_hook(keep, with_kwargs=True)
        )
    run()
    for handle in handles:
        handle.remove()

    def call(module: nn.Module, name: str) -> Callable:
        def work():
            with torch.no_grad():
                return module(*given[name][0], **given[name][1])

        return work

    rows = {}
    for name in changed:
        shapes = [
            tuple(a.shape) for a in given[name][0] if hasattr(a, 'shape')
        ]
        rows[f'{name} {shapes[0] if shapes else ""}'] = {
            form: call(model.get_submodule(name), name)
            for form, model in models.items()
        }
    return rows


def report(seconds: dict, memory: dict, against: Optional[str]) -> Table:
    """Lay the figures out, with ratios naive / mmavs."""
    table = Table(title='lower is better; ratio = naive / mmavs')
    table.add_column('what')
    for column in ('mmavs', 'naive', 'ratio')[: 3 if against else 1]:
        table.add_column(column, justify='right')
    rows = [(name, 's', '.4f', 1, v) for name, v in seconds.items()]
    rows += [
        (f'{name}: peak', 'MB', '.0f', 1e-6, v) for name, v in memory.items()
    ]
    for name, unit, form, scale, values in rows:
        cells = [f'{values[f] * scale:{form}} {unit}' for f in values]
        if against:
            ours, theirs = (values[form] for form in FORMS)
            cells.append(f'{theirs / ours:.2f}' if ours else '-')
        table.add_row(name, *cells)
    return table


def main() -> None:
    """Measure."""
    args = parse_args()
    register_all_modules()
    torch.set_num_threads(args.threads)
    config = load_config(args.config, args.cfg_options)
    drop_pretrained(config._cfg_dict)
    padded = (config.model.get('data_preprocessor') or {}).get('num_frames')
    args.frames = args.frames or padded or 5
    if args.probe:
        probe(config, args)
        return
    seconds, changed, difference = measure_seconds(config, args)
    forms = FORMS if args.against else FORMS[:1]
    stages = [s for s in STAGES if s.split()[0] in args.stages]
    memory = {s: {f: measure_memory(f, s) for f in forms} for s in stages}
    if args.against:
        print(f'textbook forms: {", ".join(changed) or "none"}')
        print(f'largest difference of logits: {difference:.2e} of the largest')
    Console().print(report(seconds, memory, args.against))
    if args.out:
        figures = dict(seconds=seconds, bytes=memory, difference=difference)
        with open(args.out, 'w') as file:
            json.dump(figures, file, indent=2)


if __name__ == '__main__':
    main()
