"""Checkpoints that cannot run code."""

import os
import re
from typing import Any, Optional


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


def _latin1(text: str, encoding: str) -> bytes:
    """Stand in for ``_codecs.encode``, which gives NumPy's numbers bytes.

    PyTorch before 2.5 does not know that checkpoints need it.
    """
    if encoding == 'latin1':
        return text.encode('latin1')
    raise ValueError(f'refused: the checkpoint asks for encoding {encoding!r}')


_latin1.__module__ = '_codecs'
_latin1.__name__ = _latin1.__qualname__ = 'encode'


def safe_globals() -> list:
    """The few harmless classes an mmengine checkpoint holds."""
    import numpy as np
    from mmengine.logging import HistoryBuffer

    core = getattr(np, '_core', None) or np.core
    dtypes = [
        type(np.dtype(t))
        for t in (
            'bool',
            'int8',
            'uint8',
            'int16',
            'int32',
            'int64',
            'float16',
            'float32',
            'float64',
        )
    ]
    return [
        HistoryBuffer,
        _history_methods,
        _latin1,
        np.ndarray,
        np.dtype,
        core.multiarray._reconstruct,
        core.multiarray.scalar,
        *dtypes,
    ]


def load_checkpoint(filename: str, map_location: Optional[Any] = 'cpu'):
    """Read a checkpoint file without running code from it.

    Args:
        filename (str): A ``.pth`` / ``.pt`` file on disk, or its URL.
        map_location (str or torch.device or callable, optional): As in
            :func:`torch.load`. Defaults to ``'cpu'``.

    Returns:
        dict: What the file holds.

    Raises:
        FileNotFoundError: There is no such file.
        RuntimeError: The file is empty, truncated, no checkpoint, or asks
            for anything but tensors and plain containers.
    """
    import torch

    if '://' in str(filename):
        return _load_from_url(str(filename), map_location)
    path = os.path.expanduser(str(filename))
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f'checkpoint not found: {path}. Mend: give the path of an '
            'existing .pth file, or train one with tools/train.py.'
        )
    try:
        checkpoint = torch.load(
            path, map_location=map_location, weights_only=True
        )
    except Exception as error:
        # The kinds torch raises here vary by version and by the damage.
        raise RuntimeError(
            f'{path} is not a checkpoint that can be read safely '
            f'({_reason(error)}). '
            'Mend: if the file is complete and yours, load it where you trust '
            'it and save {"state_dict": model.state_dict()} again.'
        ) from error
    if not isinstance(checkpoint, dict):
        raise RuntimeError(
            f'{path} holds a {type(checkpoint).__name__}, and a checkpoint '
            'is a dict. Mend: give a file that tools/train.py wrote.'
        )
    return checkpoint


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
    return f'{type(error).__name__}: {text}'.splitlines()[0]


def _load_from_url(
    filename: str,
    map_location: Optional[Any] = None,
    model_dir: Optional[str] = None,
    progress: bool = True,
):
    """Download once per machine, then read safely, for mmengine."""
    from urllib.parse import urlparse

    from mmengine.dist import barrier, get_local_rank
    from torch.hub import download_url_to_file, get_dir

    folder = model_dir or os.path.join(get_dir(), 'checkpoints')
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, os.path.basename(urlparse(filename).path))
    if get_local_rank() == 0 and not os.path.exists(path):
        download_url_to_file(filename, path, progress=progress)
    barrier()
    return _load_from_path(path, map_location)


def _load_from_path(filename: str, map_location: Optional[Any] = None):
    """Read for mmengine, without what its runner would execute.

    ``Runner.resume`` runs the text in ``meta['config']`` as Python, to look
    for a field of old versions; mmengine itself writes ``meta['cfg']``.
    """
    checkpoint = load_checkpoint(filename, map_location)
    if isinstance(checkpoint.get('meta'), dict):
        checkpoint['meta'].pop('config', None)
    return checkpoint


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
