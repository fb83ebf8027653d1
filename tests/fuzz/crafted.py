"""Files that are made to mislead the reader of one kind."""

import io
import json
import math
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np
import torch
from damages import Damage, Payload, bytes_of, canary, on_bytes
from PIL import Image

from mmavs.testing.media import write_test_video

_RECONSTRUCT = np.zeros(1).__reduce__()[0]
_SCALAR = np.float64(0).__reduce__()[0]


def _written(text: Callable[[Path], str]) -> Damage:
    return bytes_of(lambda path: text(path).encode())


def _text(text: str) -> Damage:
    return _written(lambda path: text)


# ---------------------------------------------------------------------- sound


def _field(place: int, form: str, value: Any) -> Damage:
    """Damage: Overwrites a number in a binary header."""

    def change(data: bytes) -> bytes:
        data = bytearray(data)
        struct.pack_into(form, data, place, value)
        return bytes(data)

    return on_bytes(change)


def _samples(value: float) -> Damage:
    """Damage: One sample of a float wav."""
    return on_bytes(
        lambda data: data[:-400] + struct.pack('<f', value) + data[-396:]
    )


WAV = {
    'no channels': _field(22, '<H', 0),
    '60000 channels': _field(22, '<H', 60000),
    'a rate of 0 Hz': _field(24, '<I', 0),
    'a rate of 1 Hz': _field(24, '<I', 1),
    'a rate of 4 GHz': _field(24, '<I', 2**32 - 1),
    'no block': _field(32, '<H', 0),
    'no bits': _field(34, '<H', 0),
    'seven bits': _field(34, '<H', 7),
    'an unknown encoding': _field(20, '<H', 85),
    'a header without length': _field(16, '<I', 0),
    'a header of 4 GB': _field(16, '<I', 2**32 - 2),
    'no data': _field(40, '<I', 0),
    'data of 4 GB': _field(40, '<I', 2**32 - 4),
    'half a sample': on_bytes(lambda data: data[:-1]),
}
FLOAT_WAV = {
    'a NaN': _samples(math.nan),
    'an infinite sample': _samples(math.inf),
    'a sample of 1e30': _samples(1e30),
}

# ------------------------------------------------------------------- pictures


def _png(width: int, height: int, *more: bytes, data: bytes = b'') -> bytes:
    """A PNG that states a size, of which it holds ``data``."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return (
            struct.pack('>I', len(content))
            + name
            + content
            + struct.pack('>I', check)
        )

    header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    return b''.join(
        (
            b'\x89PNG\r\n\x1a\n',
            chunk(b'IHDR', header),
            *(chunk(content[:4], content[4:]) for content in more),
            chunk(b'IDAT', zlib.compress(data, 9)),
            chunk(b'IEND', b''),
        )
    )


@lru_cache(1)
def _packed() -> bytes:
    """500 MB of zeros in 0.5 MB."""
    return zlib.compress(bytes(500 << 20))


def _saved(
    change: Callable[[Image.Image], Image.Image], kind: str = ''
) -> Damage:
    """Damage: The picture made another and saved again."""

    def damage(path: Path) -> None:
        image = Image.open(path)
        image.load()
        change(image).save(path, kind or image.format)

    return damage


PICTURE = {
    'a billion pixels': bytes_of(lambda path: _png(32768, 32768)),
    'a width of 2^31': bytes_of(lambda path: _png(2**31 - 1, 1)),
    'no pixels': bytes_of(lambda path: _png(0, 0)),
    'a text of 500 MB': bytes_of(
        lambda path: _png(32, 32, b'zTXta\0\0' + _packed())
    ),
    'a profile of 500 MB': bytes_of(
        lambda path: _png(32, 32, b'iCCPa\0\0' + _packed())
    ),
    'rows that are missing': bytes_of(
        lambda path: _png(32, 32, data=bytes(33 * 7))
    ),
    'another size': _saved(lambda image: image.resize((31, 32))),
    'a PostScript': _text('%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n'),
    'an animation': bytes_of(lambda path: _gif()),
}
MASK = {
    'other labels': _saved(
        lambda image: image.convert('L').point(lambda v: 77)
    ),
    'sixteen bits': _saved(lambda image: image.convert('I;16')),
    'floats': _saved(lambda image: image.convert('F'), 'TIFF'),
}


def _gif() -> bytes:
    frames = [Image.new('L', (32, 32), grey) for grey in (0, 99)]
    file = io.BytesIO()
    frames[0].save(file, 'GIF', save_all=True, append_images=frames[1:])
    return file.getvalue()


def _turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path) as image:
        image.save(path, quality=95, exif=exif)


def _jpeg_size(data: bytes) -> bytes:
    """State 65,000 x 65,000 pixels in a JPEG."""
    place = data.index(b'\xff\xc0') + 5
    return data[:place] + struct.pack('>HH', 65000, 65000) + data[place + 4 :]


JPEG = {
    **PICTURE,
    'four billion pixels': on_bytes(_jpeg_size),
    'turned by EXIF': _turned,
}

# --------------------------------------------------------------------- videos


def _video(count: int, times: Callable[[int], int]) -> Damage:
    def damage(path: Path) -> None:
        pictures = np.zeros((count, 32, 32, 3), np.uint8)
        sound = np.zeros((1, 16000), np.float32)
        write_test_video(
            path,
            pictures,
            times_ms=[times(i) for i in range(count)],
            sound=sound,
        )

    return damage


def _last_lasts(path: Path) -> None:
    """Let the last of a few pictures last for 36 hours, by the table."""
    times = [0, 400, 700, 900]  # no two pictures last alike
    _video(len(times), times.__getitem__)(path)
    data = bytearray(path.read_bytes())
    table = data.index(b'stts') + 8
    (count,) = struct.unpack_from('>I', data, table)
    place = data.index(b'mdhd') + 16
    (ticks,) = struct.unpack_from('>I', data, place)
    last = table + 4 + 8 * count - 4
    struct.pack_into('>I', data, last, min(131_072 * ticks, 2**31 - 1))
    path.write_bytes(data)


VIDEO = {
    'a list of files': _text('ffconcat version 1.0\nfile clip.mkv\n'),
    'a playlist': _text(
        '#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:5,\nclip.mkv\n'
        '#EXT-X-ENDLIST\n'
    ),
    'an address': _text(
        '#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:5,\n'
        'http://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n'
    ),
    'a session': _text(
        'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n'
        'm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n'
    ),
    'a picture that lasts for days': _last_lasts,
    'pictures ten minutes apart': _video(2, lambda i: 590_000 * i),
    'pictures a day apart': _video(2, lambda i: 86_400_000 * i),
    'one picture': _video(1, lambda i: 0),
    'a picture in place': bytes_of(
        lambda path: _png(32, 32, data=bytes(33 * 32))
    ),
}

# -------------------------------------------------------------------- pickles


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
    'a global alone': _text('cos\nsystem\n.'),
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

# ---------------------------------------------------------------- checkpoints


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

# ---------------------------------------------------------------------- texts


def _row(change: Callable[[str], str]) -> Damage:
    """Damage: The last line of a text."""

    def damage(path: Path) -> None:
        lines = path.read_text().splitlines()
        lines[-1] = change(lines[-1])
        path.write_text('\n'.join(lines) + '\n')

    return damage


_NAMES = ('name', 'video_id', 'uid', 'clip_id')


def _name(value: str, encoding: str = 'utf-8') -> Damage:
    """Damage: The name of the last clip."""

    def damage(path: Path) -> None:
        header, *rows = path.read_text().splitlines()
        columns = header.split(',')
        place = next(i for i, name in enumerate(columns) if name in _NAMES)
        last = rows[-1].split(',')
        last[place] = value
        lines = [header, *rows[:-1], ','.join(last)]
        path.write_bytes('\n'.join([*lines, '']).encode(encoding))

    return damage


CSV = {
    'UTF-16': on_bytes(lambda data: data.decode().encode('utf-16')),
    'a mark of UTF-8': on_bytes(lambda data: b'\xef\xbb\xbf' + data),
    'Latin-1': _name('caf\u00e9', 'latin-1'),
    'semicolons': on_bytes(lambda data: data.replace(b',', b';')),
    'a name that leads out': _name('../../../../etc/passwd'),
    'an absolute name': _name('/etc/passwd'),
    'an empty name': _name(''),
    'a name of dots': _name('..'),
    'a NUL in a name': _name('a\0b'),
    'a name of 5,000 letters': _name('a' * 5000),
    'a quotation mark': _name('"a'),
    'a row twice': _row(lambda line: f'{line}\n{line}'),
    'a row cut off': _row(lambda line: line.partition(',')[0]),
    'a header alone': on_bytes(lambda data: data.splitlines()[0] + b'\n'),
    'a column twice': on_bytes(
        lambda data: b'\n'.join(
            line + b',' + line.split(b',')[0] for line in data.splitlines()
        )
    ),
    'a value of 1 MB': _name('"' + 'a' * 1_000_000 + '"'),
    'a million columns': _row(lambda line: line + ',' * 1_000_000),
}


def _json(change: Callable[[dict], Any]) -> Damage:
    def damage(path: Path) -> None:
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return damage


JSON = {
    'a list': _text('[1, 2, 3]'),
    'null': _text('null'),
    'nested deeply': _text('{"a": ' + '[' * 100_000),
    'NaN': _text('NaN'),
    'a number of 5,000 digits': _text('{"clips": ' + '9' * 5000 + '}'),
    'UTF-16': on_bytes(lambda data: data.decode().encode('utf-16')),
}
SIDE_FILE = {
    **JSON,
    'clips in a list': _json(lambda held: dict(held, clips=[])),
    'clips of None': _json(
        lambda held: dict(held, clips=dict.fromkeys(held['clips']))
    ),
    'no plan': _json(lambda held: dict(held, plan=None)),
    'another maker': _json(lambda held: dict(held, maker=7)),
}
LOG = {
    **JSON,
    'a line that is a list': _row(lambda line: '[1, 2]'),
    'a loss that is a text': _row(lambda line: '{"loss": "x", "step": 3}'),
    'a loss that is NaN': _row(
        lambda line: '{"loss": NaN, "step": 3, "iter": 3}'
    ),
    'a step that is a text': _row(
        lambda line: '{"loss": 1.0, "iter": 3, "step": "x"}'
    ),
    'no step': _row(lambda line: '{"loss": 1.0, "iter": 3}'),
}


def _yaml(tag: str) -> Damage:
    def text(path: Path) -> str:
        return f'model: {{type: x}}\nx: !!python/{tag} ["{canary(path)}"]\n'

    return _written(text)


YAML = {
    'a call': _yaml('object/apply:os.mkdir'),
    'an instance': _yaml('object/new:os.mkdir'),
    'a process': _written(
        lambda path: (
            'x: !!python/object/apply:subprocess.getoutput '
            f'["mkdir {canary(path)}"]\n'
        )
    ),
    'a module': _text('x: !!python/module:antigravity\n'),
    'a name': _text('model: !!python/name:os.system\n'),
    'a billion laughs': _text(
        'a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n'
        + ''.join(
            f'a{i}: &a{i} [{", ".join([f"*a{i - 1}"] * 9)}]\n'
            for i in range(1, 10)
        )
    ),
    'itself inside': _text('model: &m\n  inner: *m\n'),
    'nested deeply': _text('model: ' + '[' * 50_000),
    'a list': _text('- 1\n- 2\n'),
    'a number': _text('7\n'),
    'a base that is absent': _text('_base_: absent.yaml\nmodel: {}\n'),
    'itself as its base': _text('_base_: c.yaml\nmodel: {}\n'),
    'a base that is not a config': _text('_base_: c.bin\nmodel: {}\n'),
    'a package that is absent': _text(
        'custom_imports: {imports: [no_such_package]}\nmodel: {type: x}\n'
    ),
    'two documents': _text('model: {}\n---\nmodel: {}\n'),
}
JSON_CONFIG = {
    **JSON,
    'itself as its base': _text('{"_base_": "c.json", "model": {}}'),
    'a base that is a number': _text('{"_base_": 7, "model": {}}'),
    'a model that is a text': _text('{"model": "x"}'),
    'a package that is absent': _text(
        '{"custom_imports": {"imports": ["no_such_package"]}, "model": {}}'
    ),
}
PYTHON_CONFIG = {
    'an unknown name': _text('model = dict(type=unknown)\n'),
    'a division by 0': _text('model = dict(a=1 / 0)\n'),
    'itself as its base': _text("_base_ = 'c.py'\nmodel = dict()\n"),
    'a base that is absent': _text("_base_ = 'absent.py'\nmodel = dict()\n"),
    'NUL bytes': bytes_of(lambda path: b'model = dict()\0\n'),
    'nested deeply': _text('model = ' + '[' * 5_000 + ']' * 5_000),
}
OUTPUTS = {
    'a name that leads out': _text('../precious\n0.png\n1.png\n'),
    'an absolute name': _written(
        lambda path: f'{path.parents[1] / "precious"}\n0.png\n1.png\n'
    ),
    'a link that leads out': lambda path: (
        (path.parent / 'x').symlink_to('..'),
        path.write_text('x/precious\n0.png\n1.png\n'),
    ),
    'names of 1 MB': _text('a' * 1_000_000 + '\n0.png\n1.png\n'),
}

# --------------------------------------------------------------------- caches


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

CRAFTED: Dict[str, Dict[str, Damage]] = {
    'wav of a data set': WAV,
    'float wav': {**WAV, **FLOAT_WAV},
    'frame, png': PICTURE,
    'frame, jpg': JPEG,
    'frame of a folder': JPEG,
    'mask, binary': {**PICTURE, **MASK},
    'mask, indices': {**PICTURE, **MASK},
    'mask, colours': {**PICTURE, **MASK},
    'category map': {**PICTURE, **MASK},
    'predicted mask': {**PICTURE, **MASK},
    'released log-mel': LOG_MEL,
    'log-mel cache': CACHE,
    'csv, S4': CSV,
    'csv, MS3': CSV,
    'csv, AVSS': CSV,
    'csv, own clips': CSV,
    'clips of a score': CSV,
    'synthetic.json': SIDE_FILE,
    'prepared.json': JSON,
    'sound of an mp4': VIDEO,
    'mp4, prepared': VIDEO,
    'mp4, segmented': VIDEO,
    'checkpoint': CHECKPOINT,
    'checkpoint, old format': CHECKPOINT,
    'load_from': CHECKPOINT,
    'checkpoint, resumed': RESUMED,
    'checkpoint, published': CHECKPOINT,
    'released VGGish': CHECKPOINT,
    'released AVS-BG': CHECKPOINT,
    'released AVSegFormer': CHECKPOINT,
    'dump, binary': BINARY_DUMP,
    'dump, semantic': DUMP,
    'config, py': PYTHON_CONFIG,
    'config, yaml': YAML,
    'config, json': JSON_CONFIG,
    'log of a run': LOG,
    'list of outputs': OUTPUTS,
}

# other videos, in which nothing is wrong with the sound
_OTHERS = {
    'pictures ten minutes apart',
    'pictures a day apart',
    'one picture',
    'a picture that lasts for days',
}
_LESS = {'absent', 'a folder'}  # one picture less in a folder
_WHOLE = {'rows that are missing'}  # by every checksum that a PNG has
# other results that are right, and those of formats without checksums
UNSEEN: Dict[str, set] = {
    'frame, jpg': _LESS,
    'frame of a folder': _LESS,
    'mask, binary': {*_LESS, *_WHOLE},  # a frame without a label
    'mask, indices': _WHOLE,
    'mask, colours': _WHOLE,
    'predicted mask': _WHOLE,
    'frame, png': _WHOLE,
    'category map': {'other labels', *_WHOLE},
    'synthetic.json': {'absent', 'a link to itself'},
    'checkpoint': {'sixteen bits'},
    'checkpoint, old format': {'sixteen bits'},
    'load_from': {'sixteen bits'},
    'checkpoint, resumed': {'sixteen bits'},
    # known by --config alone, or once they are loaded
    'checkpoint, published': {'sixteen bits', 'another name', 'another shape'},
    'released VGGish': {'sixteen bits', 'another shape'},
    'released AVS-BG': {'sixteen bits', 'another shape'},
    'released AVSegFormer': {'sixteen bits', 'another name', 'another shape'},
    'list of outputs': {'absent'},
    'flac': {'twice'},
    'sound of an mp4': _OTHERS,
    'mp4, prepared': {'a picture that lasts for days'},
    'mp4, segmented': {'one picture'},
    'mkv, segmented': {'twice'},
    'clips of a score': {'end cut off', 'a row cut off'},
    'config, yaml': {'half', 'end cut off'},
}
