"""Checkpoints that cannot run code."""

import io
import json
import math
import os
import re
import tarfile
import zipfile
from contextlib import nullcontext
from typing import Any, Optional, Union

from mmavs.error_text import first_line

from .downloads import cached


def _history_methods(owner: type, name: str) -> Any:
    """Stand in for ``builtins.getattr`` inside a checkpoint.

    mmengine pickles ``HistoryBuffer``'s four default statistics as
    ``getattr(HistoryBuffer, name)``. Exactly those are answered.
    """
    from mmengine.logging import HistoryBuffer

    if owner is HistoryBuffer and name in ('min', 'max', 'current', 'mean'):
        return HistoryBuffer.__dict__[name]
    raise ValueError(
        f'refused: the checkpoint asks for attribute {name!r} '
        f'of {owner!r}, which no weight file needs'
    )


# torch.load matches a global by "module.name"; this makes the stand-in, and
# not the builtin, the thing that name stands for.
_history_methods.__module__ = 'builtins'
_history_methods.__name__ = _history_methods.__qualname__ = 'getattr'


def safe_globals() -> list:
    """The few harmless classes an mmengine checkpoint holds."""
    from mmengine.logging import HistoryBuffer

    from .numpy_pickles import STAND_INS

    return [HistoryBuffer, _history_methods, *STAND_INS.values()]


def load_safely(file: Union[str, io.BytesIO], map_location: Any = 'cpu'):
    """Read what ``torch.save`` wrote, without running code from it.

    Args:
        file (str or io.BytesIO): A path, or the bytes themselves.
        map_location: As in :func:`torch.load`. Defaults to ``'cpu'``.

    Returns:
        Any: What the file holds.

    Raises:
        Exception: Of about any kind, with the reason: it is damaged, or asks
            for anything but tensors and plain containers.
    """
    import mmengine  # noqa: F401  (readies what a checkpoint may hold)
    import torch

    _check_archive(file)
    return torch.load(file, map_location=map_location, weights_only=True)


def _check_archive(file: Union[str, io.BytesIO]) -> None:
    """Refuse what ``torch.load`` would take on trust.

    It compares no checksums, unpacks whatever was packed, and before PyTorch
    2.6 ran code from tar archives.

    Raises:
        ValueError: Not as ``torch.save`` writes archives, or bits changed.
    """
    bytes_given = isinstance(file, io.BytesIO)
    with nullcontext(file) if bytes_given else open(file, 'rb') as stream:
        begin = stream.read(4)
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        if begin != b'PK\x03\x04':
            if tarfile.is_tarfile(stream):
                raise ValueError('refused: it is a tar archive')
        else:
            with zipfile.ZipFile(stream) as archive:
                entries = archive.infolist()
                if (
                    any(entry.compress_type for entry in entries)
                    or sum(entry.file_size for entry in entries) > size
                ):
                    raise ValueError('refused: it holds packed data')
                changed = archive.testzip()
            if changed:
                raise ValueError(f'refused: bits changed in {changed}')
        stream.seek(0)


def find_checkpoint(filename: str) -> str:
    """Say before the work that a checkpoint is not there.

    Args:
        filename (str): As for :func:`load_checkpoint`; a URL stays as it is.

    Returns:
        str: The path, without ``~``.

    Raises:
        FileNotFoundError: There is no such file.
    """
    if '://' in filename:
        return filename
    path = os.path.expanduser(filename)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f'checkpoint not found: {path}. Fix: give the path of an '
            'existing .pth file, or train one with tools/train.py.'
        )
    return path


def load_checkpoint(filename: str, map_location: Optional[Any] = 'cpu'):
    """Read a checkpoint file without running code from it.

    Args:
        filename (str): A ``.pth``, ``.pt`` or ``.safetensors`` file on disk,
            or its URL.
        map_location (str or torch.device or callable, optional): As in
            :func:`torch.load`; tensors of a ``.safetensors`` file come to
            the CPU.

    Returns:
        dict: What the file holds; of a ``.safetensors`` file ``state_dict``
        and, as ``meta``, its metadata.

    Raises:
        FileNotFoundError: There is no such file.
        RuntimeError: The file is empty, truncated, no checkpoint, or asks
            for anything but tensors and plain containers.
    """
    if '://' in str(filename):
        return _load_from_url(str(filename), map_location)
    path = find_checkpoint(str(filename))
    try:
        if path.endswith('.safetensors'):
            checkpoint = _load_safetensors(path)
        else:
            checkpoint = load_safely(path, map_location)
    except Exception as error:
        # The kinds torch raises here vary by version and by the damage.
        raise RuntimeError(
            f'{path} is not a checkpoint that can be read safely '
            f'({_reason(error)}). '
            'Fix: copy or download it again; if it is complete and yours, '
            'load it where you trust it and save '
            '{"state_dict": model.state_dict()} again.'
        ) from error
    if not isinstance(checkpoint, dict):
        raise RuntimeError(
            f'{path} holds a {type(checkpoint).__name__}, and a checkpoint '
            'is a dict. Fix: give a file that tools/train.py wrote.'
        )
    check_weights(checkpoint, path)
    return checkpoint


def _load_safetensors(path: str) -> dict:
    """Read tensors by name, and the texts beside them."""
    from safetensors import safe_open

    with safe_open(path, 'pt') as file:
        meta = dict(file.metadata() or {})
        if 'dataset_meta' in meta:  # of publish_model.py
            meta['dataset_meta'] = json.loads(meta['dataset_meta'])
        weights = {key: file.get_tensor(key) for key in file.keys()}
    return dict(state_dict=weights, meta=meta)


def check_weights(checkpoint: dict, path: str) -> None:
    """Refuse weights that no model can use.

    Args:
        checkpoint (dict): With ``state_dict``, or ``model`` as some code
            bases write, or weights alone.
        path (str): What errors call it.

    Raises:
        RuntimeError: They are not tensors by name, or NaN or infinite.
    """
    import torch

    named = [key for key in ('state_dict', 'model') if key in checkpoint]
    weights = checkpoint[named[0]] if named else checkpoint
    wrong = _wrong_kind(weights, whole='state_dict' in named)
    if wrong:
        raise RuntimeError(
            f'{path}: {" of ".join([wrong, *named[:1]])}, and weights are '
            'tensors by name. Fix: give a file that tools/train.py wrote.'
        )
    spoilt = [
        key
        for key, value in weights.items()
        if isinstance(value, torch.Tensor) and not _is_usable(value)
    ]
    if spoilt:
        raise RuntimeError(
            f'{path}: NaN or infinite numbers in {len(spoilt)} of '
            f'{len(weights)} tensors, {", ".join(spoilt[:5])}. Fix: take an '
            'earlier checkpoint; a training that ends so needs a lower '
            'learning rate or clipped gradients.'
        )


def _wrong_kind(weights: Any, whole: bool) -> Optional[str]:
    """Say what is not tensors by name; others may lie beside bare weights."""
    import torch

    if not isinstance(weights, dict):
        return f'a {type(weights).__name__} in place'
    for key, value in weights.items():
        if not isinstance(key, str):
            return f'the key {key!r}'
        plain = key.endswith('_extra_state') or not whole
        if not plain and not isinstance(value, torch.Tensor):
            return f'a {type(value).__name__} as {key}'
        if getattr(value, 'layout', None) not in (None, torch.strided):
            return f'a sparse tensor as {key}'
    return None


def _is_usable(value: Any) -> bool:
    """Whether a tensor is finite; masks of attention hold 0 and -inf."""
    import torch

    if not value.is_floating_point():
        return True
    if value.dtype.itemsize < 2:  # eight bits
        value = value.float()
    return bool(
        torch.isfinite(value).all()
        or ((value == 0) | (value == -math.inf)).all()
    )


def _reason(error: Exception) -> str:
    """Say what is wrong, without torch's advice to load it all the same."""
    text = str(error)
    refused = re.search(r'refused: .*', text)
    if refused:
        return refused[0]
    asked = re.search(r'GLOBAL ([\w.]+)', text)
    if asked:
        return f'refused: it asks for {asked[1]}, which no weight file needs'
    if text.startswith('Weights only'):
        return 'it is damaged or was not written by torch.save'
    return f'{type(error).__name__}: {first_line(error)}'


def _load_from_url(
    filename: str,
    map_location: Optional[Any] = None,
    model_dir: Optional[str] = None,
    progress: bool = True,
):
    """Download once per machine, then read safely, for mmengine."""
    path = str(cached(filename, model_dir, progress))
    try:
        return _load_from_path(path, map_location)
    except RuntimeError as error:
        raise RuntimeError(
            f'{error} It was downloaded from {filename}; without {path} it '
            'is downloaded again.'
        ) from error


def _load_from_path(filename: str, map_location: Optional[Any] = None):
    """Read for mmengine, without what its runner would execute.

    ``Runner.resume`` runs the text in ``meta['config']`` as Python, to look
    for a field of old versions; mmengine itself writes ``meta['cfg']``.
    """
    checkpoint = load_checkpoint(filename, map_location)
    if isinstance(checkpoint.get('meta'), dict):
        checkpoint['meta'].pop('config', None)
    return checkpoint


def _refuse_cloud(filename: str, map_location: Optional[Any] = None):
    raise RuntimeError(
        f'{filename} cannot be read safely. Fix: download it and give its '
        'path.'
    )


def _history_state(self) -> dict:
    """Pickle a HistoryBuffer by its numbers alone."""
    return {
        k: v for k, v in self.__dict__.items() if k != 'statistics_methods'
    }


def make_checkpoints_safe() -> None:
    """Make every mmengine loader of files and URLs use ``weights_only``."""
    import torch
    from mmengine.logging import HistoryBuffer
    from mmengine.runner import checkpoint

    HistoryBuffer.__getstate__ = _history_state
    torch.serialization.add_safe_globals(safe_globals())
    # the schemes of model zoos end in this one function
    checkpoint.load_from_http = _load_from_url
    loader = checkpoint.CheckpointLoader
    loader.register_scheme('', _load_from_path, force=True)
    loader.register_scheme(('http://', 'https://'), _load_from_url, force=True)
    # clouds of one company, whose loaders would run code
    clouds = ('pavi://', r'(\S+\:)?s3://', r'(\S+\:)?petrel://')
    loader.register_scheme(clouds, _refuse_cloud, force=True)
