"""The comparison tool's table."""

import argparse
import importlib.util
import json
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
    args = argparse.Namespace(
        metrics=['mIoU', 'mFscore'], costs=False, seeds=[0, 1]
    )
    text = compare.table({row: runs}, args)
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


def test_costs_are_parameters_and_the_median_step(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    row = compare.parse_row(f'{CONFIG}::model.decode_head.channels=(16,16)')
    whole = compare.Row(CONFIG, ())
    times = [0.5, 0.25, 4.0]
    lines = [json.dumps(dict(lr=1, time=time)) for time in times]
    lines.append(json.dumps(dict(mIoU=3.0, time=9.0)))  # of validation
    for seed in (0, 1):
        log = tmp_path / f'{row.slug}_{seed}' / 'now' / 'vis_data'
        log.mkdir(parents=True)
        (log / 'scalars.json').write_text('\n'.join(lines))
    args = argparse.Namespace(
        metrics=['mIoU'], costs=True, seeds=[0, 1], work_dir=tmp_path
    )
    text = compare.table({row: [dict(mIoU=1.0), dict(mIoU=2.0)]}, args)
    head, _, line = text.splitlines()[:3]
    assert head.endswith('| mIoU | parameters (M) | s a step |')
    millions, seconds = line.split(' | ')[2:]
    assert seconds == '0.50 |'
    fewer = compare.parameters(whole, 0) - compare.parameters(row, 0)
    # 3 x 3 convolutions 48 to 32 and 32 to 32 become 48 to 16 and 16 to 16
    before = 9 * (48 * 32 + 32 * 32) + 2 * 32 + 32 + 1
    after = 9 * (48 * 16 + 16 * 16) + 2 * 16 + 16 + 1
    assert fewer == before - after
    assert millions == f'{compare.parameters(row, 0) / 1e6:.2f}'


def test_options_take_the_seed_and_the_last_file(tmp_path):
    for epoch in (3, 6):
        (tmp_path / f'one_7_{epoch}.pth').touch()
    option = f'load_from={tmp_path}/one_{{seed}}_*.pth'
    assert compare.resolve(option, 7) == f'load_from={tmp_path}/one_7_6.pth'
    assert compare.resolve('a.b=[1]', 7) == 'a.b=[1]'
    with pytest.raises(FileNotFoundError, match='run the row that makes it'):
        compare.resolve(option, 8)
