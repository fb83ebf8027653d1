"""Weights by their addresses: pinned at first use, there offline."""

import json

import pytest

from mmavs.weights.store import home, obtain, stored


@pytest.fixture
def address(files):
    files.bodies['/w.pth'] = b'weights'
    return f'{files.address}/w.pth'


def test_home(monkeypatch, tmp_path):
    monkeypatch.setenv('MMAVS_HOME', str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv('MMAVS_HOME')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    assert home() == tmp_path / 'cache' / 'mmavs'


def test_files_of_any_address_stay_in_the_home(files):
    addresses = (
        'https://a/w.pth',
        'https://b/w.pth',
        'https://b/../..',
        'https://drive.google.com/uc?id=../../x',
        'https://b/',
    )
    paths = {stored(address) for address in addresses}
    assert len(paths) == len(addresses)
    for path in paths:
        below = path.resolve().relative_to(home() / 'weights')
        assert len(below.parts) == 2


def test_once_here_no_net_is_needed(files, address):
    path = obtain(address, progress=False)
    assert path.read_bytes() == b'weights'
    files.bodies.clear()
    assert obtain(address, progress=False) == path
    assert len(files.requests) == 1
    assert len(json.loads((home() / 'pins.json').read_text())[address]) == 64


def test_a_file_that_changed_here_is_refused(address):
    path = obtain(address, progress=False)
    path.write_bytes(b'others')
    with pytest.raises(RuntimeError, match='has changed since.*Fix: delete'):
        obtain(address, progress=False)
    path.unlink()
    assert obtain(address, progress=False).read_bytes() == b'weights'


def test_a_file_that_changed_there_is_refused(files, address):
    obtain(address, progress=False).unlink()
    files.bodies['/w.pth'] = b'others'
    with pytest.raises(
        RuntimeError, match='not the file that was expected.*pins.json when'
    ):
        obtain(address, progress=False)
    (home() / 'pins.json').unlink()
    assert obtain(address, progress=False).read_bytes() == b'others'


def test_a_list_of_hashes_that_is_damaged_is_named(address):
    obtain(address, progress=False)
    (home() / 'pins.json').write_text('{')
    with pytest.raises(RuntimeError, match='pins.json .*Fix: delete it'):
        obtain(address, progress=False)
