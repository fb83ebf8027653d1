"""Tables, configs and logs that are made to mislead their readers."""

import json
from pathlib import Path
from typing import Any, Callable

from damages import Damage, bytes_of, canary, on_bytes, text, written


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
    'a list': text('[1, 2, 3]'),
    'null': text('null'),
    'nested deeply': text('{"a": ' + '[' * 100_000),
    'NaN': text('NaN'),
    'a number of 5,000 digits': text('{"clips": ' + '9' * 5000 + '}'),
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

    return written(text)


YAML = {
    'a call': _yaml('object/apply:os.mkdir'),
    'an instance': _yaml('object/new:os.mkdir'),
    'a process': written(
        lambda path: (
            'x: !!python/object/apply:subprocess.getoutput '
            f'["mkdir {canary(path)}"]\n'
        )
    ),
    'a module': text('x: !!python/module:antigravity\n'),
    'a name': text('model: !!python/name:os.system\n'),
    'a billion laughs': text(
        'a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n'
        + ''.join(
            f'a{i}: &a{i} [{", ".join([f"*a{i - 1}"] * 9)}]\n'
            for i in range(1, 10)
        )
    ),
    'itself inside': text('model: &m\n  inner: *m\n'),
    'nested deeply': text('model: ' + '[' * 50_000),
    'a list': text('- 1\n- 2\n'),
    'a number': text('7\n'),
    'a base that is absent': text('_base_: absent.yaml\nmodel: {}\n'),
    'itself as its base': text('_base_: c.yaml\nmodel: {}\n'),
    'a base that is not a config': text('_base_: c.bin\nmodel: {}\n'),
    'a package that is absent': text(
        'custom_imports: {imports: [no_such_package]}\nmodel: {type: x}\n'
    ),
    'two documents': text('model: {}\n---\nmodel: {}\n'),
}
JSON_CONFIG = {
    **JSON,
    'itself as its base': text('{"_base_": "c.json", "model": {}}'),
    'a base that is a number': text('{"_base_": 7, "model": {}}'),
    'a model that is a text': text('{"model": "x"}'),
    'a package that is absent': text(
        '{"custom_imports": {"imports": ["no_such_package"]}, "model": {}}'
    ),
}
PYTHON_CONFIG = {
    'an unknown name': text('model = dict(type=unknown)\n'),
    'a division by 0': text('model = dict(a=1 / 0)\n'),
    'itself as its base': text("_base_ = 'c.py'\nmodel = dict()\n"),
    'a base that is absent': text("_base_ = 'absent.py'\nmodel = dict()\n"),
    'NUL bytes': bytes_of(lambda path: b'model = dict()\0\n'),
    'nested deeply': text('model = ' + '[' * 5_000 + ']' * 5_000),
}
OUTPUTS = {
    'a name that leads out': text('../precious\n0.png\n1.png\n'),
    'an absolute name': written(
        lambda path: f'{path.parents[1] / "precious"}\n0.png\n1.png\n'
    ),
    'a link that leads out': lambda path: (
        (path.parent / 'x').symlink_to('..'),
        path.write_text('x/precious\n0.png\n1.png\n'),
    ),
    'names of 1 MB': text('a' * 1_000_000 + '\n0.png\n1.png\n'),
}
