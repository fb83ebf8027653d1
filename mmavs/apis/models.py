"""Models by name: listed, found, built and loaded."""

from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path
from typing import Dict, List, Optional, Union

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import nn

import mmavs
from mmavs.registry import DATASETS, MODELS
from mmavs.utils import register_all_modules
from mmavs.utils.checkpoint import load_model_weights
from mmavs.utils.run_config import datasets


def resource_root() -> Path:
    """Find the folder that holds ``configs`` and ``model-index.yml``.

    Returns:
        Path: ``mmavs/.mim`` of an installed package, else the folder of the
        source tree.

    Raises:
        FileNotFoundError: Neither is complete.
    """
    package = Path(mmavs.__file__).resolve().parent
    for root in (package / '.mim', package.parent):
        if (root / 'configs').is_dir() and (root / 'model-index.yml').exists():
            return root
    raise FileNotFoundError(
        f'no configs beside {package}. Mend: install mmavs again '
        '("pip install ." or "pip install -e ." in the source tree).'
    )


def model_entries() -> Dict[str, dict]:
    """Read every model that the metafiles of ``model-index.yml`` name.

    Returns:
        dict[str, dict]: Name to entry (``Config``, ``Weights``, ...), in the
        order of the index.
    """
    import yaml

    root = resource_root()
    index = yaml.safe_load((root / 'model-index.yml').read_text('utf-8'))
    entries = {}
    for path in index.get('Import') or ():
        metafile = yaml.safe_load((root / path).read_text('utf-8'))
        for entry in metafile.get('Models') or ():
            entries[entry['Name']] = entry
    return entries


def list_models(pattern: str = '*') -> List[str]:
    """List models by name.

    Args:
        pattern (str): Shell-style, e.g. ``'avsac_*_ms3'``; a word without a
            wildcard finds every name that holds it. Defaults to all.

    Returns:
        list[str]: Names that :func:`init_model` and :class:`AVSInferencer`
        take.
    """
    if not any(sign in pattern for sign in '*?['):
        pattern = f'*{pattern}*'
    return [name for name in model_entries() if fnmatch(name, pattern)]


def find_config(name: Union[str, Path]) -> Path:
    """Find a config file.

    Args:
        name (str or Path): A file; a name of :func:`list_models`; a path
            below ``configs``; or the stem of a config file.

    Returns:
        Path: The file.

    Raises:
        FileNotFoundError: Nothing goes by that name; near names are listed.
    """
    if Path(name).is_file():
        return Path(name)
    root, name = resource_root(), str(name)
    entries = model_entries()
    if name in entries:
        return root / entries[name]['Config']
    configs = [
        path
        for path in sorted((root / 'configs').rglob('*.py'))
        if '_base_' not in path.parts
    ]
    for path in configs:
        below = path.relative_to(root / 'configs')
        if name in (path.stem, str(below), str(below.with_suffix(''))):
            return path
    known = [*entries, *(path.stem for path in configs)]
    near = get_close_matches(Path(name).stem, dict.fromkeys(known), n=3)
    hint = f' Did you mean {", ".join(near)}?' if near else ''
    raise FileNotFoundError(
        f'no config and no model named {name!r}.{hint} Mend: see '
        'mmavs.apis.list_models(), or give the path of a config file.'
    )


def init_model(
    config: Union[str, Path, Config],
    checkpoint: Optional[Union[str, Path]] = None,
    device: Optional[Union[str, torch.device]] = None,
    cfg_options: Optional[dict] = None,
) -> nn.Module:
    """Build a model, load its weights, make it ready to segment.

    Args:
        config (str or Path or Config): What :func:`find_config` takes, or a
            config that is loaded already.
        checkpoint (str or Path, optional): Weights, read without running
            code from the file; every tensor must fit. None leaves the
            weights random.
        device (str or torch.device, optional): Defaults to the first CUDA
            device if there is one, else to the CPU.
        cfg_options (dict, optional): Fields of the config to override.

    Returns:
        nn.Module: In evaluation mode, with ``cfg`` and ``dataset_meta``
        (``classes`` and ``palette``).

    Raises:
        FileNotFoundError: The config or the checkpoint is absent.
        RuntimeError: The checkpoint is of another model or unsafe to read,
            or the device is not there.
    """
    if not isinstance(config, Config):
        config = Config.fromfile(find_config(config))
    if cfg_options:
        config.merge_from_dict(cfg_options)
    device = pick_device(device)
    register_all_modules(init_scope=False)
    scope = config.get('default_scope') or 'mmavs'
    with DefaultScope.overwrite_default_scope(scope):
        model = MODELS.build(config.model)
        dataset_meta = _dataset_meta(config)
    if checkpoint is not None:
        meta = load_model_weights(model, str(checkpoint))
        dataset_meta = meta.get('dataset_meta') or dataset_meta
    model.cfg, model.dataset_meta = config, dataset_meta
    return model.to(device).eval()


def pick_device(device: Optional[Union[str, torch.device]]) -> torch.device:
    """Take the device asked for, or the best there is.

    Raises:
        RuntimeError: CUDA is asked for where there is none.
    """
    if device is None:
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    device = torch.device(device)
    if device.type == 'cuda' and not torch.cuda.is_available():
        raise RuntimeError(
            f'device {device} was asked for, but PyTorch sees no CUDA '
            "device. Mend: take device='cpu'."
        )
    return device


def _dataset_meta(config: Config) -> dict:
    """Classes and palette of the data set that a config names last."""
    meta = {}
    for dataset in datasets(config):
        kind = DATASETS.get(dataset['type'])
        meta = {**kind.METAINFO, **(dataset.get('metainfo') or {})}
    return meta
