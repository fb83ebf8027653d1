"""Configs on their way into a run: loaded, checked, or made synthetic."""

import sys
from pathlib import Path
from typing import Iterator, List, Optional, Sequence

from mmengine.config import Config, ConfigDict
from mmengine.device import get_device
from mmengine.logging import print_log

from mmavs.engine.tta import derive_tta_pipeline
from mmavs.model_index import read_config
from mmavs.weights.addresses import how_to_get, pretrained_paths

REAL_ROOT = 'data/avsbench'
COMPOSED_ROOTS = ('data/composed', 'data/photo')
SYNTHETIC_ROOT = 'data/synthetic'
SPLITS = ('train', 'val', 'test')


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
    split: str = 'test',
    tool: Optional[str] = None,
) -> Config:
    """Read a config for a tool that looks at its data with or without a model.

    Args:
        path (str): See :func:`load_config`.
        options (dict, optional): From ``--cfg-options``.
        synthetic (bool): See :func:`use_synthetic`.
        split (str): What the tool looks at; other splits may be absent.
        tool (str, optional): See :func:`check_inputs`. Defaults to the script
            that runs.

    Returns:
        Config: With data that is there.

    Raises:
        FileNotFoundError: See :func:`load_config` and :func:`check_inputs`.
        ValueError: See :func:`loader_of`.
    """
    config = load_config(path, options)
    loader_of(config, split)
    if synthetic:
        use_synthetic(config, options, [split])
    check_inputs(config, path, [split], tool=tool or sys.argv[0])
    return config


def check_model(config: Config, name: str) -> None:
    """Say that a config is only a part of one, or of something else.

    Raises:
        ValueError: It describes no model.
    """
    if not isinstance(config.get('model'), dict):
        raise ValueError(
            f'{name} describes no model. Fix: give a config with '
            'model=dict(type=...).'
        )


def padded_frames(config: Config) -> Optional[int]:
    """The T that the model pads every clip to, if its config names one."""
    return (config.model.get('data_preprocessor') or {}).get('num_frames')


def labelled_frames(config: Config, num_frames: int) -> int:
    """How many frames of a training clip have a label: on S4 the first."""
    kinds = [dataset['type'] for dataset in datasets(config, ['train'])]
    return 1 if 'AVSBenchS4Dataset' in kinds else num_frames


def loader_of(config: Config, split: str) -> ConfigDict:
    """Give the dataloader of a split.

    Raises:
        ValueError: The config has none.
    """
    loader = config.get(f'{split}_dataloader')
    if not loader:
        known = [name for name in SPLITS if config.get(f'{name}_dataloader')]
        raise ValueError(
            f'{config.filename or "the config"} has no {split}_dataloader. '
            f'Fix: take one of {known}, or give it one.'
        )
    return loader


def datasets(
    config: Config, splits: Sequence[str] = SPLITS
) -> Iterator[ConfigDict]:
    """Yield the innermost dataset dicts of the dataloaders there are."""
    for split in splits:
        loader = config.get(f'{split}_dataloader')
        if loader:
            yield from innermost_datasets(loader['dataset'])


def innermost_datasets(dataset: dict) -> List[ConfigDict]:
    """List the dataset dicts with a pipeline, without what wraps them.

    Args:
        dataset (dict): Of a dataloader: a data set of clips, or a wrapper
            round one (RepeatDataset, SingleFrames, ...) or round several
            (ConcatDataset), to any depth.

    Returns:
        list[ConfigDict]: Parts of the config: what is changed in them is
        changed there.
    """
    if 'datasets' in dataset:
        inner = dataset['datasets']
    elif 'dataset' in dataset:
        inner = [dataset['dataset']]
    else:
        return [dataset]
    return [part for wrapped in inner for part in innermost_datasets(wrapped)]


def evaluators_of(config: Config) -> List[dict]:
    """List the metrics of a test, which a config may give as one.

    Raises:
        ValueError: The config has none.
    """
    evaluators = config.get('test_evaluator')
    if not evaluators:
        raise ValueError(
            f'{config.filename or "the config"} has no test_evaluator, so '
            'nothing is measured. Fix: give it one, '
            "e.g. dict(type='AVSMetric')"
        )
    if isinstance(evaluators, (list, tuple)):
        return list(evaluators)
    return [evaluators]


def use_synthetic(
    config: Config,
    options: Optional[dict] = None,
    splits: Sequence[str] = SPLITS,
) -> List[str]:
    """Redirect a config to the synthetic set and to random weights.

    Pretrained weights are dropped, but for those that the command line names
    (``load_from`` as well as a part's own), and every ``data_root`` below
    ``data/avsbench`` (``data/composed``, ``data/photo``) moves below
    ``data/synthetic``, where the data is made
    once if it is not there. A config made for a synthetic set says in
    ``synthetic_set`` how (size, clips), or a folder of frames of another size
    would stand under that set's name.

    Args:
        config (Config): Changed in place.
        options (dict, optional): From ``--cfg-options``, merged already.
        splits (Sequence[str]): Whose data are wanted.

    Returns:
        list[str]: The data roots now in use.
    """
    from mmavs.datasets.synthetic import ensure_synthetic, read_side_file
    from mmavs.datasets.synthetic.layouts import LAYOUTS

    given = [value for value in (options or {}).values() if value]
    named = [*_weights_of_model(config), config.get('load_from')]
    drop_pretrained(config._cfg_dict, given)
    if config.get('load_from') not in given:
        config.load_from = None
    dropped = [path for path in named if path and path not in given]
    if dropped:
        print_log(
            f'--synthetic: random weights in place of {", ".join(dropped)}. '
            'Those that --cfg-options names are kept.'
        )
    roots = {}
    for dataset in datasets(config, splits):
        root, plan = dataset.get('data_root'), config.get('synthetic_set')
        if root and root.startswith(REAL_ROOT):
            root, plan = SYNTHETIC_ROOT + root[len(REAL_ROOT) :], None
        for composed in COMPOSED_ROOTS:
            if root and root.startswith(composed):
                root = SYNTHETIC_ROOT + root[len(composed) :]
        if root:
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


def drop_pretrained(config, kept: Sequence = ()) -> None:
    """Set every ``init_cfg`` of type Pretrained to None, at any depth.

    Args:
        config (dict or list): Changed in place.
        kept (Sequence): Paths of weights that stay.
    """
    if isinstance(config, dict):
        init = config.get('init_cfg')
        if isinstance(init, dict) and init.get('type') == 'Pretrained':
            if init.get('checkpoint') not in kept:
                config['init_cfg'] = None
        for value in config.values():
            drop_pretrained(value, kept)
    elif isinstance(config, (list, tuple)):
        for value in config:
            drop_pretrained(value, kept)


def check_inputs(
    config: Config,
    config_path: str,
    splits: Sequence[str],
    tool: str,
    weights: bool = False,
) -> None:
    """Say at once everything a run would miss.

    Args:
        config (Config): About to run.
        config_path (str): Its file, for the message.
        splits (Sequence[str]): Whose data the run reads.
        tool (str): Script that takes ``--synthetic``, for the message.
        weights (bool): Also look for pretrained weights; a test loads a
            checkpoint in their place.

    Raises:
        FileNotFoundError: Naming each missing data root and weight file,
            where it goes, how to get it, and the way to run without any.
    """
    roots = [part.get('data_root') for part in datasets(config, splits)]
    missing = [
        f'  data     {root}\n{_how_to_get_data(root, splits)}'
        for root in dict.fromkeys(roots)
        if root and not Path(root).is_dir()
    ]
    files = _weights_of_model(config) if weights else []
    if weights and config.get('load_from'):
        files.append(config.load_from)
    missing += [
        f'  weights  {path}\n           {how_to_get(path)}'
        for path in files
        if '://' not in path and not Path(path).is_file()
    ]
    if missing:
        raise FileNotFoundError(
            f'{config_path} needs what is not here:\n'
            + '\n'.join(missing)
            + '\nTo try this config now, without data or weights:\n'
            f'  python {tool} {config_path} --synthetic'
        )


def _weights_of_model(config: Config) -> List[str]:
    """Paths that the model loads.

    Those of the parts that a config names beside it do not follow what the
    command line overrides.
    """
    return pretrained_paths(config._cfg_dict.get('model'))


def _how_to_get_data(root: str, splits: Sequence[str]) -> str:
    """Lines under the name of a missing data root."""
    if root.startswith(REAL_ROOT):
        lines = (
            'AVSBench, on request from its authors: lay it out as '
            'docs/en/get_started.md says,',
            'or rebuild it from raw videos with '
            'tools/dataset_converters/prepare_avsbench.py',
        )
    elif root.startswith(COMPOSED_ROOTS):
        lines = (
            'make photo, or tools/dataset_converters/compose_clips.py: see '
            'docs/en/composed.md',
        )
    elif root.startswith(SYNTHETIC_ROOT):
        lines = (
            'make quickstart, or tools/dataset_converters/'
            'synthesize_avsbench.py',
        )
    else:
        names = ','.join(splits)
        names = names if len(splits) == 1 else f'{{{names}}}'
        lines = (
            'your own: give its folder with --cfg-options '
            f'{names}_dataloader.dataset.data_root=...',
        )
    return '\n'.join(' ' * 11 + line for line in lines)


def check_precision(config: Config) -> None:
    """Say that mixed precision finds no device here.

    Raises:
        ValueError: Its ``optim_wrapper`` is mmengine's for mixed precision,
            and there is no GPU (nor another device that mmengine takes).
    """
    kind = (config.get('optim_wrapper') or {}).get('type')
    mixed = str(kind).split('.')[-1] == 'AmpOptimWrapper'
    if mixed and get_device() in ('cpu', 'mps'):
        raise ValueError(
            'mixed precision (AmpOptimWrapper) needs a GPU, and PyTorch finds '
            'none here. Fix: leave --amp out; in a config, take '
            "optim_wrapper.type='OptimWrapper' without dtype and loss_scale"
        )


def use_tta(config: Config) -> None:
    """Let a test average over augmentations of each clip.

    Args:
        config (Config): Changed in place. Its own ``tta_pipeline`` is taken
            if it has one; else one is derived from the test pipeline of each
            data set, wrapped or not. Its own ``tta_model`` likewise.

    Raises:
        ValueError: See :func:`derive_tta_pipeline`.
    """
    for dataset in datasets(config, ['test']):
        own = config.get('tta_pipeline')
        dataset['pipeline'] = own or derive_tta_pipeline(dataset['pipeline'])
    tta_model = config.get('tta_model') or dict(type='AVSTTAModel')
    config.model = dict(tta_model, module=config.model)
