"""Predictions dumped by ``DumpResults``, read without running code."""

from pathlib import Path
from typing import List, Union

import numpy as np
import torch
from mmengine.structures import InstanceData

from mmavs.compat.numpy_pickles import STAND_INS
from mmavs.compat.unpickling import Names, RestrictedUnpickler


def read_dump(path: Union[str, Path]) -> List[dict]:
    """Read a ``.pkl`` of ``tools/test.py --dump``.

    A pickle can run any code when it is opened. This reader knows tensors,
    arrays, numbers, strings, plain containers and InstanceData (which holds
    such), and refuses the rest.

    Args:
        path (str or Path): Made by mmengine's ``DumpResults``.

    Returns:
        list[dict]: One per clip, as :meth:`AVSDataSample.to_dict` gives it;
        at least one has ground truth.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is truncated, asks for anything else, or does not
            hold clips that can be scored.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'dump not found: {path}. Fix: make one with tools/test.py '
            'CONFIG CHECKPOINT --dump FILE.pkl'
        )
    try:
        with path.open('rb') as file:
            clips = RestrictedUnpickler(file, _plain_names()).load()
    except Exception as error:
        # damaged pickles raise about any kind of error
        raise ValueError(
            f'{path} is not a dump that can be read safely '
            f'({type(error).__name__}: {error}). {_FIX}'
        ) from error
    if not isinstance(clips, list) or not all(
        isinstance(clip, dict) for clip in clips
    ):
        raise ValueError(f'{path} does not hold a list of clips. {_FIX}')
    for number, clip in enumerate(clips):
        try:
            _check_clip(clip)
        except ValueError as error:
            raise ValueError(
                f'{path}, clip {clip.get("clip_id", f"number {number}")}: '
                f'{error}. {_FIX}'
            ) from None
    if not any('gt_sem_seg' in clip for clip in clips):
        what = f'{len(clips)} clips, none with' if clips else 'no clips, nor'
        raise ValueError(f'{path} holds {what} ground truth. {_FIX}')
    return clips


_FIX = 'Fix: make it again with tools/test.py --dump, on a split with masks'


def _check_clip(clip: dict) -> None:
    """Look at what the metrics will read; arrays become tensors.

    Raises:
        ValueError: Saying what is wrong with it.
    """
    shapes = {}
    for field in ('gt_sem_seg', 'pred_sem_seg', 'seg_logits'):
        if field not in clip:
            continue
        held = clip[field]
        data = held.get('data') if isinstance(held, dict) else None
        if isinstance(data, np.ndarray) and data.dtype.kind in 'biuf':
            data = torch.from_numpy(data)
            clip[field] = dict(held, data=data)
        if not isinstance(data, torch.Tensor) or data.ndim != 4:
            raise ValueError(f'its {field} is not a tensor (T, C, H, W)')
        scores = field == 'seg_logits'
        if data.is_floating_point() != scores:
            raise ValueError(f'its {field} is {data.dtype}')
        shapes[field] = tuple(data.shape)
    predicted = shapes.get('seg_logits') or shapes.get('pred_sem_seg')
    if predicted is None:
        raise ValueError('it holds neither seg_logits nor pred_sem_seg')
    for field, shape in shapes.items():
        if (shape[0], *shape[2:]) != (predicted[0], *predicted[2:]):
            raise ValueError(
                f'its {field} is {shape}, its prediction {predicted}; frames '
                'and size must be the same'
            )
    classes = clip.get('classes', ())
    if not isinstance(classes, (tuple, list)):
        raise ValueError(f'its classes are {classes!r}')
    if not isinstance(clip.get('sample_idx', 0), (int, type(None))):
        raise ValueError(f'its sample_idx is {clip["sample_idx"]!r}')


def _plain_names() -> Names:
    """List what a dump holds beside tensors, by NumPy's old and new names."""
    known: Names = {
        **STAND_INS,
        ('torch', 'Size'): torch.Size,
        ('mmengine.structures.instance_data', 'InstanceData'): InstanceData,
    }
    for module in ('__builtin__', 'builtins'):
        known[module, 'set'] = set  # InstanceData names its fields in one
    return known
