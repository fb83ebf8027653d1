"""Configs on their way into a run: loaded, checked, or made synthetic."""

import sys
from pathlib import Path
from typing import Iterator, List, Optional

from mmengine.config import Config, ConfigDict

from .model_index import read_config
from .tta import derive_tta_pipeline
from .weights import how_to_get, pretrained_paths

REAL_ROOT = 'data/avsbench'
SYNTHETIC_ROOT = 'data/synthetic'
DATALOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def load_config(path: str, options: Optional[dict] = None) -> Config:
    """Read a config file and merge the command line's options.

    Args:
        path (str): A file, or what else :func:`read_config` takes.
        options (dict, optional): From ``--cfg-options``.

    Returns:
        Config: The merged config.

    Raises:
        FileNotFoundError: There is no such file; near names are listed.
    """
    config = read_config(path)
    if options:
        config.merge_from_dict(options)
    return config


def config_to_look_at(
    path: str,
    options: Optional[dict] = None,
    synthetic: bool = False,
    tool: Optional[str] = None,
) -> Config:
    """Read a config for a tool that looks at its data with or without a model.

    Args:
        path (str): See :func:`load_config`.
        options (dict, optional): From ``--cfg-options``.
        synthetic (bool): See :func:`use_synthetic`.
        tool (str, optional): See :func:`check_inputs`. Defaults to the script
            that runs.

    Returns:
        Config: With data that is there.

    Raises:
        FileNotFoundError: See :func:`load_config` and :func:`check_inputs`.
    """
    config = load_config(path, options)
    if synthetic:
        use_synthetic(config)
    check_inputs(config, path, training=False, tool=tool or sys.argv[0])
    return config


def check_model(config: Config, name: str) -> None:
    """Say that a config is only a part of one, or of something else.

    Args:
        config (Config): Read already.
        name (str): What the error calls it.

    Raises:
        ValueError: It describes no model.
    """
    if not isinstance(config.get('model'), dict):
        raise ValueError(
            f'{name} describes no model. Fix: give a config with '
            'model=dict(type=...).'
        )


def datasets(config: Config) -> Iterator[ConfigDict]:
    """Yield the innermost dataset dict of each dataloader."""
    for key in DATALOADERS:
        loader = config.get(key)
        if loader:
            yield innermost_dataset(loader)


def innermost_dataset(loader: dict) -> ConfigDict:
    """Give the dataset dict of a dataloader, without what wraps it."""
    dataset = loader['dataset']
    while 'dataset' in dataset:  # RepeatDataset, SingleFrames and others
        dataset = dataset['dataset']
    return dataset


def evaluators_of(config: Config) -> List[dict]:
    """List the metrics of a test, which a config may give as one."""
    evaluators = config.test_evaluator
    if isinstance(evaluators, (list, tuple)):
        return list(evaluators)
    return [evaluators]


def use_synthetic(config: Config) -> List[str]:
    """Redirect a config to the synthetic set and to random weights.

    Pretrained weights are dropped, and every ``data_root`` below
    ``data/avsbench`` moves below ``data/synthetic``, where the data is made
    once if it is not there. A config made for a synthetic set says in
    ``synthetic_set`` how (size, clips), or a folder of frames of another size
    would stand under that set's name.

    Args:
        config (Config): Changed in place.

    Returns:
        list[str]: The data roots now in use.
    """
    from mmavs.datasets.synthetic import ensure_synthetic, read_side_file
    from mmavs.datasets.synthetic.layouts import LAYOUTS

    drop_pretrained(config._cfg_dict)
    config.load_from = None
    roots = {}
    for dataset in datasets(config):
        root, plan = dataset.get('data_root'), config.get('synthetic_set')
        if root and root.startswith(REAL_ROOT):
            root, plan = SYNTHETIC_ROOT + root[len(REAL_ROOT) :], None
            dataset['data_root'] = root
        if root:
            roots[root] = plan or {}
    settings = {layout.folder: name for name, layout in LAYOUTS.items()}
    for root, plan in roots.items():
        if root.startswith(SYNTHETIC_ROOT):
            parent, folder = Path(root).parent, Path(root).name
            if read_side_file(root):  # what is there stays as it is
                plan = {}
            ensure_synthetic(parent, settings[folder], **plan)
    return list(roots)


def drop_pretrained(config) -> None:
    """Set every ``init_cfg`` of type Pretrained to None, at any depth."""
    if isinstance(config, dict):
        init = config.get('init_cfg')
        if isinstance(init, dict) and init.get('type') == 'Pretrained':
            config['init_cfg'] = None
        for value in config.values():
            drop_pretrained(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            drop_pretrained(value)


def check_inputs(
    config: Config,
    config_path: str,
    training: bool,
    tool: Optional[str] = None,
) -> None:
    """Say at once everything a run would miss.

    Args:
        config (Config): About to run.
        config_path (str): Its file, for the message.
        training (bool): Also look for pretrained weights; a test loads a
            checkpoint in their place.
        tool (str, optional): Script that takes ``--synthetic``, for the
            message. Defaults to ``tools/train.py`` or ``tools/test.py``.

    Raises:
        FileNotFoundError: Naming each missing data root and weight file,
            where it goes, how to get it, and the way to run without any.
    """
    missing = [
        f'  data     {root}\n{_how_to_get_data(root)}'
        for root in dict.fromkeys(d.get('data_root') for d in datasets(config))
        if root and not Path(root).is_dir()
    ]
    weights = pretrained_paths(config._cfg_dict) if training else []
    if training and config.get('load_from'):
        weights.append(config.load_from)
    missing += [
        f'  weights  {path}\n           {how_to_get(path)}'
        for path in weights
        if '://' not in path and not Path(path).is_file()
    ]
    if missing:
        tool = tool or f'tools/{"train" if training else "test"}.py'
        raise FileNotFoundError(
            f'{config_path} needs what is not here:\n'
            + '\n'.join(missing)
            + '\nTo try this config now, without data or weights:\n'
            f'  python {tool} {config_path} --synthetic'
        )


def _how_to_get_data(root: str) -> str:
    """Lines under the name of a missing data root."""
    if root.startswith(REAL_ROOT):
        lines = (
            'AVSBench, on request from its authors: lay it out as '
            'docs/en/get_started.md says,',
            'or rebuild it from raw videos with '
            'tools/dataset_converters/prepare_avsbench.py',
        )
    elif root.startswith(SYNTHETIC_ROOT):
        lines = (
            'make quickstart, or tools/dataset_converters/'
            'synthesize_avsbench.py',
        )
    else:
        lines = (
            'your own: give its folder with --cfg-options '
            '{train,val,test}_dataloader.dataset.data_root=...',
        )
    return '\n'.join(' ' * 11 + line for line in lines)


def tta_pipeline(config: Config) -> List[dict]:
    """Give the pipeline of test-time augmentation.

    Args:
        config (Config): Its own ``tta_pipeline`` is taken if it has one, else
            one is derived from its test pipeline.

    Returns:
        list[dict]: Transforms; the plain clip comes first.

    Raises:
        ValueError: See :func:`derive_tta_pipeline`.
    """
    if config.get('tta_pipeline'):
        return config.tta_pipeline
    return derive_tta_pipeline(config.test_dataloader.dataset.pipeline)
