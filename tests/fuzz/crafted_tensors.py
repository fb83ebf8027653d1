"""Pickles, dumps, checkpoints and caches that are made to mislead."""

import io
import math
import pickle
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np
import torch
from damages import Damage, Payload, bytes_of, on_bytes, text

_RECONSTRUCT = np.zeros(1).__reduce__()[0]


class _Call:
    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> tuple:
        return self.reduced


def _dtype(code: str, fields: Any = None) -> _Call:
    """A pickled dtype that says of itself that it holds no objects."""
    names = fields and tuple(fields)
    state = (3, '|', None, names, fields, 8, 1, 0)
    return _Call(np.dtype, (code, False, True), state)


def _pointers() -> _Call:
    """An array of 0x4141414141414141 as a pointer to a Python object."""
    kind = _dtype('V8', {'a': (np.dtype('O'), 0)})
    state = (1, (1,), kind, False, b'AAAAAAAA')
    return _Call(_RECONSTRUCT, (np.ndarray, (0,), b'b'), state)


def _wide_tensor() -> _Call:
    """A tensor that asks for more numbers than there are."""
    tensor = torch.zeros(8)
    make, (storage, *_), *_ = tensor.__reduce_ex__(2)
    shape, strides = (5, 1, 96, 64), (96 * 64, 96 * 64, 64, 1)
    return _Call(make, (storage, 0, shape, strides, False, OrderedDict()))


def _nested(path: Path) -> bytes:
    """A payload in the pickle of a storage inside the pickle."""
    inner = pickle.dumps(Payload(path), 2)
    length = len(inner).to_bytes(4, 'little')
    name = b'ctorch.storage\n_load_from_bytes\n'
    return b'\x80\x03' + name + b'(B' + length + inner + b'tR.'


def _deep(_: Path) -> bytes:
    return b'\x80\x02' + b'(' * 200_000 + b't' * 200_000 + b'.'


def _laughs(_: Path) -> bytes:
    """Lists of lists that would print as 10^30 words."""
    value = ['ha'] * 10
    for _level in range(30):
        value = [value] * 10
    return pickle.dumps(value, 2)


def _long(_: Path) -> bytes:
    """A text that claims 16 GB."""
    return b'\x80\x04\x8d' + (16 << 30).to_bytes(8, 'little') + b'x.'


PICKLE = {
    'a hidden payload': bytes_of(_nested),
    'a global alone': text('cos\nsystem\n.'),
    'pointers': bytes_of(lambda path: pickle.dumps([_pointers()], 2)),
    'a tensor wider than its data': bytes_of(
        lambda path: pickle.dumps(_wide_tensor(), 2)
    ),
    'nested deeply': bytes_of(_deep),
    'nested widely': bytes_of(_laughs),
    'a text of 16 GB': bytes_of(_long),
    'a number': bytes_of(lambda path: pickle.dumps(3)),
    'None': bytes_of(lambda path: pickle.dumps(None)),
    'no clips': bytes_of(lambda path: pickle.dumps([])),
}
LOG_MEL = {
    **PICKLE,
    'NaN': bytes_of(
        lambda path: pickle.dumps(torch.full((5, 1, 96, 64), math.nan), 2)
    ),
    'another shape': bytes_of(
        lambda path: pickle.dumps(torch.zeros(5, 96, 64), 2)
    ),
    'whole numbers': bytes_of(
        lambda path: pickle.dumps(torch.zeros(5, 1, 96, 64).long(), 2)
    ),
    'a list of numbers': bytes_of(
        lambda path: pickle.dumps([[0.0] * 64] * 96, 2)
    ),
    'saved by torch, with a payload': bytes_of(
        lambda path: _saved_by_torch([Payload(path)])
    ),
}


def _clips(change: Callable[[list], Any]) -> Damage:
    """Damage: A dump whose clips are changed."""

    def damage(path: Path) -> None:
        path.write_bytes(pickle.dumps(change(pickle.loads(path.read_bytes()))))

    return damage


def _set(field: str, value: Any) -> Damage:
    def change(clips: list) -> list:
        if isinstance(clips[1].get(field), dict):
            data = value(clips[1][field]['data']) if callable(value) else value
            clips[1][field]['data'] = data
        else:
            clips[1][field] = value
        return clips

    return _clips(change)


DUMP = {
    **PICKLE,
    'no ground truth': _clips(lambda clips: [{'clip_id': 'x'}]),
    'clips that are texts': _clips(lambda clips: ['a', 'b']),
    'a clip twice': _clips(lambda clips: clips + clips[:1]),
    'truth as a text': _set('gt_sem_seg', 'x'),
    'truth as None': _clips(lambda clips: [dict(clips[0], gt_sem_seg=None)]),
    'truth of another size': _set('gt_sem_seg', lambda data: data[..., :5]),
    'truth of fewer frames': _set('gt_sem_seg', lambda data: data[:1]),
    'truth without axes': _set('gt_sem_seg', lambda data: data.flatten()),
    'truth as floats': _set('gt_sem_seg', lambda data: data.float() / 3),
    'labels of no class': _set('gt_sem_seg', lambda data: data.long() + 200),
    'predictions of no class': _set(
        'pred_sem_seg', lambda data: data.long() + 200
    ),
    'predictions below 0': _set('pred_sem_seg', lambda data: data.long() - 9),
    'predictions of another size': _set(
        'pred_sem_seg', lambda data: data[..., :5]
    ),
    'classes of one name': _clips(
        lambda clips: [dict(c, classes=('x',)) for c in clips]
    ),
    'classes as a number': _clips(
        lambda clips: [dict(c, classes=7) for c in clips]
    ),
}
BINARY_DUMP = {
    **DUMP,
    'NaN': _set('seg_logits', lambda data: data * math.nan),
    'scores of another size': _set('seg_logits', lambda data: data[..., :5]),
    'scores of many channels': _set(
        'seg_logits', lambda data: data.repeat(1, 7, 1, 1)
    ),
    'scores as labels': _set('seg_logits', lambda data: data.long()),
}


def _saved_by_torch(value: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def _checkpoint(change: Callable[[dict], Any]) -> Damage:
    """Damage: A checkpoint that holds something else."""

    def damage(path: Path) -> None:
        torch.save(change(torch.load(path, weights_only=True)), path)

    return damage


def _weights(change: Callable[[str, Any], Any], name: bool = False) -> Damage:
    """Damage: The first tensor, or its name, is another."""

    def replace(held: dict) -> dict:
        weights = held.get('state_dict', held)
        key, value = next(iter(weights.items()))
        del weights[key]
        weights[change(key) if name else key] = (
            value if name else change(value)
        )
        return held

    return _checkpoint(replace)


def _archive(compression: int, names: Dict[str, bytes]) -> Damage:
    def make(path: Path) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, 'w', compression) as archive:
            for name, data in names.items():
                archive.writestr(name, data)
        return file.getvalue()

    return bytes_of(make)


def _tar(path: Path) -> bytes:
    file = io.BytesIO()
    data = pickle.dumps(Payload(path), 2)
    with tarfile.open(fileobj=file, mode='w') as archive:
        for name in ('sys_info', 'pickle', 'storages', 'tensors'):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


CHECKPOINT = {
    'a payload beside the weights': bytes_of(
        lambda path: _saved_by_torch(dict(state_dict={}, x=Payload(path)))
    ),
    'a payload in the old format': bytes_of(
        lambda path: _saved_by_torch(
            dict(x=Payload(path)), _use_new_zipfile_serialization=False
        )
    ),
    'a payload in a tar archive': bytes_of(_tar),
    'pointers': bytes_of(lambda path: _saved_by_torch(dict(x=_pointers()))),
    'packed zeros': _archive(
        zipfile.ZIP_DEFLATED, {'x/data.pkl': bytes(100 << 20)}
    ),
    'names that lead out': _archive(
        zipfile.ZIP_STORED, {'../../escaped': b'x', 'x/data.pkl': b'N.'}
    ),
    'nothing': _checkpoint(lambda held: {}),
    'a list': _checkpoint(lambda held: [1, 2]),
    'no weights': _checkpoint(lambda held: dict(held, state_dict={})),
    'weights of None': _checkpoint(lambda held: dict(held, state_dict=None)),
    'weights in a list': _checkpoint(
        lambda held: dict(held, state_dict=[torch.ones(1)])
    ),
    'a name that is a number': _weights(lambda key: 3, name=True),
    'another name': _weights(lambda key: f'{key}x', name=True),
    'NaN': _weights(lambda value: value * math.nan),
    'infinite weights': _weights(lambda value: value.float() / 0),
    'numbers in a list': _weights(lambda value: [1.0, 2.0]),
    'another shape': _weights(lambda value: value[:0]),
    'text as a weight': _weights(lambda value: 'x'),
    'a sparse weight': _weights(lambda value: value.flatten().to_sparse()),
    'sixteen bits': _weights(lambda value: value.half()),
}
RESUMED = {
    **CHECKPOINT,
    'no optimizer': _checkpoint(lambda held: dict(held, optimizer=None)),
    'no epoch': _checkpoint(lambda held: dict(held, meta={})),
    'text as the epoch': _checkpoint(
        lambda held: dict(held, meta=dict(epoch='1', iter=2))
    ),
    'code in its config': _checkpoint(
        lambda held: dict(
            held,
            meta=dict(held['meta'], config='import os; os.mkdir("../ran")'),
        )
    ),
}


def _array(value: Callable[[np.ndarray], Any], **options: Any) -> Damage:
    def damage(path: Path) -> None:
        array = value(np.load(path))
        with path.open('wb') as file:
            np.save(file, array, **options)

    return damage


def _huge(data: bytes) -> bytes:
    """State a shape of terabytes in the header of an array."""
    head, _, rest = data.partition(b"'shape': (")
    shape, _, rest = rest.partition(b')')
    wide = b'9' * 12 + b','
    spaces = rest.index(b'\n') - (len(wide) - len(shape))
    return (
        head
        + b"'shape': ("
        + wide
        + b')'
        + rest[:spaces]
        + rest[rest.index(b'\n') :]
    )


def _objects(path: Path) -> None:
    with path.open('wb') as file:
        np.save(file, np.array([Payload(path)], object), allow_pickle=True)


CACHE = {
    'NaN': _array(lambda a: a * np.nan),
    'another shape': _array(lambda a: a[:1]),
    'another type': _array(lambda a: a.astype(np.int64)),
    'objects': _objects,
    'terabytes': on_bytes(_huge),
}
