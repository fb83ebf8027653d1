"""Predictions dumped by ``DumpResults``, read without running code."""

import pickle
from pathlib import Path
from typing import List, Union

import numpy as np
import torch
from mmengine.structures import InstanceData

from mmavs.utils.unpickling import Names, RestrictedUnpickler

_MULTIARRAY = (getattr(np, '_core', None) or np.core).multiarray


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


def _latin1(text: str, encoding: str) -> bytes:
    """Stand in for ``_codecs.encode``, with which old pickles write bytes."""
    if encoding != 'latin1':
        raise pickle.UnpicklingError(f'refused: encoding {encoding}')
    return text.encode('latin1')


def _plain_names() -> Names:
    """List what a dump holds beside tensors, by NumPy's old and new names."""
    known: Names = {
        ('_codecs', 'encode'): _latin1,
        ('torch', 'Size'): torch.Size,
        ('numpy', 'ndarray'): np.ndarray,
        ('numpy', 'dtype'): np.dtype,
        ('mmengine.structures.instance_data', 'InstanceData'): InstanceData,
    }
    for module in ('__builtin__', 'builtins'):
        known[module, 'set'] = set  # InstanceData names its fields in one
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        known[module, '_reconstruct'] = _MULTIARRAY._reconstruct
        known[module, 'scalar'] = _MULTIARRAY.scalar
    return known
