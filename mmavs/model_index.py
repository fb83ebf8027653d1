"""Models and configs by name, in a source tree as in an installed package."""

import sys
from difflib import get_close_matches
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List, Optional, Union

import mmavs
from mmavs.error_text import first_line

if TYPE_CHECKING:
    from mmengine.config import Config


_RESOURCES = ('configs', 'demo', 'model-index.yml', 'tools')
# of the models whose weights go by name, the one for any video: several
# sources at a time, and the highest J and F reported of those
DEFAULT_MODEL = 'avsegformer_pvt_ms3'
# its weights are part of the package; it knows shapes, not the world
EXAMPLE_MODEL = 'film_tiny_ms3_96px'


def resource_root() -> Path:
    """Find the folder that holds ``configs``, ``tools`` and ``demo``.

    Returns:
        Path: ``mmavs/.mim`` of an installed package, else the folder of the
        source tree.

    Raises:
        FileNotFoundError: Neither is complete.
    """
    package = Path(mmavs.__file__).resolve().parent
    for root in (package / '.mim', package.parent):
        if all((root / name).exists() for name in _RESOURCES):
            return root
    raise FileNotFoundError(
        f'no configs beside {package}. Fix: install mmavs again '
        '("pip install ." or "pip install -e ." in the source tree).'
    )


def example_video() -> Path:
    """Give the clip that is part of the package, a video with sound."""
    return resource_root() / 'demo' / 'example.mp4'


def model_entries() -> Dict[str, dict]:
    """Read every model that the metafiles of ``model-index.yml`` name.

    Returns:
        dict[str, dict]: Name to entry (``Config``, ``Weights``, ...), in the
        order of the index.
    """
    return dict(_entries(resource_root()))


def read_yaml(path: Path) -> dict:
    """Read a YAML file of this package's own, without running code."""
    try:
        import yaml
    except ImportError as error:
        raise ImportError(
            f'models are listed in YAML files ({error}). Fix: pip install '
            'pyyaml.'
        ) from error
    # PyYAML's safe loader, of several times the speed where libyaml is there
    loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
    return yaml.load(path.read_text('utf-8'), loader)


@lru_cache
def _entries(root: Path) -> Dict[str, dict]:
    index = read_yaml(root / 'model-index.yml')
    entries = {}
    for path in index.get('Import') or ():
        metafile = read_yaml(root / path)
        for entry in metafile.get('Models') or ():
            entries[entry['Name']] = entry
    return entries


def list_models(pattern: str = '*') -> List[str]:
    """List models by name.

    Args:
        pattern (str): Shell-style, e.g. ``'avsac_*_ms3'``; a word without a
            wildcard finds every name that holds it. Defaults to all.

    Returns:
        list[str]: Names that :func:`find_config` and what builds on it take.
    """
    if not any(sign in pattern for sign in '*?['):
        pattern = f'*{pattern}*'
    return [name for name in model_entries() if fnmatch(name, pattern)]


def released(name: object) -> Optional[dict]:
    """Look up the weights that go by the name of a model.

    Args:
        name (object): Of a model; anything else has none.

    Returns:
        dict, optional: ``Address`` (a path of weights that are part of the
        package), and what the metafile says of it: ``Converter`` (of
        :mod:`mmavs.weights.conversion`), ``Source``, ``License``, ``Size
        (MB)``, ``Metrics`` and ``Protocol`` (where some were reported), and
        ``Beside``: other files (``Address``, ``Converter``) without which
        this one is not whole.
    """
    entry = model_entries().get(name) if isinstance(name, str) else None
    if not entry or not entry.get('Weights'):
        return None
    address = entry['Weights']
    if '://' not in address:
        address = str(resource_root() / address)
    return dict(entry.get('Released') or {}, Address=address)


def files_of(weights: dict) -> List[dict]:
    """List the files of released weights: ``Address`` and ``Converter``."""
    return [weights, *(weights.get('Beside') or ())]


def find_config(name: Union[str, Path]) -> Path:
    """Find a config file.

    Args:
        name (str or Path): A file; a name of :func:`list_models`; a path
            below ``configs``; or the stem of a config file.

    Returns:
        Path: The file.

    Raises:
        FileNotFoundError: Nothing goes by that name; near names are listed.
        TypeError: It is not a name.
    """
    if not isinstance(name, (str, Path)):
        raise TypeError(
            f'a config is a file or a name, got {type(name).__name__}. Fix: '
            'mmengine.Config(...) makes one of a dict.'
        )
    if Path(name).is_file():
        return Path(name)
    root, name = resource_root(), str(name)
    entry = model_entries().get(name)
    if entry:
        return root / entry['Config']
    configs = {
        path.stem: path
        for path in sorted((root / 'configs').rglob('*.py'))
        if '_base_' not in path.parts
    }
    for stem, path in configs.items():
        below = path.relative_to(root / 'configs')
        if name in (stem, str(below), str(below.with_suffix(''))):
            return path
    near = get_close_matches(Path(name).stem, configs, n=3)
    places = [str(configs[stem].relative_to(root)) for stem in near]
    hint = f' Did you mean {", ".join(places)}?' if near else ''
    raise FileNotFoundError(
        f'no config at {name}, and no model of that name.{hint} Fix: give a '
        'file, or a name of mmavs.apis.list_models().'
    )


def read_config(name: Union[str, Path]) -> 'Config':
    """Read a config, whose ``custom_imports`` may lie in the working folder.

    A script does not look there by itself, only in its own folder. A Python
    config is code and runs; YAML and JSON configs run nothing when they are
    read, but name what a run builds and imports.

    Returns:
        Config: As it is after inheritance.

    Raises:
        FileNotFoundError: See :func:`find_config`; or a ``_base_`` is absent.
        ImportError: A package of ``custom_imports`` is not found, or what it
            imports.
        ValueError: The file is not a config that can be read.
    """
    from mmengine.config import Config

    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    path = find_config(name)
    try:
        return Config.fromfile(path)
    except SyntaxError as error:
        raise ValueError(
            f'{path} or a config it builds on is not Python: {error.msg}, '
            f'line {error.lineno}: {(error.text or "").strip()}'
        ) from error
    except (FileNotFoundError, ImportError) as error:
        raise type(error)(
            f'{path} asks for what is not there: {first_line(error)}. Fix: '
            'correct its _base_ or custom_imports; packages are looked for '
            'in the working folder and in PYTHONPATH.'
        ) from error
    except Exception as error:
        # whatever a config's own code or a damaged file may raise
        reason = ' '.join(str(error).split())
        raise ValueError(
            f'{path} is not a config that can be read '
            f'({type(error).__name__}: {reason}). Fix: correct it there; '
            'configs are .py, .yaml, .yml or .json files, and those of YAML '
            'hold plain values.'
        ) from error
