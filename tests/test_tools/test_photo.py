"""Where make photo finds stamps, and the table it ends with."""

import argparse
import importlib.util
from pathlib import Path

import pytest

from mmavs.datasets.composed.tuxpaint import STAMPS

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location('photo', ROOT / 'tools/photo.py')
photo = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(photo)


def given(**folders):
    return argparse.Namespace(
        **{'stamps': None, 'backgrounds': None, **folders}
    )


def test_folders_that_are_given_are_taken(tmp_path):
    found = photo.find_sources(given(stamps=tmp_path, backgrounds=tmp_path))
    assert found == (tmp_path, tmp_path)


def test_packages_that_were_fetched_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(photo, 'SOURCES', tmp_path)
    absent = tmp_path / 'usr/none'
    monkeypatch.setattr(photo, 'STAMPS', absent)
    monkeypatch.setattr(photo, 'BACKGROUNDS', absent)
    monkeypatch.setattr(photo.shutil, 'which', lambda name: None)
    with pytest.raises(FileNotFoundError, match='Fix: give --stamps DIR'):
        photo.find_sources(given())
    there = tmp_path / absent.relative_to('/')
    there.mkdir(parents=True)
    assert photo.find_sources(given()) == (there, there)


def test_classes_are_those_of_stamps():
    assert set(photo.CLASSES) <= {stamp.kind for stamp in STAMPS}
    assert len(set(photo.CLASSES)) == len(photo.CLASSES) == 35


def test_table():
    figures = dict(
        own=dict(J=54.26, F=56.9, FPR=1.0), mute=dict(J=20, FPR=0.04)
    )
    head, own, mute = photo.table({'with sound': figures}).splitlines()
    assert head.split() == ['model,', 'sound', 'J', 'F', 'FPR']
    assert own.split() == ['with', 'sound,', 'own', '54.3', '56.9', '1.0']
    assert mute.split()[3:] == ['20.0', '-', '0.0']
