"""The stack in one picture."""

import subprocess

import pytest

import mmavs
from mmavs.utils import collect_env


@pytest.fixture
def checkout(tmp_path):
    """A repository of one commit, with a folder in it."""
    (tmp_path / 'inner' / 'mmavs').mkdir(parents=True)
    author = ['-c', 'user.name=a', '-c', 'user.email=a@b.c']
    for words in (['init', '-q'], [*author, 'commit', '-qm', 'x']):
        allow = ['--allow-empty'] if 'commit' in words else []
        subprocess.run(['git', '-C', tmp_path, *words, *allow], check=True)
    commit = subprocess.run(
        ['git', '-C', tmp_path, 'rev-parse', 'HEAD'],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tmp_path, commit[:7]


def test_the_commit_is_that_of_mmavs(checkout, monkeypatch):
    root, commit = checkout
    monkeypatch.setattr(mmavs, '__file__', str(root / 'mmavs/__init__.py'))
    assert collect_env._commit() == f'+{commit}'


def test_another_repository_is_not_asked(checkout, tmp_path, monkeypatch):
    root, commit = checkout
    monkeypatch.chdir(root)  # one stands in it
    inner = root / 'inner' / 'mmavs' / '__init__.py'  # or mmavs lies in it
    for place in (inner, '/nowhere/mmavs/__init__.py'):
        monkeypatch.setattr(mmavs, '__file__', str(place))
        assert collect_env._commit() == ''
        assert commit not in collect_env.collect_env()['mmavs']
