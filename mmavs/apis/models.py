"""Models: built, loaded, ready to segment."""

import logging
from copy import deepcopy
from pathlib import Path
from typing import Any, Optional, Union

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import DefaultScope
from torch import nn

from mmavs.engine.run_config import check_model, datasets
from mmavs.model_index import read_config, released
from mmavs.registry import DATASETS, MODELS
from mmavs.utils import register_all_modules
from mmavs.weights.checkpoint import load_model_weights
from mmavs.weights.conversion import fill_released


def init_model(
    config: Union[str, Path, Config],
    weights: Optional[Union[str, Path]] = None,
    device: Optional[Union[str, torch.device]] = None,
    cfg_options: Optional[dict] = None,
) -> nn.Module:
    """Build a model, load its weights, make it ready to segment.

    Args:
        config (str or Path or Config): Config file or name of a model, see
            :func:`~mmavs.model_index.find_config`; or a config that is
            loaded already.
        weights (str or Path, optional): Path or address of a checkpoint,
            read without running code from the file; every tensor must fit.
            ``'random'`` leaves them random. Defaults to those that go by
            the name of the model (``mmavs weights`` lists them), fetched at
            the first use; without any they are random, and a warning says
            so.
        device (str or torch.device, optional): Defaults to the first CUDA
            device if there is one, else to the CPU.
        cfg_options (dict, optional): Fields of the config to override.

    Returns:
        nn.Module: In evaluation mode, with ``cfg`` and ``dataset_meta``
        (``classes`` and ``palette``).

    Raises:
        FileNotFoundError: The config or the checkpoint is absent.
        RuntimeError: The checkpoint is of another model, unsafe to read or
            holds NaN; weights by name cannot be had; or the device is not
            there.
        TypeError: An argument of another kind.
        ValueError: The config cannot be read, or describes no model.
    """
    by_name = released(config) if weights is None else None
    if not isinstance(config, Config):
        config = read_config(config)
    if not isinstance(weights, (str, Path, type(None))):
        raise TypeError(
            'weights are the path or address of a file, got '
            f'{type(weights).__name__}. Fix: save weights that are in '
            'memory with torch.save, or give them to load_state_dict of the '
            'model.'
        )
    if cfg_options:
        config = merged(config, cfg_options)
    check_model(config, config.filename or 'the config')
    device = pick_device(device)
    register_all_modules(init_scope=False)
    scope = config.get('default_scope') or 'mmavs'
    with DefaultScope.overwrite_default_scope(scope):
        model = MODELS.build(config.model)
        dataset_meta = _dataset_meta(config)
    if by_name:
        fill_released(model, by_name)
    elif weights is None:
        print_log(
            f'{config.filename or "the model"}: no weights were given, so '
            "they are random, as weights='random' says without a warning",
            logger='current',
            level=logging.WARNING,
        )
    elif weights != 'random':
        meta = load_model_weights(model, str(weights))
        dataset_meta = meta.get('dataset_meta') or dataset_meta
    model.cfg, model.dataset_meta = config, dataset_meta
    return model.to(device).eval()


def merged(config: Config, options: Any) -> Config:
    """Override fields of a config; the one given stays as it is.

    Raises:
        TypeError: The options are not a dict.
    """
    if not isinstance(options, dict):
        raise TypeError(
            f'cfg_options is a dict, got {type(options).__name__}. Fix: '
            "{'model.decode_head.threshold': 0.3} and the like."
        )
    config = deepcopy(config)
    config.merge_from_dict(options)
    return config


def pick_device(device: Optional[Union[str, torch.device]]) -> torch.device:
    """Take the device asked for, or the best there is.

    Raises:
        RuntimeError: It is not here, or nothing goes by that name.
    """
    if device is None:
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition('. ')[0]
        raise RuntimeError(
            f'there is no device {device} here ({reason}). Fix: take '
            "device='cpu', or 'cuda' where there is a GPU."
        ) from None
    return device


def _dataset_meta(config: Config) -> dict:
    """Classes and palette of the data set that a config names last."""
    meta = {}
    for dataset in datasets(config):
        kind = DATASETS.get(dataset['type'])
        meta = {**kind.METAINFO, **(dataset.get('metainfo') or {})}
    return meta
