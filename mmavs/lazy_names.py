"""Names of a package that are imported once they are asked for."""

from importlib import import_module
from typing import Any, Callable, List, Mapping, Sequence, Tuple


def lazy_names(
    package: str, homes: Mapping[str, Sequence[str]]
) -> Tuple[Callable[[str], Any], Callable[[], List[str]]]:
    """Make the ``__getattr__`` and ``__dir__`` of a package.

    Args:
        package (str): Its ``__name__``.
        homes (Mapping[str, Sequence[str]]): The names that each module brings;
            a module by its name in the package, or by its whole name.

    Returns:
        tuple: Both functions.
    """
    found = {
        name: home if home.startswith('mmavs.') else f'{package}.{home}'
        for home, names in homes.items()
        for name in names
    }

    def get(name: str) -> Any:
        if name not in found:
            raise AttributeError(
                f'module {package!r} has no attribute {name!r}'
            )
        return getattr(import_module(found[name]), name)

    def names() -> List[str]:
        return sorted({*vars(import_module(package)), *found})

    return get, names
