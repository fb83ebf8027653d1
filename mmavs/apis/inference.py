"""One clip that is in memory, or in files, through a model."""

from pathlib import Path
from typing import Iterable, List, Optional, Sequence, Union

import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn

from mmavs.media.in_memory import (
    Picture,
    Sound,
    is_path,
    list_pictures,
    refuse_address,
)
from mmavs.media.listing import IMG_SUFFIXES, list_images
from mmavs.structures import AVSDataSample

from .clip_pipeline import ClipPipeline


def inference_model(
    model: nn.Module,
    frames: Union[str, Path, Iterable[Picture]],
    audio: Optional[Sound] = None,
) -> AVSDataSample:
    """Segment one clip, exactly as a test on a data set does.

    Args:
        model (nn.Module): From :func:`~mmavs.apis.init_model`; put into
            evaluation mode.
        frames (Iterable or str or Path): T pictures of one size, one per
            second, each a file, an array (H, W, 3) uint8 BGR, a tensor
            (3, H, W) uint8 RGB or a PIL picture; or the folder that holds
            them, in the natural order of names.
        audio (str or Path or tuple, optional): Sound file, or ``(waveform,
            sample_rate)``: array or tensor, (S,) or (channels, S) float in
            [-1, 1], Hz. Second t goes with frame t. None for a model that
            cannot hear.

    Returns:
        AVSDataSample: On the CPU: ``pred_sem_seg`` (T, 1, H, W) and, where
        the model keeps or gives them, ``seg_logits`` and ``pred_instances``.

    Raises:
        FileNotFoundError: A picture or the sound is absent.
        TypeError: Something that is neither a picture nor sound, or a model
            that ``init_model`` did not make.
        ValueError: No pictures, pictures of several sizes, too little sound,
            values out of range, or damaged files.
    """
    pipeline = ClipPipeline(config_of(model))
    if is_path(frames):
        frames = _folder(frames)
    frames = list_pictures(frames)
    if audio is None:
        audio = silence_for(model, len(frames))
    prepared = [pipeline.prepare(frame, t) for t, frame in enumerate(frames)]
    _check_sizes(prepared)
    model.eval()
    return run_clips(model, [pipeline.pack(prepared, audio)])[0]


def config_of(model: nn.Module) -> Config:
    """Give the config that a model was built from.

    Raises:
        TypeError: It was not built by ``init_model``.
    """
    config = getattr(model, 'cfg', None)
    if not isinstance(config, Config):
        raise TypeError(
            f'{type(model).__name__} does not know its config, which says how '
            'pictures and sound are prepared. Fix: build the model with '
            'mmavs.apis.init_model.'
        )
    return config


def run_clips(model: nn.Module, clips: Sequence[dict]) -> list:
    """Run packed clips as one batch; results come back to the CPU."""
    with torch.no_grad():
        samples = model.test_step(pseudo_collate(list(clips)))
    return [sample.cpu() for sample in samples]


def can_hear(model: nn.Module) -> bool:
    """Whether the model has an audio encoder."""
    return getattr(model, 'audio_encoder', None) is not None


def silence_for(model: nn.Module, num_seconds: int) -> Sound:
    """Stand in for the sound that a deaf model's pipeline still loads.

    Raises:
        ValueError: The model can hear, so silence would be a lie.
    """
    if can_hear(model):
        raise ValueError(
            'the model segments what sounds, but got no sound. Fix: give '
            'audio, a sound file or (waveform, sample_rate).'
        )
    return torch.zeros(16000 * num_seconds), 16000


def _check_sizes(prepared: Sequence[dict]) -> None:
    """Refuse frames that differ in size."""
    first = prepared[0]['ori_shape']
    for t, frame in enumerate(prepared):
        if frame['ori_shape'] != first:
            name = frame['img_path'] or f'picture {t} of the clip'
            (height, width), (rows, columns) = frame['ori_shape'], first
            raise ValueError(
                f'{name} is {width} x {height}, the first one {columns} x '
                f'{rows}. Fix: use pictures of one size.'
            )


def _folder(folder: Union[str, Path]) -> List[Path]:
    refuse_address(folder, 'picture')
    folder = Path(folder)
    if folder.is_file():
        raise ValueError(
            f'{folder} is a file, not a folder of frames. Fix: give a list of '
            'pictures; a video goes through AVSInferencer.'
        )
    if not folder.is_dir():
        raise FileNotFoundError(
            f'folder of frames not found: {folder}. Fix: give a folder or a '
            'list of pictures; a video goes through AVSInferencer.'
        )
    pictures = list_images(folder)
    if not pictures:
        raise ValueError(
            f'no picture in {folder}. Fix: put one frame per second there, as '
            f'{IMG_SUFFIXES}.'
        )
    return pictures
