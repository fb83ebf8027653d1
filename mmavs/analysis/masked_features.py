"""What a model knows of what it masks: features pooled under masks."""

from contextlib import contextmanager
from typing import Dict, Iterator, Optional, Tuple

import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.structures import AVSDataSample, mean_token


@contextmanager
def collect_features(model: nn.Module) -> Iterator[Dict[str, object]]:
    """Collect what enters a segmentor's head while it runs.

    Args:
        model (AVSegmentor): Hooks are removed at the end.

    Yields:
        dict: Filled by each run: ``visual``, tuple of maps (N, C, h, w),
        finest scale first, as all necks left them, and ``audio`` (N, D), what
        the audio encoder gave, a mean over its tokens; absent without one.
    """
    found: Dict[str, object] = {}

    def keep_visual(module, args):
        visual = getattr(args[0], 'visual', args[0])  # of stock heads: maps
        # heads may work in place
        found['visual'] = tuple(level.detach().clone() for level in visual)

    def keep_audio(module, args, output):
        audio = output.detach().float()
        found['audio'] = mean_token(audio.clone())

    handles = [model.decode_head.register_forward_pre_hook(keep_visual)]
    if model.audio_encoder is not None:
        handles.append(model.audio_encoder.register_forward_hook(keep_audio))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def pool_under_masks(features: Tensor, masks: Tensor) -> Tensor:
    """Average each frame's features over its mask.

    Args:
        features (Tensor): (T, C, h, w).
        masks (Tensor): (T, 1, H, W) bool, of the whole input. Brought to
            (h, w) by their mean, so that the smallest object counts.

    Returns:
        Tensor: (T, C), NaN where a mask is empty.
    """
    weights = F.adaptive_avg_pool2d(masks.float(), features.shape[-2:])
    total = (features * weights).sum((2, 3))
    return total / weights.sum((2, 3))


def sounding_masks(
    sample: AVSDataSample, size: Tuple[int, int], field: str = 'pred_sem_seg'
) -> Optional[Tensor]:
    """Give the masks of a clip as they lie on the network's input.

    Args:
        sample (AVSDataSample): A clip, predicted or labelled at the size of
            its input or of its files.
        size (tuple[int, int]): Height and width of the input, padding below
            and to the right included.
        field (str): ``pred_sem_seg``, or ``gt_sem_seg``, whose unlabelled
            pixels (255) are in no mask.

    Returns:
        Tensor or None: (T, 1, H, W) bool, any class but the background; None
        if the clip lacks the field.
    """
    if field not in sample:
        return None
    labels = sample.get(field).data
    masks = ((labels > 0) & (labels != 255)).float()
    masks = F.interpolate(masks, tuple(sample.img_shape[:2]))
    height, width = masks.shape[-2:]
    return F.pad(masks, (0, size[1] - width, 0, size[0] - height)) > 0
