"""The quick start notebook runs from a clean clone."""

import json
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / 'demo' / 'quickstart.ipynb'


def test_notebook_is_committed_without_outputs():
    for cell in json.loads(NOTEBOOK.read_text())['cells']:
        assert not cell.get('outputs') and not cell.get('execution_count')


def test_notebook_runs(tmp_path, monkeypatch):
    nbformat = pytest.importorskip('nbformat')
    nbclient = pytest.importorskip('nbclient')
    pytest.importorskip('ipykernel')
    # a clone holds no data; the notebook writes below its root
    for name in ('configs', 'demo'):
        shutil.copytree(ROOT / name, tmp_path / name)
    paths = [str(ROOT), os.environ.get('PYTHONPATH', '')]
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join(filter(None, paths)))
    notebook = nbformat.read(tmp_path / 'demo' / NOTEBOOK.name, as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name='python3',
        resources={'metadata': {'path': str(tmp_path / 'demo')}},
    )
    client.execute()
    outputs = [o for c in notebook.cells for o in c.get('outputs', ())]
    kinds = [kind for o in outputs for kind in o.get('data', ())]
    assert kinds.count('image/png') == 2
    texts = ''.join(o.get('data', {}).get('text/plain', '') for o in outputs)
    assert 'mIoU' in texts and '(0.0, [' in texts
    html = ''.join(o.get('data', {}).get('text/html', '') for o in outputs)
    assert '<video' in html
    assert (tmp_path / 'work_dirs/notebook/overlay.mp4').is_file()
