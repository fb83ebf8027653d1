"""NumPy's arrays and numbers in pickles, without NumPy's trust in them.

A pickled dtype says where among an array's bytes Python objects lie, and
NumPy believes it: made-up bytes become pointers. These stand-ins answer to
the same names and know plain numbers and text only.
"""

import math
from pickle import UnpicklingError
from typing import Any, Dict, List, Tuple

import numpy as np

_KINDS = 'biufcSU'  # booleans, integers, floats, complex, bytes, text


class _DType:
    """Stands in for ``numpy.dtype``.

    Args:
        code (str): Such as ``'f8'``.
        *flags: Alignment and copying, which change nothing here.
    """

    def __init__(self, code: str, *flags: bool) -> None:
        dtype = np.dtype(code) if isinstance(code, str) else None
        if dtype is None or dtype.kind not in _KINDS:
            raise UnpicklingError(f'refused: an array of type {code!r}')
        self.dtype = dtype

    def __setstate__(self, state: tuple) -> None:
        _, order, part, names, fields, *_ = state
        if part or names or fields:
            raise UnpicklingError('refused: an array with fields')
        self.dtype = self.dtype.newbyteorder(order)


class _Array(np.ndarray):
    """Stands in for ``numpy.ndarray``; it is pickled as one again."""

    def __new__(cls, *_: Any) -> 'np.ndarray':
        raise UnpicklingError('refused: an array without its data')

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, fortran, data = state
        length = math.prod(shape) * kind.dtype.itemsize
        if not isinstance(data, bytes) or len(data) != length:
            raise UnpicklingError('an array whose shape does not fit its data')
        super().__setstate__((1, shape, kind.dtype, bool(fortran), data))

    def __reduce_ex__(self, protocol: int) -> tuple:
        return np.asarray(self).__reduce_ex__(protocol)


def _latin1(text: str, encoding: str) -> bytes:
    """Stand in for ``_codecs.encode``, with which old protocols write bytes.

    PyTorch before 2.5 does not know that checkpoints need it.
    """
    if encoding != 'latin1':
        raise UnpicklingError(f'refused: encoding {encoding!r}')
    return text.encode('latin1')


def _makers() -> list:
    """Stand-ins for functions; new ones, since each gets one name."""

    def _reconstruct(*_: Any) -> np.ndarray:
        return np.ndarray.__new__(_Array, (0,), 'b')

    def scalar(kind: _DType, data: bytes) -> np.generic:
        if len(data) != kind.dtype.itemsize:
            raise UnpicklingError('a number whose type does not fit its data')
        return np.frombuffer(data, kind.dtype, 1)[0]

    return [_reconstruct, scalar]


def _named(stand_in: Any, module: str, name: str) -> Any:
    # torch.load and pickle know a global by what it says of itself
    stand_in.__module__ = module
    stand_in.__name__ = stand_in.__qualname__ = name
    return stand_in


def _stand_ins() -> List[Any]:
    found = [
        _named(_DType, 'numpy', 'dtype'),
        _named(_Array, 'numpy', 'ndarray'),
        _named(_latin1, '_codecs', 'encode'),
    ]
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        found += [_named(f, module, f.__name__) for f in _makers()]
    for module in ('__builtin__', 'builtins'):
        # no bytes, as old protocols write them
        found.append(_named(lambda: b'', module, 'bytes'))
    return found


# (module, name) in a pickle -> what answers to it
STAND_INS: Dict[Tuple[str, str], Any] = {
    (item.__module__, item.__name__): item for item in _stand_ins()
}
# those that write plain bytes in old protocols
BYTES = {
    key: item
    for key, item in STAND_INS.items()
    if key[1] in ('encode', 'bytes')
}
