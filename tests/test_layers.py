"""Imports run downwards, deferred ones too."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / 'mmavs'
# each may import what stands before it
LAYERS = (
    *('version', 'lazy_names', 'processors', 'error_text'),
    *('files', 'warn_once'),
    *('model_index', 'registry', 'compat'),
    'structures',
    *('audio', 'media', 'datasets', 'weights', 'models', 'visualization'),
    *('evaluation', 'engine', 'utils', 'apis', 'deployment'),
    *('testing', 'analysis'),
    *('commands', 'command_line', 'web', '__main__'),
)


def imported(tree, parts):
    """Modules of mmavs that a module of these parts imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = list(parts[: -node.level]) if node.level else []
            name = '.'.join([*above, *(node.module or '').split('.')])
            yield from (f'{name.strip(".")}.{a.name}' for a in node.names)


def test_no_arrow_runs_back_up():
    back, seen = set(), set()
    for path in PACKAGE.rglob('*.py'):
        parts = ('mmavs', *path.relative_to(PACKAGE).with_suffix('').parts)
        if '.mim' in parts or len(parts) == 2 and parts[1] == '__init__':
            continue
        layer = parts[1]
        seen.add(layer)
        for name in imported(ast.parse(path.read_text()), parts):
            other = (name.split('.') + [''])[1]
            if name.startswith('mmavs.') and other in LAYERS:
                if LAYERS.index(other) > LAYERS.index(layer):
                    back.add(f'{path.relative_to(PACKAGE)} -> {other}')
    assert not back
    assert seen <= set(LAYERS)
