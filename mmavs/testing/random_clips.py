"""Clips of noise, to run any model on."""

from typing import Dict, List, Sequence, Tuple, Union

import torch
from torch import Tensor

from mmavs.structures import AVSDataSample, FramePixelData


def random_clips(
    model,
    num_clips: int,
    num_frames: int,
    size: Union[int, Tuple[int, int]],
    audio_shape: Sequence[int] = (1, 96, 64),
    device: str = 'cpu',
) -> Tuple[Dict[str, Tensor], List[AVSDataSample]]:
    """Random frames, sound and labels of every frame, the same each time.

    Args:
        model (AVSegmentor): Says whether there is sound, and how many classes.
        num_clips (int): B.
        num_frames (int): T.
        size (int or tuple[int, int]): H and W in pixels.
        audio_shape (Sequence[int]): One second's sound as the audio encoder
            takes it; a log-mel example by default.
        device (str): Where the tensors are.

    Returns:
        tuple: Inputs of :class:`AVSegmentor`, ``imgs`` (B, T, 3, H, W) and
        ``audio`` (B, T, ...), and B samples with ``gt_sem_seg`` and, for
        heads that find instances, ``gt_category_map``.
    """
    source = torch.Generator().manual_seed(0)
    shape = (num_clips, num_frames)
    extent = (size, size) if isinstance(size, int) else tuple(size)
    inputs = dict(imgs=torch.randn(*shape, 3, *extent, generator=source))
    if model.audio_encoder is not None:
        inputs['audio'] = torch.randn(*shape, *audio_shape, generator=source)
    samples = []
    for index in range(num_clips):
        sample = AVSDataSample(
            metainfo=dict(
                clip_id=str(index),
                num_frames=num_frames,
                labeled_frames=list(range(num_frames)),
                max_label=model.num_classes - 1,
                img_path=[''] * num_frames,
                img_shape=extent,
                ori_shape=extent,
            )
        )
        labels = torch.randint(
            model.num_classes, (num_frames, 1, *extent), generator=source
        )
        # what sounds is of the first two categories, for instance heads
        kinds = labels * torch.randint(1, 3, labels.shape, generator=source)
        sample.gt_sem_seg = FramePixelData(data=labels.to(device))
        sample.gt_category_map = FramePixelData(data=kinds.to(device))
        samples.append(sample)
    return {key: value.to(device) for key, value in inputs.items()}, samples
