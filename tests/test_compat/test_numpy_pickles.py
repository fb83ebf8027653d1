"""Pickled arrays are plain numbers, and cannot point into memory."""

import io
import pickle

import numpy as np
import pytest
import torch

from mmavs.compat.numpy_pickles import STAND_INS
from mmavs.compat.unpickling import RestrictedUnpickler

_RECONSTRUCT = np.zeros(1).__reduce__()[0]


class _Call:
    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def read(value, protocol=2):
    data = pickle.dumps(value, protocol)
    return RestrictedUnpickler(io.BytesIO(data), STAND_INS).load()


def dtype(code, fields=None):
    """A pickled dtype that says of itself that it holds no objects."""
    names = fields and tuple(fields)
    state = (3, '|', None, names, fields, 8, 1, 0)
    return _Call(np.dtype, (code, False, True), state)


def array(kind, data=b'AAAAAAAA'):
    start = (np.ndarray, (0,), b'b')
    return _Call(_RECONSTRUCT, start, (1, (1,), kind, False, data))


ARRAYS = [
    np.arange(6, dtype='<i4').reshape(2, 3),
    np.arange(6, dtype='>f8').reshape(2, 3).T,
    np.asfortranarray(np.eye(3, dtype=np.float16)),
    np.array(['a', 'bcd']),
    np.array([b'xy', b'z']),
    np.array(3.5),
    np.zeros((0, 4), np.uint8),
    np.array([True, False]),
    np.array([1 + 2j], np.complex64),
]


@pytest.mark.parametrize('protocol', [0, 2, 4])
@pytest.mark.parametrize('original', ARRAYS, ids=lambda a: a.dtype.str)
def test_plain_arrays_survive(original, protocol):
    got = read(original, protocol)
    assert got.dtype == original.dtype.newbyteorder('=')
    assert np.array_equal(got, original)
    again = pickle.loads(pickle.dumps(got))  # as a resumed run saves it
    assert type(again) is np.ndarray and np.array_equal(again, original)


def test_numbers_survive():
    for number in (np.float32(0.1), np.int64(-7), np.bool_(True)):
        got = read(number)
        assert got == number and type(got) is type(number)


def test_names_of_numpy_1_and_2_are_known():
    data = pickle.dumps(np.arange(3), 2)
    for module in (b'numpy.core', b'numpy._core'):
        text = data.replace(b'numpy._core', module)
        text = text.replace(b'numpy.core', module)
        got = RestrictedUnpickler(io.BytesIO(text), STAND_INS).load()
        assert got.tolist() == [0, 1, 2]


OBJECTS = {'a': (np.dtype('O'), 0)}


@pytest.mark.parametrize(
    'value',
    [
        array(dtype('O')),
        array(dtype('V8', OBJECTS)),
        array(dtype('f8', OBJECTS)),
        array(dtype('f8,O')),
        _Call(np.ndarray, ((1,), dtype('f8'), b'AAAAAAAA')),
        _Call(np.zeros(1).dtype.type(1).__reduce__()[0], (dtype('O'), b'A')),
    ],
    ids=['object', 'void', 'number', 'fields', 'call', 'scalar'],
)
def test_bytes_do_not_become_pointers(value):
    with pytest.raises(pickle.UnpicklingError, match='refused'):
        read(value)


def test_torch_refuses_them_too(tmp_path):
    torch.save(array(dtype('f8', OBJECTS)), tmp_path / 'x.pth')
    with pytest.raises(pickle.UnpicklingError, match='refused: an array'):
        torch.load(tmp_path / 'x.pth', weights_only=True)


def test_shapes_fit_their_data():
    with pytest.raises(pickle.UnpicklingError, match='does not fit its data'):
        read(array(dtype('f8'), b'AAAA'))
