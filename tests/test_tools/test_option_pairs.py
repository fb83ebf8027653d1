"""Every pair of tools/test.py's options runs, or is refused with a remedy.

The options come from the parser: a new one fails here until it has a value in
``VALUES`` and, if it writes, a check. ``make test`` runs rows that hold every
pair of choices at least once, and each pair that is refused; ``make
test-pairs`` every pair of options alone, with every kind of model and of data
set. Figures depend on the model, the data and --tta, and on nothing else.
"""

import argparse
import json
import re
import sys
from itertools import combinations, product

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from pairwise import all_pairs, covering_rows, pairs_of
from run_tool import ROOT, load_tool

from mmavs.apis import init_model
from mmavs.evaluation.dump_reader import read_dump
from mmavs.files.output_folder import OutputFolder

MODELS = {
    'binary': ('film_tiny_ms3', 'tiny_ms3', 'Multi-sources'),
    'semantic': ('add_tiny_avss', 'tiny_avss', 'AVSBench-semantic'),
    'instances': ('avis_tiny_s4', 'tiny_s4', 'Single-source'),
}
DATA = ('plain', 'concat', 'repeat')
# what stands behind an option; None: the option has no value
VALUES = {
    '--work-dir': 'work',
    '--out': 'masks',
    '--released-names': None,
    '--soft-masks': None,
    '--dump': 'x.pkl',
    '--show-dir': 'pictures',
    '--overwrite': None,
    '--sounds': 'own',
    '--sound-seed': '1',
    '--show-worst': '1',
    '--tta': None,
    '--precision': 'bf16',
    '--synthetic': None,
    '--cfg-options': 'test_dataloader.batch_size=2',
    '--launcher': 'none',  # the others start with ranks: test_distributed.py
}
OWN = ('--help', '--local-rank')


def parser_of(tool, monkeypatch):
    """Catch the tool's parser when it is asked to parse."""
    caught = []

    def stop(parser, *args, **kwargs):
        caught.append(parser)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, 'parse_known_args', stop)
        with pytest.raises(SystemExit):
            load_tool(tool).main()
    return caught[0]


def options_of(parser):
    names = [a.option_strings[-1] for a in parser._actions if a.option_strings]
    return [name for name in names if name not in OWN]


def factors():
    """Choices: model, data set, and each option there or not."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        options = options_of(parser_of('test', monkeypatch))
    unknown = set(options) ^ set(VALUES)
    assert not unknown, f'no value, or no option: {unknown}'
    choices = {name: (False, True) for name in options}
    checkpoint = dict(checkpoint=(True, False))
    return dict(model=tuple(MODELS), data=DATA, **checkpoint, **choices)


def refused(row):
    """Whether choices exclude one another; ``row`` may be a part of one."""
    out = row.get('--out', True)
    return (
        (row.get('--released-names') and not out)
        or (row.get('--soft-masks') and not out)
        or (row.get('--soft-masks') and row.get('model') == 'semantic')
        or (row.get('--show-worst') and not row.get('--sounds', True))
        or not (row.get('checkpoint', True) or row.get('--synthetic', True))
    )


def every_pair():
    """Each pair of options alone, with each model and data set."""
    names = [name for name in factors() if name.startswith('--')]
    for model, data in product(MODELS, DATA):
        for chosen in combinations(names, 2):
            yield dict(
                dict.fromkeys(names, False),
                model=model,
                data=data,
                checkpoint=True,
                **dict.fromkeys(chosen, True),
            )


def label(row):
    flags = [name for name, on in row.items() if on is True]
    return '+'.join([row['model'], row['data'], *flags]).replace('--', '')


def test_the_rows_hold_every_pair():
    found = set().union(*map(pairs_of, covering_rows(factors(), refused)))
    excluded = {pair for pair in all_pairs(factors()) if refused(dict(pair))}
    assert found == all_pairs(factors()) - excluded
    assert len(excluded) == 5


@pytest.fixture(scope='module')
def models(request, tmp_path_factory):
    """Config and random weights of each kind, and their data by name."""
    folder = tmp_path_factory.mktemp('pairs')
    found = {}
    for kind, (name, fixture, root) in MODELS.items():
        config = Config.fromfile(ROOT / f'configs/synthetic/{name}.py')
        config.load_from = None
        loader = config.test_dataloader
        loader.update(num_workers=0, persistent_workers=False, batch_size=3)
        loader.dataset.data_root = f'data/avsbench/{root}/'
        loader.dataset.indices = 2
        loader.dataset.pipeline[1].cache_dir = None
        # those of training and validation are nowhere
        config.work_dir = 'default'
        torch.manual_seed(0)
        model = init_model(config, device='cpu')
        weights = folder / f'{kind}.pth'
        torch.save(dict(state_dict=model.state_dict()), weights)
        for where in ('avsbench', 'synthetic'):
            place = folder / 'data' / where / root
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(request.getfixturevalue(fixture))
        found[kind] = config, weights
    return folder, found


def wrap(config, data):
    """Put the test set into a wrapper."""
    config = config.copy()
    own = config.test_dataloader.dataset
    if data == 'concat':
        parts = [own, dict(own, split='val')]
        wrapped = dict(type='ConcatDataset', datasets=parts)
    elif data == 'repeat':
        wrapped = dict(type='RepeatDataset', times=2, dataset=own)
    else:
        wrapped = own
    config.test_dataloader = dict(config.test_dataloader, dataset=wrapped)
    return config


def run(row, models, tmp_path, monkeypatch):
    """Run tools/test.py in an empty folder; give that folder."""
    folder, found = models
    config, weights = found[row['model']]
    if not (tmp_path / 'data').exists():
        (tmp_path / 'data').symlink_to(folder / 'data')
    monkeypatch.chdir(tmp_path)
    wrap(config, row['data']).dump('config.py')
    words = ['test.py', 'config.py']
    words += [str(weights)] if row['checkpoint'] else []
    for name, value in VALUES.items():
        if row[name]:
            words += [name] if value is None else [name, value]
    monkeypatch.setattr(sys, 'argv', words)
    # asks compilers for their versions, which takes a second
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    load_tool('test').main()


def check_outputs(row, tmp_path, figures):
    clips = 4 if row['data'] == 'concat' else 2
    work = tmp_path / ('work' if row['--work-dir'] else 'default')
    name = '*_own.json' if row['--sounds'] else '*.json'
    (metrics,) = work.glob(f'*/{name}')
    found = json.loads(metrics.read_text())
    if row['--sounds']:
        (path,) = work.glob('*/sounds.json')
        own = json.loads(path.read_text())['sounds']['own']
        assert own['J'] == pytest.approx(found['mIoU'])
    assert len(list(work.glob('*/worst_own.png'))) == row['--sounds']
    scores = [found['mIoU'], found['mFscore']]
    assert all(0 <= score <= 100 for score in scores)
    if row['checkpoint']:
        key = row['model'], clips, row['--tta'], row['--precision']
        assert scores == pytest.approx(figures.setdefault(key, scores))
    if row['--out']:
        check_masks(row, tmp_path / 'masks', clips)
    if row['--show-dir']:
        pictures = list((tmp_path / 'pictures').glob('*.png'))
        assert len(pictures) == clips
        # the sound of the plain view stands below the frames
        assert cv2.imread(str(pictures[0])).shape[0] > 3 * 64 + 32
    if row['--dump']:
        repeats = 2 if row['data'] == 'repeat' else 1
        dumped = read_dump(tmp_path / 'x.pkl')
        assert len(dumped) == clips * repeats
        finds = row['model'] == 'instances' and not row['--tta']
        assert all(('pred_instances' in c) == finds for c in dumped)


def check_masks(row, folder, clips):
    paths = [
        p
        for p in folder.rglob('*.png')
        if 'instances' not in p.relative_to(folder).parts
    ]
    names = {p.stem.rpartition('_')[2] for p in paths}
    zero = row['--released-names'] or row['model'] == 'semantic'
    assert ('0' in names) == zero
    if row['model'] == 'semantic':
        assert len(paths) >= clips * 5
        return
    assert len(paths) == clips * 5
    values = np.stack([cv2.imread(str(p)) for p in paths])
    assert row['--soft-masks'] or set(np.unique(values)) <= {0, 255}
    coco = folder / 'instances.json'
    finds = row['model'] == 'instances' and not row['--tta']
    assert coco.is_file() == finds


def check_row(row, models, tmp_path, monkeypatch, figures):
    if row['--overwrite']:
        for name in ('masks', 'pictures'):
            OutputFolder(tmp_path / name).file('stale.png').touch()
        (tmp_path / 'x.pkl').touch()
    run(row, models, tmp_path, monkeypatch)
    check_outputs(row, tmp_path, figures)
    for name, option in (('masks', '--out'), ('pictures', '--show-dir')):
        if row['--overwrite'] and row[option]:
            assert not (tmp_path / name / 'stale.png').exists()


@pytest.fixture(scope='module')
def figures():
    """J and F of the first run of each model, data and --tta."""
    return {}


@pytest.mark.parametrize('row', covering_rows(factors(), refused), ids=label)
def test_rows_that_hold_every_pair(
    row, models, tmp_path, monkeypatch, figures
):
    check_row(row, models, tmp_path, monkeypatch, figures)


@pytest.mark.slow
@pytest.mark.parametrize('row', every_pair(), ids=label)
def test_every_pair_alone(row, models, tmp_path, monkeypatch, figures):
    if refused(row):
        with pytest.raises((SystemExit, ValueError)):
            run(row, models, tmp_path, monkeypatch)
        return
    check_row(row, models, tmp_path, monkeypatch, figures)


@pytest.mark.parametrize(
    'chosen, message',
    [
        ({'--released-names': True}, '--released-names says how to write'),
        ({'--soft-masks': True}, '--soft-masks says how to write'),
        ({'--show-worst': True}, '--show-worst draws clips of --sounds'),
        ({'checkpoint': False}, 'give a checkpoint, a model of'),
        (
            {'--soft-masks': True, '--out': True, 'model': 'semantic'},
            "needs AVSMetric .*'AVSSMetric'.*Fix: leave --soft-masks out",
        ),
    ],
)
def test_what_is_refused_says_why(
    chosen, message, models, tmp_path, monkeypatch, capsys
):
    row = dict.fromkeys(factors(), False)
    row.update(model='binary', data='plain', checkpoint=True)
    with pytest.raises((SystemExit, ValueError)) as caught:
        run({**row, **chosen}, models, tmp_path, monkeypatch)
    said = capsys.readouterr().err + str(caught.value)
    assert re.search(message, said)
    assert caught.type is ValueError or caught.value.code == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ['config.py', 'data']


def test_a_second_checkpoints_outputs_are_not_mixed(
    models, tmp_path, monkeypatch
):
    """Refused before the model is built; nothing of the first is touched."""
    row = dict.fromkeys(factors(), False)
    row.update({'--out': True, '--show-dir': True, '--dump': True})
    row.update(model='binary', data='plain', checkpoint=True)
    run(row, models, tmp_path, monkeypatch)

    def state():
        return {
            p: p.stat().st_mtime_ns
            for p in tmp_path.rglob('*')
            if p.suffix in ('.png', '.pkl')
        }

    before = state()
    assert len(before) == 10 + 2 + 1
    for option in ('--out', '--show-dir', '--dump'):
        again = {**row, '--out': False, '--show-dir': False, '--dump': False}
        with pytest.raises(FileExistsError, match='Fix: .*--overwrite'):
            run({**again, option: True}, models, tmp_path, monkeypatch)
    assert state() == before
    # a mistake of the second command removes nothing either
    (tmp_path / 'other.pth').write_bytes(b'')
    found = {
        kind: (c, tmp_path / 'other.pth') for kind, (c, _) in models[1].items()
    }
    with pytest.raises(RuntimeError, match='other.pth'):
        run(
            {**row, '--overwrite': True},
            (models[0], found),
            tmp_path,
            monkeypatch,
        )
    assert state() == before
