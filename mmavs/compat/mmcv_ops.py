"""``mmcv.ops`` without compiled operators."""

import importlib
import importlib.util
import sys
from types import ModuleType


class _MissingExtension(ModuleType):
    """Answers for ``mmcv._ext``: any operator, each raising when called."""

    def __getattr__(self, name: str):
        if name.startswith('__'):
            raise AttributeError(name)

        def missing(*args, **kwargs):
            raise RuntimeError(
                f'The compiled operator "{name}" is not part of mmcv-lite. '
                'Fix: pip uninstall -y mmcv-lite, then pip install '
                '--no-build-isolation "mmcv==2.1.0" (needs a C++ compiler '
                'and setuptools<82).'
            )

        return missing


def has_compiled_ops() -> bool:
    """Whether a full mmcv with compiled operators is installed."""
    return importlib.util.find_spec('mmcv._ext') is not None


def provide_mmcv_ops() -> None:
    """Import ``mmcv.ops`` once, with a stand-in for a missing ``mmcv._ext``.

    The stand-in leaves ``sys.modules`` right after: mmengine asks for the
    module's spec to learn whether a full mmcv is there.

    Raises:
        ImportError: ``mmcv.ops`` cannot be imported even so.
    """
    if 'mmcv.ops' in sys.modules:
        return
    if has_compiled_ops():
        importlib.import_module('mmcv.ops')
        return
    sys.modules['mmcv._ext'] = _MissingExtension('mmcv._ext')
    try:
        importlib.import_module('mmcv.ops')
    finally:
        del sys.modules['mmcv._ext']
