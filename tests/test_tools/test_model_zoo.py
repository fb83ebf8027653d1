"""The page of all configs: rows, results, and whether it is up to date."""

import importlib.util
import re
from pathlib import Path

import pytest

from mmavs.analysis.complexity import Complexity, clip_complexity
from mmavs.engine.run_config import load_config

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'misc' / 'make_model_zoo.py'
SPEC = importlib.util.spec_from_file_location('make_model_zoo', TOOL)
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)

PAGE = ROOT / 'docs' / 'en' / 'model_zoo.md'
COST = Complexity(
    dict(backbone=2_000_000, audio_encoder=500_000, auxiliary_losses=10_000),
    dict(backbone=3_000_000_000, audio_encoder=200_000_000),
    5,
    (224, 320),
)


@pytest.mark.parametrize('as_list', [False, True])
def test_a_row(as_list):
    result = dict(
        Metrics=dict(mIoU=81.71, mFscore=90.4), Source='reported in the paper'
    )
    config = 'configs/method/method_r50_s4.py'
    metafile = dict(
        Models=[dict(Config=config, Results=[result] if as_list else result)]
    )
    results = tool.results_by_config(metafile)
    entry = tool.Entry(ROOT / config, COST, results['method_r50_s4.py'])
    assert tool.row(entry, PAGE) == (
        f'| [`{config}`](../../{config}) | 5 of 224 x 320 | 2.01 | 0.50 '
        '| 3.2 | 81.7 | 90.4 | reported in the paper |\n'
    )


def test_a_row_without_results_or_sound():
    cost = COST._replace(parameters=dict(backbone=1_000_000))
    row = tool.row(tool.Entry(ROOT / 'configs' / 'a.py', cost, []), PAGE)
    assert row.endswith('| 5 of 224 x 320 | 1.00 |  | 3.2 |  |  |  |\n')


def test_results_of_a_model_without_any():
    metafile = dict(Models=[dict(Config='configs/m/a.py', Results=None)])
    assert tool.results_by_config(metafile) == {'a.py': []}
    assert tool.results_by_config({}) == {}


def test_page_lists_every_config():
    listed = set(re.findall(r'\[`(configs/[^`]+)`\]', PAGE.read_text()))
    there = {
        path.relative_to(ROOT).as_posix()
        for folder in tool.folders(ROOT)
        for path in folder.glob('*.py')
    }
    assert listed == there, 'run: python tools/misc/make_model_zoo.py'


@pytest.mark.parametrize(
    'name', ['synthetic/tpavi_tiny_ms3', 'avsbg/avsbg_r50_ms3']
)
def test_page_says_what_is_counted(name):
    path = ROOT / 'configs' / f'{name}.py'
    results = tool.results_by_config(tool.read_metafile(path.parent))
    entry = tool.Entry(
        path,
        clip_complexity(load_config(str(path))),
        results.get(path.name, []),
    )
    assert tool.row(entry, PAGE) in PAGE.read_text()
