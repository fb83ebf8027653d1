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


@pytest.fixture
def drive(files, monkeypatch):
    """Lead gdown's fixed addresses to the server: /uc, /download, ..."""
    pytest.importorskip('gdown')
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def send_here(self, request, **options):
        for host in ('drive.google.com', 'drive.usercontent.google.com'):
            request.url = request.url.replace(f'https://{host}', files.address)
        return send(self, request, **options)

    monkeypatch.setattr(HTTPAdapter, 'send', send_here)
    named = {'Content-Disposition': 'attachment; filename="w.pth"'}
    files.extra = lambda path: named if path == '/download' else {}
    files.kind['/uc'] = 'text/html; charset=utf-8'
    return files
