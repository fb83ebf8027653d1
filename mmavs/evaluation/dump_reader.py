"""Predictions dumped by ``DumpResults``, read without running code."""

from pathlib import Path
from typing import List, Union

import torch
from mmengine.structures import InstanceData

from mmavs.compat.numpy_pickles import STAND_INS
from mmavs.utils.unpickling import Names, RestrictedUnpickler


def read_dump(path: Union[str, Path]) -> List[dict]:
    """Read a ``.pkl`` of ``tools/test.py --dump``.

    A pickle can run any code when it is opened. This reader knows tensors,
    arrays, numbers, strings, plain containers and InstanceData (which holds
    such), and refuses the rest.

    Args:
        path (str or Path): Made by mmengine's ``DumpResults``.

    Returns:
        list[dict]: One a clip, as :meth:`AVSDataSample.to_dict` gives it.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is truncated, asks for anything else, or holds no
            list of clips.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'dump not found: {path}. Mend: make one with tools/test.py '
            'CONFIG CHECKPOINT --dump FILE.pkl'
        )
    try:
        with path.open('rb') as file:
            clips = RestrictedUnpickler(file, _plain_names()).load()
    except Exception as error:
        # damaged pickles raise about any kind of error
        raise ValueError(
            f'{path} is no dump that can be read safely '
            f'({type(error).__name__}: {error}). Mend: make it again with '
            'tools/test.py --dump'
        ) from error
    if not isinstance(clips, list) or not all(
        isinstance(clip, dict) and 'gt_sem_seg' in clip for clip in clips
    ):
        raise ValueError(
            f'{path} holds no list of clips with ground truth. Mend: make it '
            'with tools/test.py --dump on a split with masks'
        )
    return clips


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
