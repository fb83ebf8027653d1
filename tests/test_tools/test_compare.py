"""The comparison tool's table."""

import argparse
import importlib.util
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location(
    'compare', ROOT / 'tools/analysis_tools/compare.py'
)
compare = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(compare)
CONFIG = 'configs/synthetic/tpavi_tiny_ms3.py'
FIGURES = dict(
    clips=2,
    sounds=dict(own=dict(J=1.5, F=2.5, sounding=4.0), mute=dict(FPR=3.5)),
)


def test_rows_are_configs_with_options(monkeypatch):
    monkeypatch.chdir(ROOT)
    row = compare.parse_row(f'{CONFIG}::model.neck.1.window=1 a=b')
    assert row == compare.Row(CONFIG, ('model.neck.1.window=1', 'a=b'))
    assert row.name == 'tpavi_tiny_ms3 model.neck.1.window=1 a=b'
    assert '/' not in row.slug and ' ' not in row.slug
    with pytest.raises(argparse.ArgumentTypeError, match='no config at no.py'):
        compare.parse_row('no.py')


def test_a_run_names_its_card(monkeypatch):
    monkeypatch.setattr(compare, 'get_device', lambda: 'cpu')
    assert compare.device_name() == 'cpu'
    monkeypatch.setattr(compare, 'get_device', lambda: 'cuda')
    cards = 'mmavs.analysis.measure.torch.cuda.get_device_name'
    monkeypatch.setattr(cards, lambda device: f'a card at {device}')
    assert compare.device_name() == 'a card at cuda'


def test_table_gives_mean_and_half_the_range():
    row = compare.Row(CONFIG, ())
    runs = [
        {'J': 60.0, 'F': 70.0, 'J_constant': 50.0, 'mute FPR': 1.0},
        {'J': 64.0, 'F': 70.0, 'J_constant': 51.0, 'mute FPR': 2.0},
    ]
    args = argparse.Namespace(metrics=['J', 'F'], costs=False, seeds=[0, 1])
    text = compare.table({row: runs}, args)
    head, _, line = text.splitlines()[:3]
    assert head == '| model | J | F | J_constant | mute FPR |'
    assert line == (
        '| tpavi_tiny_ms3 | 62.0 ± 2.0 | 70.0 ± 0.0 | 50.5 ± 0.5 | 1.5 ± 0.5 |'
    )


def arguments(work_dir, results):
    """What the command line gives, one sound and no options."""
    return argparse.Namespace(
        work_dir=work_dir,
        results=results,
        sounds=['own'],
        jobs=1,
        options=[],
        weights=False,
    )


@pytest.fixture
def calls(monkeypatch):
    """Tools that train and test at once, and what they were called with."""
    made = []

    def call(folder, threads, tool, *arguments):
        made.append((tool, *arguments))
        if tool == 'train':
            best = folder / 'best_mIoU_epoch_10.pth'
            # the others: sorted last by name, and left by a killed run
            for name in (best.name, 'best_mIoU_epoch_9.pth', 'best_z.pth'):
                (folder / name).touch()
            hub = dict(runtime_info=dict(best_ckpt=str(best)))
            torch.save(dict(message_hub=hub), folder / 'epoch_10.pth')
        else:
            log = folder / 'test' / 'now'
            log.mkdir(parents=True)
            (log / 'sounds.json').write_text(json.dumps(FIGURES))

    monkeypatch.setattr(compare, 'call', call)
    return made


def test_the_best_of_a_run_is_tested_and_the_run_not_done_again(
    calls, tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)
    row = compare.Row(CONFIG, ('model.neck.1.window=1',))
    args = arguments(tmp_path, tmp_path / 'kept')
    args.sounds, args.options = ['own', 'mute'], ['work_dir=x']
    record = compare.run_alone(row, 3, args)
    assert record['figures'] == FIGURES and record['seed'] == 3
    assert record['budget'] == dict(max_epochs=12, batch_size=8)
    assert record['validation'] == []  # nothing was logged
    folder = tmp_path / f'{row.slug}_3'
    (_, config, *train), (_, _, checkpoint, *test) = calls
    heard, test = test[:5], test[5:]
    assert heard == ['--show-worst', '0', '--sounds', 'own', 'mute']
    assert config == str(ROOT / CONFIG)
    options = ['randomness.seed=3', 'work_dir=x', 'model.neck.1.window=1']
    start = ['--resume', '--work-dir', str(folder), '--cfg-options']
    assert train == [*start, *options]
    assert checkpoint == str(folder / 'best_mIoU_epoch_10.pth')
    assert test[1] == str(folder / 'test') and test[3:] == options
    assert compare.run_alone(row, 3, args) == record
    # as in a clone, which has the kept file alone
    args.work_dir = tmp_path / 'elsewhere'
    assert compare.run_alone(row, 3, args) == record
    assert len(calls) == 2 and not args.work_dir.exists()
    args.weights = True  # for a row that starts from them: trained alone
    assert compare.run_alone(row, 3, args) == record
    assert [tool for tool, *_ in calls[2:]] == ['train']
    assert (args.work_dir / folder.name / 'best_mIoU_epoch_10.pth').exists()
    assert compare.run_alone(row, 3, args) == record
    assert len(calls) == 3  # once is enough
    args.weights = False
    args.sounds = ['own', 'noise', 'mix']
    with pytest.raises(ValueError, match='no figures under noise, mix. Fix'):
        compare.run_alone(row, 3, args)
    args.sounds = ['own']
    args.options = ['train_cfg.max_epochs=1']
    with pytest.raises(ValueError, match='keeps a run of another config.*Fix'):
        compare.run_alone(row, 3, args)
    (args.results / f'{row.slug}_3.json').write_text('{"digest"')
    with pytest.raises(ValueError, match='3.json is damaged.*Fix: remo'):
        compare.run_alone(row, 3, args)


def test_a_run_that_starts_from_another_is_kept_in_a_clone(
    calls, tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)
    args = arguments(tmp_path / 'w', tmp_path / 'kept')
    first = compare.Row(CONFIG, ())
    best = f'{tmp_path}/w/{first.slug}_{{seed}}/best_mIoU_*.pth'
    second = compare.Row(CONFIG, (f'load_from={best}',))
    with pytest.raises(FileNotFoundError, match='run the row that makes it'):
        compare.run_alone(second, 3, args)
    made = compare.run_alone(first, 3, args)
    assert 'starts_from' not in made
    record = compare.run_alone(second, 3, args)
    assert record['starts_from'] == made['digest']  # its lineage: no start
    made_by_two = f'{tmp_path}/w/{second.run_name(3)}/best_mIoU_*.pth'
    third = compare.run_alone(
        compare.Row(CONFIG, (f'load_from={made_by_two}',)), 3, args
    )
    both = compare.lineage(record['digest'], made['digest'])
    assert third['starts_from'] == both != record['digest']
    found = f'load_from={tmp_path}/w/{first.slug}_3/best_mIoU_epoch_10.pth'
    assert record['command'].endswith(found)
    shutil.rmtree(tmp_path / 'w')
    assert compare.run_alone(second, 3, args) == record
    assert len(calls) == 6


def test_a_run_of_other_options_or_another_config_is_not_taken(
    calls, tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)
    path = tmp_path / 'a.py'
    path.write_text(f"_base_ = '{ROOT / CONFIG}'")
    args = arguments(tmp_path / 'w', tmp_path / 'kept')
    compare.run_alone(compare.Row(str(path), ()), 3, args)
    (tmp_path / 'kept' / 'a_3.json').unlink()
    args.options = ['train_cfg.max_epochs=1']
    with pytest.raises(ValueError, match='differs: train_cfg.max_epochs. Fix'):
        compare.run_alone(compare.Row(str(path), ()), 3, args)
    args.options = []
    path.write_text(f"_base_ = '{ROOT / CONFIG}'\nlog_level = 'DEBUG'")
    with pytest.raises(ValueError, match='differs: log_level. Fix'):
        compare.run_alone(compare.Row(str(path), ()), 3, args)


@pytest.mark.parametrize(
    'code, error, message',
    [
        (2, ValueError, r'^train.py: error: no data \(in .*train.log\)'),
        (1, SystemExit, '^train failed, see .*train.log'),
    ],
)
def test_a_tool_that_fails_is_shown(
    tmp_path, monkeypatch, code, error, message
):
    def run(command, stdout, **_):
        stdout.write('a line\ntrain.py: error: no data\n')
        return argparse.Namespace(returncode=code)

    (tmp_path / 'train.log').write_text('before it was interrupted\n')
    monkeypatch.setattr(compare.subprocess, 'run', run)
    with pytest.raises(error, match=message):
        compare.call(tmp_path, 1, 'train', 'a.py')
    log = (tmp_path / 'train.log').read_text()
    assert log.startswith('before it was interrupted\na line\n')


def test_a_run_that_another_does_is_waited_for(calls, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    row = compare.Row(CONFIG, ())
    args = arguments(tmp_path / 'w', tmp_path / 'kept')
    record = compare.run_alone(row, 0, args)
    path = args.results / f'{row.run_name(0)}.json'
    kept = path.read_text()
    path.unlink()
    calls.clear()
    lock = tmp_path / 'w' / f'.{row.run_name(0)}.lock'
    with ThreadPoolExecutor() as pool:
        with compare.FileLock(lock):
            other = pool.submit(compare.run_alone, row, 0, args)
            path.write_text(kept)
        assert other.result() == record and not calls


def test_a_mistake_in_one_row_costs_no_training(calls, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    path = tmp_path / 'r' / 'tpavi_tiny_ms3_0.json'
    path.parent.mkdir()
    path.write_text('{"digest"')
    words = [f'{CONFIG}::model.neck.1.window=1', CONFIG, '--seeds', '0']
    words += ['--work-dir', str(tmp_path), '--results', str(path.parent)]
    monkeypatch.setattr('sys.argv', ['compare.py', *words])
    with pytest.raises(ValueError, match='is damaged'):
        compare.main()
    assert not calls


def test_long_names_of_runs_become_short():
    option = 'load_from=' + 'a/' * 120
    row = compare.Row(CONFIG, (option, 'model.neck.1.window=1'))
    name = row.run_name(3)
    assert name.startswith('tpavi_tiny_ms3_load_from=') and len(name) < 70
    assert name.endswith('_model.neck.1.window=1_3')
    other = row._replace(options=(option + 'b', 'model.neck.1.window=1'))
    assert other.run_name(3) != name
    many = row._replace(options=tuple(f'a.b.c.d={i}' for i in range(30)))
    with pytest.raises(ValueError, match='too long.*Fix'):
        many.run_name(3)


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
        killed = log.parents[1] / 'before' / 'vis_data' / 'scalars.json'
        killed.parent.mkdir(parents=True)
        killed.write_text('{"lr": 1, "ti')
    args = argparse.Namespace(
        metrics=['J'], costs=True, seeds=[0, 1], work_dir=tmp_path,
        options=['model.neck.1.window=1'],
    )  # fmt: skip
    text = compare.table({row: [dict(J=1.0), dict(J=2.0)]}, args)
    head, _, line = text.splitlines()[:3]
    assert head.endswith('| J | parameters (M) | s a step |')
    millions, seconds = line.split(' | ')[2:]
    assert seconds == '0.50 |'
    less = compare.parameters(row, list(row.options))
    fewer = compare.parameters(whole, []) - less
    # 3 x 3 convolutions 32 to 24 and 24 to 24 become 32 to 16 and 16 to 16
    before = 9 * (32 * 24 + 24 * 24) + 2 * 24 + 24 + 1
    after = 9 * (32 * 16 + 16 * 16) + 2 * 16 + 16 + 1
    assert fewer == before - after
    assert millions == f'{less / 1e6:.2f}'
    args.work_dir = tmp_path / 'of_a_clone'
    assert compare.costs(row, args) == [millions, '-']


def test_options_take_the_seed_and_the_last_or_best_file(tmp_path):
    for epoch in (9, 10):
        (tmp_path / f'one_7_{epoch}.pth').touch()
    row = compare.Row(CONFIG, (f'load_from={tmp_path}/one_{{seed}}_*.pth',))
    _, shared, option = compare.options_of(row, 7, ['a=b'])
    assert shared == 'a=b' and option == f'load_from={tmp_path}/one_7_*.pth'
    assert compare.resolve(option) == f'load_from={tmp_path}/one_7_10.pth'
    best = str(tmp_path / 'one_7_9.pth')
    hub = dict(runtime_info=dict(best_ckpt=best))
    torch.save(dict(message_hub=hub), tmp_path / 'epoch_1.pth')
    (tmp_path / 'last_checkpoint').write_text('epoch_1.pth')
    assert compare.resolve(option) == f'load_from={best}'
    assert compare.resolve('a.b=[1]') == 'a.b=[1]'
    with pytest.raises(FileNotFoundError, match='run the row that makes it'):
        compare.resolve(f'load_from={tmp_path}/one_8_*.pth')
    assert compare.resolve(f'load_from={best}') == f'load_from={best}'
    # before the work dir is noted as that of a run from no weights
    with pytest.raises(FileNotFoundError, match='run the row that makes it'):
        compare.resolve(f'load_from={tmp_path}/one_8.pth')
