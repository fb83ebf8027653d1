"""A tool of this project, run in this process."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def load_tool(name: str):
    """Import ``<name>.py`` below tools/, or below the root (demo/...)."""
    path = ROOT / 'tools' / f'{name}.py'
    path = path if path.is_file() else ROOT / f'{name}.py'
    spec = importlib.util.spec_from_file_location(f'tool_{path.stem}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_tool(name: str, *arguments, monkeypatch):
    """Run a tool's main from the project's root, with a command line."""
    tool = load_tool(name)
    words = [f'{name}.py', *(str(a) for a in arguments)]
    monkeypatch.setattr(sys, 'argv', words)
    monkeypatch.chdir(ROOT)
    return tool.main()
