"""Wrong versions and double installs, named at import."""

import importlib
import importlib.util
from importlib import metadata
from typing import Sequence

MMCV_DISTRIBUTIONS = ('mmcv', 'mmcv-lite', 'mmcv-full', 'onedl-mmcv')
# import name: distributions that install it and overwrite each other
TWINS = {
    'mmengine': ('mmengine', 'onedl-mmengine'),
    'mmseg': ('mmsegmentation', 'onedl-mmsegmentation'),
    'mmpretrain': ('mmpretrain', 'onedl-mmpretrain'),
}
SUPPORTED = {
    # import name: (lowest, first unsupported, how to get it)
    'mmengine': ('0.10.7', '1.0.0', 'pip install mmengine==0.10.7'),
    'mmcv': ('2.0.0', '2.2.0', 'pip install "mmcv-lite>=2.0.0,<2.2.0"'),
    'mmseg': ('1.2.2', '2.0.0', 'pip install mmsegmentation==1.2.2'),
    'torch': ('2.4.0', '3.0.0', 'pip install "torch>=2.4"'),
}
# the fork counts on from mmcv 2.2; only its own mmseg takes it
ONEDL_MMCV_BOUNDS = ('2.3.0', '2.4.0')
_MMCV_ADVICE = (
    'install exactly one: pip install "mmcv-lite>=2.0.0,<2.2.0" (no compiler '
    'needed) or "mmcv>=2.0.0,<2.2.0" (with compiled operators)'
)


def installed_mmcv() -> dict:
    """Return ``{distribution: version}`` of everything that installs mmcv."""
    return _installed(MMCV_DISTRIBUTIONS)


def _installed(distributions: Sequence[str]) -> dict:
    found = {}
    for name in distributions:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def check_installed() -> None:
    """Name double installs and wrong versions, from package metadata alone.

    What is not installed is passed by.

    Raises:
        ImportError: See :func:`prepare_stack`.
    """
    flavours = installed_mmcv()
    _refuse_twins('mmcv', flavours, f', then {_MMCV_ADVICE}')
    for module, distributions in TWINS.items():
        both = _installed(distributions)
        _refuse_twins(module, both, f', then pip install {distributions[0]}')
    for module, (low, high, remedy) in SUPPORTED.items():
        if module == 'mmcv' and 'onedl-mmcv' in flavours:
            low, high = ONEDL_MMCV_BOUNDS
        for version in _versions(module).values():
            check_version(module, version, low, high, remedy)


def check_stack() -> None:
    """Name what is missing as well, where the stack is about to be used.

    Raises:
        ImportError: See :func:`prepare_stack`.
    """
    check_installed()
    for module, (low, high, remedy) in SUPPORTED.items():
        if importlib.util.find_spec(module) is None:
            raise ImportError(
                f'mmavs needs {module} >={low},<{high}, which '
                f'is not installed. Fix: '
                f'{_MMCV_ADVICE if module == "mmcv" else remedy}.'
            )
        if not _versions(module):  # in a folder on the path, not installed
            version = importlib.import_module(module).__version__
            check_version(module, version, low, high, remedy)


def _refuse_twins(module: str, found: dict, remedy: str) -> None:
    """Raise ImportError if several distributions install one module."""
    if len(found) > 1:
        names = ', '.join(f'{k} {v}' for k, v in found.items())
        raise ImportError(
            f'{names} are installed together and overwrite each other under '
            f'the import name "{module}". Fix: pip uninstall -y '
            f'{" ".join(found)}{remedy}.'
        )


def check_version(
    name: str, version: str, low: str, high: str, remedy: str
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
            f'>={low},<{high}. Fix: {remedy}.'
        )


def _versions(module: str) -> dict:
    """Give the distributions that install a module, with their versions."""
    if module == 'mmcv':
        return installed_mmcv()
    return _installed(TWINS.get(module, (module,)))
