"""Curves from logs: places of validations, resumed runs, errors."""

import importlib.util
import json
from pathlib import Path

import pytest
from PIL import Image

TOOL = (
    Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'analyze_logs.py'
)
SPEC = importlib.util.spec_from_file_location('analyze_logs', TOOL)
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(json.dumps(row) for row in rows))


def step(number, loss, epoch):
    return dict(loss=loss, time=0.5, epoch=epoch, iter=number, step=number)


@pytest.fixture
def work_dir(tmp_path):
    """A run of two epochs that died, resumed after its first."""
    root = tmp_path / 'film'
    first = [
        step(10, 1.0, 1),
        dict(mIoU=40.0, time=9.0, step=1),
        step(20, 0.9, 2),
    ]
    second = [step(20, 0.8, 2), dict(mIoU=60.0, time=9.0, step=2)]
    write(root / '20260101_000000' / 'vis_data' / 'scalars.json', first)
    write(root / '20260102_000000' / 'vis_data' / 'scalars.json', second)
    return root


def test_validations_stand_at_training_steps(work_dir):
    run = tool.read_run(work_dir, 'film')
    assert run.curves['loss'] == [(10, 1.0), (20, 0.8)]
    assert run.curves['mIoU'] == [(10, 40.0), (20, 60.0)]
    assert run.curves['time'] == [(10, 0.5), (20, 0.5)]
    assert tool.describe(run) == (
        'film, best J 60.00 at step 20 (epoch 2), last 60.00, '
        'loss 1.000 to 0.800, 0.500 s a step'
    )


def test_running_mean():
    assert tool.smooth([1, 2, 3, 4], 2) == [1, 1.5, 2.5, 3.5]
    assert tool.smooth([1, 2], 1) == [1, 2]


def test_picture_from_work_dir_and_file(work_dir, monkeypatch, capsys):
    out = work_dir / 'pictures' / 'curves.png'
    log = work_dir / '20260101_000000' / 'vis_data' / 'scalars.json'
    argv = ['tool', work_dir, log, '--legend', 'a', 'b', '--out', out]
    monkeypatch.setattr('sys.argv', [str(word) for word in argv])
    tool.main()
    assert Image.open(out).size == (1440, 480)
    assert 'b, best J 40.00 at step 10' in capsys.readouterr().out


def test_errors_say_what_to_do(work_dir, monkeypatch):
    def fails(message, *words):
        argv = ['tool', *(str(word) for word in words)]
        monkeypatch.setattr('sys.argv', argv)
        with pytest.raises((ValueError, OSError), match=message):
            tool.main()

    fails("no run has 'mAcc'.*'loss', 'mIoU'", work_dir, '--keys', 'mAcc')
    fails('no log in', work_dir / 'none')
    bad = work_dir / 'bad.json'
    bad.write_text('{"loss": 1.0, "iter": 1, "step": 1}\n{"loss": ')
    fails('bad.json, line 2 is not JSON', bad)
    for line in ('[1]', '{"loss": "x"}', '{"loss": 1.0, "iter": 3}'):
        bad.write_text(f'{line}\n')
        fails('bad.json, line 1 is not a row of numbers.*Fix', bad)
    bad.write_bytes(b'\x80')
    fails('bad.json, line 1: not UTF-8', bad)
    bad.write_text('')
    fails('bad.json logs no value. Fix', bad)
