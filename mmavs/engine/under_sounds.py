"""A test under several sounds: one model, one pass over the clips for each."""

import copy
import json
from pathlib import Path
from typing import Dict, List, Sequence

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import barrier, is_main_process
from mmengine.hooks import LoggerHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from prettytable import PrettyTable

from mmavs.audio.sounds import FITTING, FROM_OTHERS, UNFITTING
from mmavs.datasets.find_clips import find_clips
from mmavs.datasets.heard import hear, sound_transforms
from mmavs.datasets.test_clips import check_names
from mmavs.datasets.unmatching import are_known, clip_contents
from mmavs.datasets.wrapped import unwrapped
from mmavs.engine.hooks.visualization_hook import as_log_mel
from mmavs.engine.run_config import innermost_datasets
from mmavs.evaluation.functional.robustness import robustness
from mmavs.evaluation.metrics import AudioSensitivityMetric
from mmavs.evaluation.metrics.clip_metric import ClipMetric
from mmavs.files.whole_files import write_picture, write_text
from mmavs.media.picture_files import read_picture
from mmavs.visualization.sheets import stack

COLUMNS = ('J', 'F', 'FPR', 'silent_mIoU', 'RA')
FILE = 'sounds.json'


def add_sensitivity(evaluators: List[dict]) -> None:
    """Let a test also say how much is segmented.

    Args:
        evaluators (list[dict]): Of a config; changed in place.

    Raises:
        ValueError: None of them gives J and F.
    """
    kinds = [evaluator['type'].split('.')[-1] for evaluator in evaluators]
    scored = [
        evaluator
        for kind, evaluator in zip(kinds, evaluators)
        if kind in ('AVSMetric', 'AVSSMetric')
        and not evaluator.get('format_only')
    ]
    if not scored:
        raise ValueError(
            f'sounds are compared by J and F, but the test_evaluators are '
            f'{kinds}. Fix: give them an AVSMetric, or an AVSSMetric, that '
            'scores (format_only=False)'
        )
    evaluators.append(dict(type='AudioSensitivityMetric'))


def run_under_sounds(
    runner: Runner, sounds: Sequence[str], seed: int = 0, show_worst: int = 0
) -> dict:
    """Test a model under each sound.

    On several ranks each pass is shared among them, as any test.

    Args:
        runner (Runner): With ``AudioSensitivityMetric`` among its metrics,
            see :func:`add_sensitivity`.
        sounds (Sequence[str]): Words of :data:`mmavs.audio.sounds.SOUNDS`.
        seed (int): Of the draw of other clips' sounds.
        show_worst (int): Draw so many clips a sound into the log's folder.

    Returns:
        dict: ``clips`` (their number), ``sounds``: sound -> figures in
        percent, ``contents_known``: whether it was known what clips show,
        and ``robustness``, see
        :func:`~mmavs.evaluation.functional.robustness.robustness`.

    Raises:
        ValueError: A clip has no sound that does not fit it, or, if clips are
            to be drawn, two have one name.
    """
    dataset = runner.test_loop.dataloader.dataset
    if show_worst:
        check_names(dataset)
    contents = clip_contents(dataset) if {*sounds} & {*FROM_OTHERS} else {}
    changes = sound_transforms(contents, sounds, seed)
    loaders = {sound: _loader(runner, changes[sound]) for sound in sounds}
    loggers = [h for h in runner.hooks if isinstance(h, LoggerHook)]
    figures = {}
    runner.call_hook('before_run')
    for sound, loader in loaders.items():
        runner.test_loop.dataloader = loader
        for hook in loggers:  # a file of figures for each
            hook.json_log_path = f'{runner.timestamp}_{sound}.json'
        runner.logger.info(f'sound: {sound}')
        figures[sound] = _figures(runner, sound, runner.test_loop.run())
        if show_worst and is_main_process():
            _draw_worst(runner, loader.dataset, sound, show_worst)
        barrier()
    runner.call_hook('after_run')
    result = dict(clips=len(dataset), sounds=figures)
    if contents:
        result['contents_known'] = are_known(contents)
    return dict(result, robustness=robustness(figures))


def report(runner: Runner, result: dict) -> str:
    """Write ``sounds.json`` into the log's folder, and draw the table.

    Args:
        runner (Runner): Of the test.
        result (dict): From :func:`run_under_sounds`.

    Returns:
        str: Of the main process: clips, table, robustness, file.
    """
    path = Path(runner.log_dir) / FILE
    write_text(path, json.dumps(result, indent=1) + '\n')
    table = PrettyTable(['sound', *COLUMNS])
    for sound, figures in result['sounds'].items():
        cells = [figures.get(key) for key in COLUMNS]
        table.add_row(
            [sound, *('-' if c is None else f'{c:.2f}' for c in cells)]
        )
    lines = [f'{result["clips"]} clips', table.get_string()]
    if result['robustness'] is not None:
        lines.append(f'robustness: {result["robustness"]:.2f}')
    if not result.get('contents_known', True):
        lines.append(
            'what the clips show is not known here, so offscreen and mix took '
            "any other clip's sound"
        )
    return '\n'.join([*lines, f'figures: {path}'])


def _loader(runner: Runner, transforms: Sequence[dict]):
    """Build the test's loader anew, with a sound; no worker starts yet."""
    config = copy.deepcopy(runner.cfg.test_dataloader)
    for part in innermost_datasets(config['dataset']):
        part['pipeline'] = hear(part['pipeline'], *transforms)
    config['persistent_workers'] = False  # each is used once
    return runner.build_dataloader(config, seed=runner.seed)


def _metric(runner: Runner, kind: type):
    """Give the first metric of a kind that scores."""
    return next(
        m
        for m in runner.test_evaluator.metrics
        if isinstance(m, kind) and not getattr(m, 'format_only', False)
    )


def _figures(runner: Runner, sound: str, scores: dict) -> Dict[str, float]:
    """Name what is known under a sound; FPR only where nothing fits."""
    prefix = _metric(runner, ClipMetric).prefix
    prefix = f'{prefix}/' if prefix else ''
    figures = dict(J=scores[f'{prefix}mIoU'], F=scores[f'{prefix}mFscore'])
    for name, key in (('mIoU', 'J'), ('mFscore', 'F')):
        start = f'{prefix}{name}_'  # of groups of clips
        figures.update(
            {
                f'{key}_{group.removeprefix(start)}': value
                for group, value in scores.items()
                if group.startswith(start)
            }
        )
    if f'{prefix}I' in scores:
        figures['I'] = scores[f'{prefix}I']
    figures['sounding'] = scores['FPR']
    if sound in UNFITTING:
        figures.update({k: scores[k] for k in ('FPR', 'silent_mIoU', 'RA')})
    return figures


def _draw_worst(runner: Runner, dataset, sound: str, count: int) -> None:
    """Draw the clips of lowest J, or with most pixels where none should be."""
    kind, key, sign = AudioSensitivityMetric, 'FPR', -1
    if sound in FITTING:
        kind, key, sign = ClipMetric, 'J', 1
    rows = sorted(_metric(runner, kind).per_clip, key=lambda r: sign * r[key])
    rows = rows[:count]
    places = find_clips(unwrapped(dataset), [row['clip_id'] for row in rows])
    pictures = [
        _draw(runner, part[index], f'{row["clip_id"]}: {key} {row[key]:.1f}')
        for (part, index), row in zip(places, rows)
    ]
    path = Path(runner.log_dir) / f'worst_{sound}.png'
    write_picture(path, stack(pictures)[..., ::-1])
    runner.logger.info(f'the worst clips under {sound}: {path}')


@torch.no_grad()
def _draw(runner: Runner, packed: dict, title: str) -> np.ndarray:
    """Predict one clip once more, and draw it."""
    model = runner.model
    model = model.module if is_model_wrapper(model) else model
    batch = pseudo_collate([packed])
    sample = model.test_step(batch)[0]
    inputs = batch['inputs']
    if isinstance(inputs, (list, tuple)):  # views, the plain one first
        inputs = inputs[0]
    log_mel = None
    if inputs.get('audio') is not None:
        log_mel = as_log_mel(inputs['audio'][0])
    images = [read_picture(p)[..., ::-1] for p in sample.img_path]
    return runner.visualizer.draw_clip(images, sample, log_mel, title)
