"""Encoders' files that configs name, and where each comes from."""

from functools import lru_cache
from pathlib import Path
from typing import Dict, List

from mmavs.model_index import read_yaml, resource_root


def encoders() -> Dict[str, dict]:
    """List the encoders whose publishers are known.

    Returns:
        dict[str, dict]: Name of the file to its entry in
        ``configs/_base_/encoders.yaml``: ``Weights`` (its address, or None),
        ``By Hand`` (the page, where there is no address), ``Converter`` (of
        :mod:`mmavs.weights.conversion`), ``License``, ``Size (MB)``, ...
    """
    return dict(_encoders(resource_root()))


@lru_cache
def _encoders(root: Path) -> Dict[str, dict]:
    listed = read_yaml(root / 'configs/_base_/encoders.yaml')['Encoders']
    return {entry['File']: entry for entry in listed}


def how_to_get(path: str) -> str:
    """Say how a missing weight file is obtained.

    Args:
        path (str): The path a config names.

    Returns:
        str: One line.
    """
    name = Path(path).name
    entry = encoders().get(name)
    if entry and entry['Weights']:
        return f'mmavs weights {name} (from {entry["Weights"]})'
    if entry:
        return f'download it by hand from {entry["By Hand"]}'
    configs = (resource_root() / 'configs').rglob(f'{Path(name).stem}.py')
    config = next(configs, None)
    if config is not None:
        return (
            f'train {config.stem} first and copy its best checkpoint there, '
            'or give its path with --cfg-options load_from=...'
        )
    return 'put the file there'


def pretrained_paths(config) -> List[str]:
    """Collect every checkpoint that ``init_cfg`` entries of a config name.

    Args:
        config (dict or list): Any (part of a) config.

    Returns:
        list[str]: Paths and URLs, each once, in order.
    """
    found: List[str] = []
    if isinstance(config, dict):
        init = config.get('init_cfg')
        if isinstance(init, dict) and init.get('type') == 'Pretrained':
            found.append(init['checkpoint'])
        children = config.values()
    else:
        children = config if isinstance(config, (list, tuple)) else ()
    for child in children:
        if isinstance(child, (dict, list, tuple)):
            found.extend(pretrained_paths(child))
    return list(dict.fromkeys(found))
