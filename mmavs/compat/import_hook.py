"""The stack is readied when it is first imported, so that mmavs is light."""

import sys
from importlib import util
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Callable, Optional

STACK = ('mmcv', 'mmengine', 'mmseg')


def on_first_import(
    check: Callable[[], None], ready: Callable[[], None]
) -> None:
    """Do something once mmcv, mmengine or mmseg has been imported.

    At once if one of them is there already. Until ``ready`` has returned,
    every such import asks for it again.

    Args:
        check (callable): Called where one of them is not found; raises with
            what is missing.
        ready (callable): Called after the outermost import of one of them,
            since mmseg imports mmcv, which imports mmengine.
    """
    if any(name in sys.modules for name in STACK):
        ready()
    elif not any(isinstance(f, StackFinder) for f in sys.meta_path):
        sys.meta_path.insert(0, StackFinder(check, ready))


class StackFinder(MetaPathFinder):
    """Finds the stack where it is found anyway, and looks on as it loads.

    Args:
        check (callable): See :func:`on_first_import`.
        ready (callable): See :func:`on_first_import`.
    """

    def __init__(
        self, check: Callable[[], None], ready: Callable[[], None]
    ) -> None:
        self.check, self.ready = check, ready
        self._asking, self._depth = False, 0

    def find_spec(self, name, path=None, target=None) -> Optional[ModuleSpec]:
        """Take what the other finders say, with a loader that looks on."""
        if name not in STACK or self._asking:
            return None
        self._asking = True
        try:
            spec = util.find_spec(name)
            if spec is None:
                self.check()
        finally:
            self._asking = False
        if spec is not None and spec.loader is not None:
            spec.loader = _WatchedLoader(spec.loader, self)
        return spec

    def load(self, loader: Loader, module: ModuleType) -> None:
        """Run a module's code, and ready the stack after the outermost."""
        self._depth += 1
        try:
            loader.exec_module(module)
        finally:
            self._depth -= 1
        if self._depth or self not in sys.meta_path:
            return
        place = sys.meta_path.index(self)
        sys.meta_path.remove(self)
        try:
            self.ready()
        except BaseException:
            sys.meta_path.insert(place, self)
            raise


class _WatchedLoader(Loader):
    """Stands before a loader for the one import of one module."""

    def __init__(self, loader: Loader, finder: StackFinder) -> None:
        self.loader, self.finder = loader, finder

    def create_module(self, spec: ModuleSpec) -> Optional[ModuleType]:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__.loader = module.__loader__ = self.loader
        self.finder.load(self.loader, module)
