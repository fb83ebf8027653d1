"""mmengine's way from ``mmavs::...`` to the configs of this package."""

import functools
from pathlib import Path
from typing import Callable

PACKAGE = Path(__file__).resolve().parents[1]


def register_package() -> None:
    """Let ``_base_ = 'mmavs::...'`` and name look-ups find this package."""
    from mmengine.config import config
    from mmengine.config.utils import MODULE2PACKAGE
    from mmengine.hub import hub

    MODULE2PACKAGE.setdefault(PACKAGE.name, PACKAGE.name)
    for module in (config, hub):
        if not hasattr(module.get_installed_path, '__wrapped__'):
            module.get_installed_path = _knowing_this_package(
                module.get_installed_path
            )


def _knowing_this_package(upstream: Callable[[str], str]) -> Callable:
    """Answer for mmavs from where it was imported.

    mmengine asks the installed distribution, which in an editable install
    is not where the package lies.
    """

    @functools.wraps(upstream)
    def get_installed_path(package: str) -> str:
        return str(PACKAGE) if package == PACKAGE.name else upstream(package)

    return get_installed_path
