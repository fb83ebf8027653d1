"""A home of one test alone, and a server that goes wrong as told."""

import pytest
from loopback import Files, serving

from mmavs.files import fetching


@pytest.fixture
def files(monkeypatch, tmp_path):
    monkeypatch.setenv('MMAVS_HOME', str(tmp_path / 'home'))
    monkeypatch.setattr(fetching, 'PAUSE', 0.0)
    with serving(Files()) as served:
        yield served
