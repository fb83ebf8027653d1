"""What stands behind "Fix:" names arguments that exist."""

import argparse
import ast
import inspect
import re

import pytest
from run_tool import ROOT, load_tool

import mmavs  # noqa: F401
from mmavs.registry import DATASETS, MODELS, TRANSFORMS

SCRIPTS = [*ROOT.glob('tools/**/*.py'), *ROOT.glob('demo/*.py')]
SOURCES = [*ROOT.glob('mmavs/**/*.py'), *SCRIPTS]
# of other programs
FOREIGN = {
    '--force-reinstall',
    '--no-build-isolation',
    '--only-binary',
    '--upgrade',
}


def remedies(path):
    """Give what the texts of a file say behind Fix:, values left out."""
    tree = ast.parse(path.read_text())
    parts = {
        id(value)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for value in node.values
    }
    for node in ast.walk(tree):
        if id(node) in parts:
            continue
        text = ''
        if isinstance(node, ast.JoinedStr):
            text = ''.join(
                v.value if isinstance(v, ast.Constant) else '...'
                for v in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        yield from re.findall(r'Fix: (.*)', text, re.DOTALL)


def options_of(path, monkeypatch):
    """List the options of a script's parser."""

    class Parsed(Exception):
        pass

    def stop(parser, *args, **kwargs):
        raise Parsed(parser)

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, 'parse_known_args', stop)
        with pytest.raises(Parsed) as caught:
            load_tool(str(path.relative_to(ROOT))[:-3]).main()
    actions = caught.value.args[0]._actions
    return {name for action in actions for name in action.option_strings}


def test_options_exist(monkeypatch):
    """In the script itself; of shared code, in one of the scripts."""
    known = {path: options_of(path, monkeypatch) for path in SCRIPTS}
    anywhere = set().union(*known.values()) | FOREIGN
    checked = 0
    for path in SOURCES:
        own = known.get(path, anywhere) | FOREIGN
        for text in remedies(path):
            # what another script is told stands behind its name
            parts = re.split(r'(?=\b[\w/]+\.py\b)', text)
            for place, part in enumerate(parts):
                named = set(re.findall(r'(?<![\w-])--[a-z][\w-]*', part))
                wrong = named - (anywhere if place else own)
                assert not wrong, f'{path}: {wrong} in {text!r}'
                checked += len(named)
    assert checked > 20


def test_arguments_of_classes_exist():
    """``LoadFrameMask(ignore_index=255)`` and the like."""
    checked = 0
    for path in SOURCES:
        for text in remedies(path):
            calls = re.findall(r'\b([A-Z]\w+)\((\w+)=', text)
            calls += re.findall(r'type=.([A-Z]\w+).\W+(\w+)=', text)
            for name, argument in calls:
                kinds = [r.get(name) for r in (DATASETS, MODELS, TRANSFORMS)]
                kind = next((k for k in kinds if k is not None), None)
                if kind is None:
                    continue  # of another package
                names = inspect.signature(kind).parameters
                assert argument in names, f'{path}: {name}({argument}=...)'
                checked += 1
    assert checked >= 5
