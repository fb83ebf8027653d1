"""Wrong versions and double installs, named at import."""

import importlib
import importlib.util
from importlib import metadata

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
