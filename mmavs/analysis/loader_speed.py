"""How fast a config's loader is, and what takes the time."""

import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Tuple

import torch
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmavs.datasets.transforms import ForEachFrame
from mmavs.datasets.wrapped import unwrapped

DECODE = {
    'LoadFrame': 'image decode',
    'LoadImageFromFile': 'image decode',
    'LoadFrameMask': 'mask decode',
    'LoadAnnotations': 'mask decode',
}
STAGES = (
    'image decode',
    'mask decode',
    'sound',
    'other transforms',
    'packing',
)
SOUND_MODULES = (
    'mmavs.datasets.transforms.audio',
    'mmavs.datasets.transforms.loading',
    'mmavs.datasets.transforms.other_sound',
    'mmavs.datasets.transforms.waveform',
)


def nested(config) -> Iterator[ConfigDict]:
    """Yield every dict in a config."""
    if isinstance(config, dict):
        yield config
        for value in config.values():
            yield from nested(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from nested(value)


def use_cache(config, folder: Path, frames: bool) -> None:
    """Point the caches of a config to a folder."""
    for part in nested(config):
        if part.get('cache_dir') or (
            frames and part.get('type') == 'LoadFrame'
        ):
            part['cache_dir'] = str(folder)


def stage_of(transform) -> str:
    """Name the part of the work a transform does."""
    name = type(transform).__name__
    if type(transform).__module__ in SOUND_MODULES:
        return 'sound'
    if name == 'PackAVSInputs':
        return 'packing'
    return DECODE.get(name, 'other transforms')


def split_pipeline(pipeline) -> List[Tuple[str, Callable]]:
    """List (stage, step), with what ForEachFrame holds one by one."""
    steps = []
    for transform in pipeline:
        if isinstance(transform, ForEachFrame):
            share = transform.share_random_params
            steps += [
                (stage_of(inner), ForEachFrame([inner], share))
                for inner in transform.transforms
            ]
        else:
            steps.append((stage_of(transform), transform))
    return steps


def seconds_by_stage(dataset, num_clips: int) -> Dict[str, float]:
    """Measure the transforms of a data set in this process.

    Args:
        dataset (Dataset): As built; wrappers are looked through, of several
            data sets to the first.
        num_clips (int): The first ones, at most.

    Returns:
        dict[str, float]: Seconds a clip by stage (:data:`STAGES`).
    """
    dataset = unwrapped(dataset)[0]
    seconds = dict.fromkeys(STAGES, 0.0)
    steps = split_pipeline(dataset.pipeline.transforms)
    num_clips = min(num_clips, len(dataset))
    for index in range(num_clips):
        results = dataset.get_data_info(index)
        for stage, step in steps:
            start = time.perf_counter()
            results = step(results)
            seconds[stage] += time.perf_counter() - start
    return {stage: spent / num_clips for stage, spent in seconds.items()}


def clips_per_second(
    dataset, config: ConfigDict, num_clips: int, workers: int
) -> float:
    """Measure a DataLoader whose workers were started beforehand.

    Args:
        dataset (Dataset): As built.
        config (ConfigDict): The dataloader's; gives the batch size.
        num_clips (int): The first ones, at most.
        workers (int): Processes; 0 loads in this one.

    Returns:
        float: Clips a second.
    """
    batch_size = config.get('batch_size', 1)
    # the first batches, while workers start, do not count
    idle = 2 * batch_size * max(workers, 1)
    indices = list(range(min(num_clips, len(dataset))))
    loader = DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=indices[:1] * idle + indices,
        num_workers=workers,
        collate_fn=pseudo_collate,
        worker_init_fn=one_thread,
    )
    seen, start = 0, 0.0
    for batch in loader:
        seen += len(batch['data_samples'])
        if seen == idle:
            start = time.perf_counter()
    return len(indices) / (time.perf_counter() - start)


def one_thread(_: int) -> None:
    """Keep a worker to one core, as training does."""
    torch.set_num_threads(1)
