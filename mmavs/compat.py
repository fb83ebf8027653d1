"""Every touch of mmavs on a foreign package, in one place.

========================  ==================================================
touch                     why
========================  ==================================================
stack checks              wrong versions, or two packages that install the
                          same import name, end in errors far from the cause
``mmcv.ops`` stand-in     mmseg 1.2.2 imports ``mmcv.ops``, which needs the
                          compiled ``mmcv._ext`` that mmcv-lite has not
safe checkpoint loading   mmengine 0.10.7 calls ``torch.load`` without
                          ``weights_only`` and cannot read its own files
                          under PyTorch 2.6 and newer
``HistoryBuffer`` state   mmengine pickles a table of bound methods into every
                          checkpoint, which no safe loader should accept
CPU ranks                 mmengine's launcher calls ``torch.cuda.set_device``
                          and hands ``device_ids`` to DDP without asking
package table             mmengine knows packages by a closed table; without
                          an entry ``_base_ = 'mmavs::...'`` fails
========================  ==================================================

``tests/test_compat.py`` holds one test per touch that fails once upstream
makes the touch unnecessary.
"""

import importlib
import importlib.util
import os
import sys
from importlib import metadata
from types import ModuleType
from typing import Any, Optional

MMCV_DISTRIBUTIONS = ('mmcv', 'mmcv-lite', 'mmcv-full', 'onedl-mmcv')
SUPPORTED = {
    # import name: (lowest, first unsupported, how to get it)
    'mmengine': ('0.10.7', '1.0.0', 'pip install mmengine==0.10.7'),
    'mmcv': ('2.0.0', '2.2.0', 'pip install "mmavs[lite]"'),
    'mmseg': ('1.2.2', '2.0.0', 'pip install mmsegmentation==1.2.2'),
    'torch': ('2.4.0', '3.0.0', 'pip install "torch>=2.4"'),
}
_MMCV_ADVICE = (
    'install exactly one: "mmavs[lite]" (mmcv-lite, no compiler '
    'needed) or "mmavs[full]" (mmcv with compiled operators)'
)


def prepare_stack() -> None:
    """Check the installed packages and apply every touch, once per process.

    Raises:
        ImportError: A package is absent, of an unsupported version, or
            installed twice under one import name.
    """
    check_stack()
    provide_mmcv_ops()
    register_package()
    make_checkpoints_safe()
    allow_cpu_ranks()


# --------------------------------------------------------------------------
# stack checks


def installed_mmcv() -> dict:
    """Return ``{distribution: version}`` of everything that installs mmcv."""
    found = {}
    for name in MMCV_DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def check_stack() -> None:
    """Name wrong versions and double installs before they do harm.

    Raises:
        ImportError: See :func:`prepare_stack`.
    """
    flavours = installed_mmcv()
    if len(flavours) > 1:
        names = ', '.join(f'{k} {v}' for k, v in flavours.items())
        raise ImportError(
            f'{names} are installed together and overwrite each other under '
            f'the import name "mmcv". Mend: pip uninstall -y '
            f'{" ".join(flavours)}, then {_MMCV_ADVICE}.'
        )
    for module, (low, high, mend) in SUPPORTED.items():
        if importlib.util.find_spec(module) is None:
            raise ImportError(
                f'mmavs needs {module} >={low},<{high}, which '
                f'is not installed. Mend: '
                f'{_MMCV_ADVICE if module == "mmcv" else mend}.'
            )
        check_version(module, _module_version(module), low, high, mend)


def check_version(
    name: str, version: str, low: str, high: str, mend: str
) -> None:
    """Raise ImportError unless ``low <= version < high``."""
    from packaging.version import Version

    if (
        not Version(low)
        <= Version(Version(version).base_version)
        < Version(high)
    ):
        raise ImportError(
            f'{name} {version} is installed; mmavs supports '
            f'>={low},<{high}. Mend: {mend}.'
        )


def _module_version(module: str) -> str:
    """Read a version without importing mmseg, which asserts on its own."""
    if module == 'mmseg':
        for name in ('mmsegmentation', 'onedl-mmsegmentation'):
            try:
                return metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
    return importlib.import_module(module).__version__


# --------------------------------------------------------------------------
# mmcv.ops without compiled operators


class _MissingExtension(ModuleType):
    """Answers for ``mmcv._ext``: any operator, each raising when called."""

    def __getattr__(self, name: str):
        if name.startswith('__'):
            raise AttributeError(name)

        def missing(*args, **kwargs):
            raise RuntimeError(
                f'The compiled operator "{name}" is not part of mmcv-lite. '
                'Mend: pip uninstall -y mmcv-lite, then pip install '
                '"mmavs[full]" (compiles mmcv 2.1.0; needs a C++ compiler '
                'and setuptools<82 with --no-build-isolation).'
            )

        return missing


def has_compiled_ops() -> bool:
    """Whether a full mmcv with compiled operators is installed."""
    return importlib.util.find_spec('mmcv._ext') is not None


def provide_mmcv_ops() -> None:
    """Import ``mmcv.ops`` once, with a stand-in for a missing ``mmcv._ext``.

    The stand-in leaves ``sys.modules`` right after: mmengine asks for the
    module's spec to learn whether a full mmcv is there.

    Raises:
        ImportError: ``mmcv.ops`` cannot be imported even so.
    """
    if 'mmcv.ops' in sys.modules:
        return
    if has_compiled_ops():
        importlib.import_module('mmcv.ops')
        return
    sys.modules['mmcv._ext'] = _MissingExtension('mmcv._ext')
    try:
        importlib.import_module('mmcv.ops')
    finally:
        del sys.modules['mmcv._ext']


# --------------------------------------------------------------------------
# mmengine's table of packages


def register_package() -> None:
    """Let ``_base_ = 'mmavs::...'`` and name look-ups find this package."""
    from mmengine.config.utils import MODULE2PACKAGE

    MODULE2PACKAGE.setdefault('mmavs', 'mmavs')


# --------------------------------------------------------------------------
# checkpoints that cannot run code


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
        RuntimeError: The file is truncated, no checkpoint, or asks for
            anything but tensors and plain containers.
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
        return torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:
        # The kinds torch raises here vary by version and by the damage.
        raise RuntimeError(
            f'{path} is not a checkpoint that can be read safely '
            f'({type(error).__name__}: {str(error).splitlines()[0]}). Mend: '
            'if the file is complete and yours, load it where you trust it '
            'and save {"state_dict": model.state_dict()} again.'
        ) from error


def _load_from_url(
    filename: str,
    map_location: Optional[Any] = None,
    model_dir: Optional[str] = None,
    progress: bool = True,
):
    """Download once per machine, then read safely."""
    from urllib.parse import urlparse

    from mmengine.dist import barrier, get_local_rank
    from torch.hub import download_url_to_file, get_dir

    folder = model_dir or os.path.join(get_dir(), 'checkpoints')
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, os.path.basename(urlparse(filename).path))
    if get_local_rank() == 0 and not os.path.exists(path):
        download_url_to_file(filename, path, progress=progress)
    barrier()
    return load_checkpoint(path, map_location)


def _load_from_path(filename: str, map_location: Optional[Any] = None):
    return load_checkpoint(filename, map_location)


def _history_state(self) -> dict:
    """Pickle a HistoryBuffer by its numbers alone."""
    return {
        k: v for k, v in self.__dict__.items() if k != 'statistics_methods'
    }


def make_checkpoints_safe() -> None:
    """Make every mmengine loader of files and URLs use ``weights_only``."""
    import torch
    from mmengine.logging import HistoryBuffer
    from mmengine.runner.checkpoint import CheckpointLoader

    HistoryBuffer.__getstate__ = _history_state
    torch.serialization.add_safe_globals(safe_globals())
    CheckpointLoader.register_scheme('', _load_from_path, force=True)
    CheckpointLoader.register_scheme(
        ('http://', 'https://'), _load_from_url, force=True
    )


# --------------------------------------------------------------------------
# distributed ranks without a GPU


def allow_cpu_ranks() -> None:
    """Let mmengine's pytorch launcher run gloo ranks on CPU.

    On a machine with a GPU nothing changes.
    """
    from mmengine.dist import utils as dist_utils
    from mmengine.model import MMDistributedDataParallel

    upstream = dist_utils._init_dist_pytorch
    if getattr(upstream, '_mmavs', False):
        return

    def init_dist(backend: str, init_backend: str = 'torch', **kwargs):
        import torch

        if torch.cuda.is_available():
            return upstream(backend, init_backend=init_backend, **kwargs)
        torch.distributed.init_process_group(backend='gloo', **kwargs)

    init_dist._mmavs = True
    dist_utils._init_dist_pytorch = init_dist

    upstream_init = MMDistributedDataParallel.__init__

    def init_ddp(self, module, *args, device_ids=None, **kwargs):
        if next(module.parameters()).device.type == 'cpu':
            device_ids = None
        upstream_init(self, module, *args, device_ids=device_ids, **kwargs)

    MMDistributedDataParallel.__init__ = init_ddp
