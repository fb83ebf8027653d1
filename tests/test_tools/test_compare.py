"""The comparison tool's table."""

import argparse
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location(
    'compare', ROOT / 'tools/analysis_tools/compare.py'
)
compare = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(compare)
CONFIG = 'configs/synthetic/tpavi_tiny_ms3.py'


def test_rows_are_configs_with_options(monkeypatch):
    monkeypatch.chdir(ROOT)
    row = compare.parse_row(f'{CONFIG}::model.neck.1.window=1 a=b')
    assert row == compare.Row(CONFIG, ('model.neck.1.window=1', 'a=b'))
    assert row.name == 'tpavi_tiny_ms3 model.neck.1.window=1 a=b'
    assert '/' not in row.slug and ' ' not in row.slug
    with pytest.raises(argparse.ArgumentTypeError, match='no config at no.py'):
        compare.parse_row('no.py')


def test_table_gives_mean_and_half_the_range():
    row = compare.Row(CONFIG, ())
    runs = [
        dict(mIoU=60.0, mFscore=70.0, mIoU_constant=50.0),
        dict(mIoU=64.0, mFscore=70.0, mIoU_constant=51.0),
    ]
    text = compare.table([row], {row: runs}, [0, 1])
    head, _, line = text.splitlines()[:3]
    assert head == '| model | mIoU | mFscore | mIoU_constant |'
    assert line == '| tpavi_tiny_ms3 | 62.0 ± 2.0 | 70.0 ± 0.0 | 50.5 ± 0.5 |'


def test_finished_runs_are_not_done_again(tmp_path):
    row = compare.Row(CONFIG, ())
    folder = tmp_path / f'{row.slug}_3'
    folder.mkdir()
    (folder / 'result.json').write_text('{"mIoU": 1.5}')
    args = argparse.Namespace(work_dir=tmp_path, jobs=1, options=[])
    assert compare.run(row, 3, args) == dict(mIoU=1.5)
