"""One clip that is in memory, or in files, through a model."""

from pathlib import Path
from typing import Optional, Sequence, Union

import torch
from mmengine.dataset import pseudo_collate
from torch import nn

from mmavs.datasets.avs_dataset import IMG_SUFFIXES, list_images
from mmavs.structures import AVSDataSample

from .clip_pipeline import ClipPipeline, Picture, Sound


def inference_model(
    model: nn.Module,
    frames: Union[str, Path, Sequence[Picture]],
    audio: Optional[Sound] = None,
) -> AVSDataSample:
    """Segment one clip, exactly as a test on a data set does.

    Args:
        model (nn.Module): From :func:`~mmavs.apis.init_model`.
        frames (Sequence or str or Path): T pictures, one a second, each a
            file or an array (H, W, 3) uint8 BGR; or the folder that holds
            them, in the natural order of names.
        audio (str or Path or tuple, optional): Wav file, or ``(waveform,
            sample_rate)``: (S,) or (channels, S) float in [-1, 1], Hz. Second
            t goes with frame t. None for a model that cannot hear.

    Returns:
        AVSDataSample: On the CPU: ``pred_sem_seg`` (T, 1, H, W) and, where
        the model keeps or gives them, ``seg_logits`` and ``pred_instances``.

    Raises:
        FileNotFoundError: A picture or the sound is absent.
        ValueError: No pictures, too little sound, or damaged files.
    """
    pipeline = ClipPipeline(model.cfg)
    if isinstance(frames, (str, Path)):
        frames = _folder(Path(frames))
    if len(frames) == 0:
        raise ValueError('a clip needs at least one picture, got none')
    if audio is None:
        audio = silence_for(model, len(frames))
    prepared = [pipeline.prepare(frame, t) for t, frame in enumerate(frames)]
    return run_clips(model, [pipeline.pack(prepared, audio)])[0]


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
            'the model segments what sounds, but got no sound. Mend: give '
            'audio, a wav file or (waveform, sample_rate).'
        )
    return torch.zeros(16000 * num_seconds), 16000


def _folder(folder: Path) -> list:
    if not folder.is_dir():
        raise FileNotFoundError(
            f'folder of frames not found: {folder}. Mend: give a folder or a '
            'list of pictures; a video goes through AVSInferencer.'
        )
    pictures = list_images(folder)
    if not pictures:
        raise ValueError(
            f'no picture in {folder}. Mend: put one frame a second there, as '
            f'{IMG_SUFFIXES}.'
        )
    return pictures
