"""Kept runs, the page made of them, and what it compares with."""

import json
from itertools import chain
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config
from run_tool import load_tool

from mmavs.analysis import deaf_oracle as oracle_module
from mmavs.analysis.deaf_oracle import deaf_oracle
from mmavs.analysis.results_page import (
    draw_plots,
    is_trained,
    spread,
    write_tables,
)
from mmavs.analysis.results_store import (
    config_digest,
    flat_figures,
    last_quarter_gain,
    lineage,
    read_record,
    read_run,
    validation_curve,
    write_run,
)
from mmavs.datasets.synthetic.generate import Plan
from mmavs.evaluation.functional.robustness import robustness


def run(seed=0, own=60.0, rate=2.0, validation=((1, 50.0), (2, 55.0))):
    sounds = dict(
        own=dict(J=own, F=70.0, sounding=10.0, J_constant=1.0, F_constant=2.0),
        mute=dict(J=5.0, F=6.0, FPR=rate, silent_mIoU=100 - rate, RA=40.0),
    )
    return dict(
        digest='x',
        command='tools/train.py',
        seed=seed,
        budget=dict(max_epochs=12),
        device='cpu',
        figures=dict(clips=2, sounds=sounds),
        validation=[list(point) for point in validation],
    )


def test_a_run_is_known_by_its_config(tmp_path):
    config = Config(dict(a=1, work_dir='here', load_from='x.pth'))
    elsewhere = Config(dict(a=1, work_dir='there'))
    digest = config_digest(config)
    assert digest == config_digest(elsewhere)
    assert digest != config_digest(Config(dict(a=2)))
    scaled = dict(enable=False, base_batch_size=8)
    assert digest == config_digest(Config(dict(a=1, auto_scale_lr=scaled)))
    scaled['enable'] = True
    assert digest != config_digest(Config(dict(a=1, auto_scale_lr=scaled)))
    path = tmp_path / 'kept' / 'a_0.json'
    assert read_run(path, digest) is None
    write_run(path, dict(run(), digest=digest))
    assert read_run(path, digest)['figures'] == run()['figures']
    with pytest.raises(ValueError, match='another config.*Fix: remove'):
        read_run(path, 'y')
    path.write_text(json.dumps(dict(run(), figures=[])))
    with pytest.raises(
        ValueError, match=r"damaged: its \['figures'\] are odd"
    ):
        read_run(path, digest)


def test_figures_by_one_name():
    flat = flat_figures(run())
    assert flat['J'] == 60 and flat['mute J'] == 5 and flat['mute FPR'] == 2
    # fit (60 + 70) / 2, quiet 1 - 2 / 10
    assert flat['robustness'] == pytest.approx(2 * 65 * 80 / 145)


def test_curves_come_from_all_logs_of_a_run(tmp_path):
    for name, lines in (
        ('1', ['{"loss": 1, "step": 9}', '{"mIoU": 10.0, "step": 1}']),
        ('2', ['{"mIoU": 20.5, "step": 2}', '{"mIoU": 3']),
    ):
        log = tmp_path / name / 'vis_data' / 'scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text('\n'.join(lines))
    assert validation_curve(tmp_path) == [[1, 10.0], [2, 20.5]]


def test_what_the_last_quarter_gains():
    assert last_quarter_gain([[1, 5.0], [2, 6.0], [3, 4.0]]) is None
    rises = [[i, float(i)] for i in range(1, 9)]
    assert last_quarter_gain(rises) == 2.0  # 8 less 6
    falls = [[1, 9.0], [2, 8.0], [3, 7.0], [4, 6.0]]
    assert last_quarter_gain(falls) == 0.0


def test_other_budgets_are_named_by_their_rows():
    other = dict(run(), budget=dict(max_epochs=6), device='NVIDIA H200')
    both = [run(), dict(run(1), device='NVIDIA H200')]
    text = write_tables('ms3', 'MS3', {'AVIS': [other], 'FiLM': both}, 2)
    most = 'max_epochs 12 (runs: 1 on cpu, 1 on NVIDIA H200)'
    assert f'Budget: {most}; AVIS: max_epochs 6 (runs: 1 on' in text


def test_tables_by_hand():
    records = {'FiLM': [run(0, 60.0), run(1, 64.0, 4.0)], 'AVSAC': []}
    text = write_tables('ms3', 'MS3', records, 3)
    assert text.startswith('## MS3\n\n```bash\npython tools/analysis_tools/')
    assert 'Budget: max_epochs 12 (runs: 2 on cpu).' in text
    lines = text.splitlines()
    films = [line for line in lines if line.startswith('| FiLM')]
    own = '62.0 ± 2.0 / 70.0 ± 0.0'
    assert films[0].startswith(f'| FiLM | 2 of 3 | {own} | 5.0 ± 0.0 / ')
    mute = '3.0 ± 1.0 / 40.0 ± 0.0'
    # robustness 2 * 65 * 80 / 145 and 2 * 67 * 60 / 127
    assert films[1] == f'| FiLM | 2 of 3 | {mute} | - | - | 67.5 ± 4.2 | - |'
    assert sum(line.startswith('| AVSAC | not run |') for line in lines) == 2
    beside = write_tables('ms3', 'MS3', records, 3, {'AVSAC': 64.15})
    assert '\n|  | J, paper | seeds | own |' in beside
    assert f'\n| FiLM | - | 2 of 3 | {own} |' in beside
    assert '\n| AVSAC | 64.15 | not run |\n' in beside
    finder = run()
    finder['figures']['sounds']['own']['I'] = 31
    found = write_tables('ms3', 'MS3', dict(records, AVIS=[finder]), 3)
    assert '| offscreen | instances | robustness |' in found
    mute = '2.0 / 40.0 | - | - | 31.0 | 71.7 | -'
    assert f'\n| AVIS | 1 of 3 | {mute} |\n' in found
    assert '| FiLM | 2 of 2 |' in write_tables('ms3', 'MS3', records, 1)
    nothing = write_tables('s4', 'S4', {'A+V': [], 'TPAVI': []}, 2)
    assert nothing.endswith('Not run: A+V, TPAVI.\n')
    assert spread([1.0, None]) == '-' and spread([1.26]) == '1.3'


def test_plots_need_a_training(tmp_path):
    path = tmp_path / 'a.png'
    assert not is_trained({'AVSAC': []})
    assert not is_trained({'oracle': [run(validation=())]})
    records = {'FiLM': [run(), run(1)], 'AVSAC': []}
    records.update({str(i): [run()] for i in range(20)})  # more than colours
    assert is_trained(records)
    draw_plots(records, path)
    assert path.read_bytes().startswith(b'\x89PNG')


def test_an_oracle_that_hears_nothing():
    plan = Plan('s4-alone', dict(test=3), 32, 0, False)
    alone = deaf_oracle(plan)
    assert alone['J'] == pytest.approx(100) and alone['F'] > 99.9
    beside = deaf_oracle(plan._replace(setting='s4', clips=dict(test=6)))
    assert beside['J'] < 95 and alone['sounding'] > 0


def test_an_oracle_of_classes_by_hand(monkeypatch):
    """Clips of five and ten frames; of two objects in each, one sounds."""
    drawn = []
    for frames, rows in ((5, 10), (10, 5)):
        seen = np.zeros((frames, 48, 48), np.uint8)
        seen[:, :rows, :10], seen[:, 20 : 20 + rows, 20:30] = 3, 7
        drawn.append((seen, np.where(seen == 3, seen, 0)))
    labels = iter(drawn)
    monkeypatch.setattr(oracle_module, '_labels', lambda *_: next(labels))
    scores = deaf_oracle(Plan('avss', dict(test=2), 48, 0, False))
    # background: 5 frames of the first, 5 of padding, 10 of the second
    first, second = (2304 - 200) / (2304 - 100), (2304 - 100) / (2304 - 50)
    background = (5 * first + 5 + 10 * second) / 20
    assert scores['J'] == pytest.approx(100 * (background + 1 + 0) / 11)
    # mean over frames, as the rate of false positives is
    shares = (5 * 200 + 10 * 100) / 2304 / 15
    assert scores['sounding'] == pytest.approx(100 * shares)


def test_rows_of_the_page_are_configs():
    tool = load_tool('analysis_tools/results')
    tables = tool.read_tables()
    assert len(tables['ms3']['rows']) >= 10
    for table in tables.values():
        for row, _ in table['rows'].values():
            assert (tool.ROOT / row.config).is_file(), row.config
        assert set(table.get('reported', ())) <= set(table['rows'])
        for name, other in table.get('also', {}).items():
            assert name in tables[other]['rows']
            assert tables[other]['setting'] == table['setting']


def test_the_page_is_what_the_kept_runs_give():
    tool = load_tool('analysis_tools/results')
    tables = tool.read_tables()
    known = tool.known_of(tables)
    runs = chain(*(runs for rows in known.values() for runs in rows.values()))
    kept = [read_record(path) for path in tool.STORE.rglob('*.json')]
    # none is of a config that has changed since, or of no table
    assert {r['command'] for r in kept} == {r['command'] for r in runs}
    for figures in (r['figures'] for r in kept if 'seed' in r):
        joined = pytest.approx(robustness(figures['sounds']))
        assert figures['robustness'] == joined
    page = tool.PAGE.read_text()
    assert page.count(tool.BEGIN) == page.count(tool.END) == 1
    fix = 'run: python tools/analysis_tools/results.py --page-only'
    assert tool.page_of(tables, known) == page, fix
    for key, records in known.items():
        assert tool.is_trained(records) == tool.picture_of(key).is_file()


@pytest.fixture
def chain_of_runs(monkeypatch, tmp_path):
    """The tool over three stages, its calls of compare.py, and its store."""
    tool = load_tool('analysis_tools/results')
    monkeypatch.setattr(tool, 'STORE', tmp_path)
    monkeypatch.setattr(tool, 'ensure_synthetic', lambda *a, **k: None)
    config = 'configs/synthetic/tpavi_tiny_ms3.py'
    shared = ('train_cfg.max_epochs=1',)
    one = tool.Row(config, ())
    # the first stage has one seed for all
    start = f'load_from=work_dirs/results/a/{one.run_name(7)}/epoch_1.pth'
    two = tool.Row(config, (start,))
    start = f'load_from=work_dirs/results/b/{two.slug}_{{seed}}/best_*.pth'
    three = tool.Row(config, (start, 'model.neck.1.window=1'))
    tables = dict(
        one=dict(store='a', rows=dict(one=(one, shared)), options=[*shared]),
        two=dict(store='b', rows=dict(two=(two, ()))),
        three=dict(store='b', rows=dict(three=(three, ()))),
    )
    for table in tables.values():
        table.update(setting='ms3', seeds=[4])
    called, codes = [], []

    def run_compare(command, cwd):
        called.append(command[2:])
        return SimpleNamespace(returncode=codes.pop(0) if codes else 0)

    monkeypatch.setattr(tool.subprocess, 'run', run_compare)
    return tool, tables, (one, two, three), called, codes


def test_what_a_row_starts_from_is_trained_in_a_clone(chain_of_runs):
    tool, tables, (one, two, three), called, codes = chain_of_runs
    args = SimpleNamespace(seeds=None, jobs=2)
    write_run(tool.path_of(tables['two'], two, 4), run(4))
    assert tool.run_table(tables, 'three', args) == 0
    assert [command[0] for command in called] == [
        row.text for row in (one, two, three)
    ]
    assert ['--weights' in command for command in called] == [
        True,
        True,
        False,
    ]
    seeds = [command[1:3] for command in called]
    assert seeds == [['--seeds', '7'], ['--seeds', '4'], ['--seeds', '4']]
    assert called[0][-2:] == ['--options', 'train_cfg.max_epochs=1']
    assert called[2][-2:] == ['--jobs', '2']
    for failing in (0, 1):  # what starts from nothing is not run
        called.clear()
        codes[:] = [0] * failing + [3]
        assert tool.run_table(tables, 'three', args) == 3
        assert len(called) == failing + 1
    called.clear()
    write_run(tool.path_of(tables['three'], three, 4), run(4))
    assert tool.run_table(tables, 'three', args) == 0
    assert [command[0] for command in called] == [three.text]


@pytest.mark.parametrize('folder', ['s/no_4', 'b/no_number', 'other'])
def test_a_row_that_starts_from_nobody_s_weights(chain_of_runs, folder):
    tool, tables, (row, *_), *_ = chain_of_runs
    start = f'load_from=work_dirs/results/{folder}/a.pth'
    with pytest.raises(ValueError, match='no table has a row that makes.*Fix'):
        tool.start_of(tables, row._replace(options=(start,)), 4)


def test_a_row_of_weights_that_changed_is_left_out(chain_of_runs, capsys):
    tool, tables, (one, two, three), *_ = chain_of_runs
    first = tool.digest_of(one, ('train_cfg.max_epochs=1',), 7)
    second = lineage(tool.digest_of(two, (), 4), first)
    digest = tool.digest_of(three, (), 4)
    kept = dict(run(4), digest=digest, starts_from=second)
    path = tool.path_of(tables['three'], three, 4)
    write_run(path, kept)
    assert tool.records_of(tables, 'three') == dict(three=[kept])
    # the first of three stages is trained in another way
    tables['one']['rows']['one'] = one, ('train_cfg.max_epochs=2',)
    assert tool.records_of(tables, 'three') == dict(three=[])
    assert 'as they were before. Fix: remove' in capsys.readouterr().err


def test_every_run_can_be_kept(tmp_path):
    tool = load_tool('analysis_tools/results')
    for table in tool.read_tables().values():
        for row, _ in table['rows'].values():
            write_run(tmp_path / f'{row.run_name(0)}.json', run())


def test_a_table_that_was_killed_is_no_success(chain_of_runs, monkeypatch):
    tool, tables, *_ = chain_of_runs
    codes = iter([0, -9, 0])
    monkeypatch.setattr(tool, 'read_tables', lambda: tables)
    monkeypatch.setattr(tool, 'run_table', lambda *_: next(codes))
    monkeypatch.setattr(tool, 'write_page', lambda _: None)
    monkeypatch.setattr('sys.argv', ['results.py'])
    assert tool.main() == -9
