"""The scripts of tools/deployment, on a small model and a small set."""

import json
import subprocess
import sys

import pytest
import torch
from run_tool import ROOT, run_tool

from mmavs.apis import init_model

pytestmark = pytest.mark.slow
CONFIG = 'film_tiny_ms3'


@pytest.fixture
def tool(monkeypatch):
    """Run a tool; give its exit code."""

    def call(name, *words):
        return run_tool(name, *words, monkeypatch=monkeypatch)

    return call


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    model = init_model(CONFIG, 'random', 'cpu')
    path = tmp_path / 'weights.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


def scores(folder):
    (path,) = folder.glob('*/*.json')
    return json.loads(path.read_text())


def test_an_exported_model_scores_as_pytorch_does(
    tiny_ms3, weights, tmp_path, tool, capsys
):
    data = [
        '--cfg-options',
        *(
            f'{s}_dataloader.dataset.data_root={tiny_ms3}/'
            for s in ('val', 'test')
        ),
    ]
    path = tmp_path / 'film.onnx'
    words = ('--out', path, '--int8', 2, '--benchmark', *data)
    assert tool('deployment/export', CONFIG, weights, *words) == 0
    said = capsys.readouterr().out
    assert said.count('differs from PyTorch by') == 3
    assert said.count('ms in PyTorch') == 2
    small = tmp_path / 'film_int8.onnx'
    assert small.stat().st_size < 0.5 * path.stat().st_size
    tool('test', CONFIG, weights, '--work-dir', tmp_path / 'torch', *data)
    wanted = scores(tmp_path / 'torch')
    for file, tolerance in ((path, 1e-3), (small, 10)):
        folder = tmp_path / file.stem
        words = ('--work-dir', folder, *data)
        tool('deployment/test', CONFIG, file, *words)
        found = scores(folder)
        for name, value in wanted.items():
            if 'time' not in name:
                assert found[name] == pytest.approx(value, abs=tolerance), name


def test_a_file_that_is_there_is_kept(weights, tmp_path, tool):
    path = tmp_path / 'film.onnx'
    path.write_text('mine')
    with pytest.raises(FileExistsError, match='exists already'):
        tool('deployment/export', CONFIG, weights, '--out', path)
    with pytest.raises(ValueError, match='Fix: name it FILE.pt2'):
        words = ('--out', path, '--to', 'torch-export')
        tool('deployment/export', CONFIG, weights, *words)


def table_of(*words):
    """Run the benchmark; give its exit code, its last row, and its errors."""
    script = ROOT / 'tools/deployment/benchmark.py'
    done = subprocess.run(
        [sys.executable, script, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    row = done.stdout.splitlines()[-1].strip('|').split('|')
    return done.returncode, [value.strip() for value in row], done.stderr


def test_a_model_that_goes_wrong_leaves_the_others_their_rows():
    code, row, said = table_of('nonsense', CONFIG)
    assert code == 2 and 'no config at nonsense' in said
    assert row[0] == CONFIG and float(row[2]) < 1e-4
    assert all(float(value) > 0 for value in row[3:6])


def test_a_model_that_is_not_done_in_time_is_stopped():
    code, row, _ = table_of(CONFIG, '--timeout', '0.5')
    assert code == 1 and row == [CONFIG, 'not done in 0.5 s']
