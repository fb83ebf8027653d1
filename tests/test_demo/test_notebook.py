"""The quick start notebook runs from any folder."""

import json
import os
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
    # from any folder; the notebook writes below its own
    paths = [str(ROOT), os.environ.get('PYTHONPATH', '')]
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join(filter(None, paths)))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name='python3',
        resources={'metadata': {'path': str(tmp_path)}},
    )
    client.execute()
    outputs = [o for c in notebook.cells for o in c.get('outputs', ())]
    kinds = [kind for o in outputs for kind in o.get('data', ())]
    assert kinds.count('image/png') == 2
    texts = ''.join(o.get('data', {}).get('text/plain', '') for o in outputs)
    assert 'mIoU' in texts and '(0.0, [' in texts
    html = ''.join(o.get('data', {}).get('text/html', '') for o in outputs)
    assert html.count('<video') == 2
    for name in ('example', 'overlay'):
        assert (tmp_path / f'work_dirs/notebook/{name}.mp4').is_file()
