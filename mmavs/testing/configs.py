"""Configs as the command line changes them."""

import argparse
from pathlib import Path
from typing import Union

from mmengine.config import Config, DictAction


def config_with(path: Union[str, Path], *options: str) -> Config:
    """Read a config with what stands behind ``--cfg-options``.

    Args:
        path (str or Path): A config file.
        *options (str): ``field=value``, as typed in a shell that strips
            quotes.

    Returns:
        Config: The merged config.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='*', action=DictAction)
    arguments = parser.parse_args(['--cfg-options', *options])
    config = Config.fromfile(path)
    config.merge_from_dict(arguments.cfg_options)
    return config
