"""Where make photo finds stamps, and the table it ends with."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

from mmavs.datasets.composed.tuxpaint import STAMPS

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location('photo', ROOT / 'tools/photo.py')
photo = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(photo)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No package is installed, none was fetched; lists what is run."""
    packages = {'stamps': ('tux', tmp_path / 'usr/share/tuxpaint/stamps')}
    monkeypatch.setattr(photo, 'PACKAGES', packages)
    monkeypatch.setattr(photo, 'SOURCES', tmp_path / 'fetched')
    monkeypatch.setattr(photo.shutil, 'which', lambda name: f'/bin/{name}')
    return packages['stamps'][1]


def run_by(monkeypatch, apt=0, unpacks=True):
    """Let apt-get and dpkg-deb be played; return what was called."""
    called = []

    def run(command, cwd=None):
        called.append(command[0])
        if command[0] == 'apt-get' and not apt:
            (cwd / 'tux_1_all.deb').touch()
        if command[0] == 'dpkg-deb':
            _, _, file, folder = command
            assert file.is_file()
            usual = photo.PACKAGES['stamps'][1]
            (folder / usual.relative_to('/')).mkdir(parents=True)
            return subprocess.CompletedProcess(command, not unpacks)
        return subprocess.CompletedProcess(command, apt)

    monkeypatch.setattr(photo.subprocess, 'run', run)
    return called


def test_a_folder_that_is_given_is_taken_or_missed(tmp_path):
    assert photo.find_source('stamps', tmp_path) == tmp_path
    with pytest.raises(FileNotFoundError, match='--stamps: .*none is not a'):
        photo.find_source('stamps', tmp_path / 'none')


def test_a_package_is_fetched_once(nowhere, monkeypatch):
    called = run_by(monkeypatch)
    found = photo.find_source('stamps', None)
    assert found == photo.SOURCES / 'tux' / nowhere.relative_to('/')
    assert found.is_dir() and not list(photo.SOURCES.rglob('*.deb'))
    assert photo.find_source('stamps', None) == found
    assert called == ['apt-get', 'dpkg-deb']
    nowhere.mkdir(parents=True)
    assert photo.find_source('stamps', None) == nowhere


def test_half_a_package_is_not_taken(nowhere, monkeypatch):
    run_by(monkeypatch, unpacks=False)
    with pytest.raises(OSError, match='unpack .*tux_1_all.deb.* make room'):
        photo.find_source('stamps', None)
    called = run_by(monkeypatch)
    assert photo.find_source('stamps', None).is_dir()
    assert called == ['apt-get', 'dpkg-deb']


def test_without_apt_the_folder_is_asked_for(nowhere, monkeypatch):
    run_by(monkeypatch, apt=100)
    with pytest.raises(FileNotFoundError, match='failed, see above. Fix: run'):
        photo.find_source('stamps', None)
    monkeypatch.setattr(photo.shutil, 'which', lambda name: None)
    with pytest.raises(FileNotFoundError, match='Fix: give --stamps DIR'):
        photo.find_source('stamps', None)


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


def test_what_is_expected_of_a_model_that_listens():
    heard = dict(
        own=dict(J=68.0, F=75.5), mute=dict(J=13.8, FPR=0.0), swap=dict(J=24.7)
    )
    results = {
        'with sound': heard,
        'without sound': dict(own=dict(J=53.0, F=55.5)),
    }
    assert photo.missed(results) == []
    results['without sound']['own'] = dict(J=53.1, F=55.6)
    heard['swap'], heard['mute'] = dict(J=48.1), dict(FPR=10.1)
    assert [line.split(':')[1] for line in photo.missed(results)] == [
        ' 14.9, expected 15 at least',
        ' 19.9, expected 20 at least',
        ' 19.9, expected 20 at least',
        ' 89.9, expected 90 at least',
    ]
