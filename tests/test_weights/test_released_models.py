"""``init_model(NAME)`` and what was released for it."""

import json
import os
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from run_tool import load_tool

from mmavs import model_index
from mmavs.apis import AVSInferencer, init_model
from mmavs.apis.inferencer import published_weights
from mmavs.model_index import (
    files_of,
    model_entries,
    read_config,
    released,
    resource_root,
)
from mmavs.models.folding import tune_for_inference
from mmavs.weights import command
from mmavs.weights.addresses import encoders
from mmavs.weights.conversion import METHODS, PARTS
from mmavs.weights.released import auralsam2, avsegformer, sam2
from mmavs.weights.store import home, stored

CONFIG = 'configs/synthetic/avsegformer_tiny_ms3.py'


@pytest.fixture
def theirs(files, monkeypatch, tmp_path):
    """A small model whose weights are released, under other names."""
    files.address_of_weights = f'{files.address}/w.pth'
    entry = dict(
        Config=CONFIG,
        Weights=files.address_of_weights,
        Released=dict(Converter='avsegformer'),
    )
    entries = dict(model_entries(), small=entry)
    monkeypatch.setattr(model_index, 'model_entries', lambda: entries)
    monkeypatch.setattr(
        avsegformer,
        'convert',
        lambda found: {k.removeprefix('theirs.'): v for k, v in found.items()},
    )
    model = init_model('avsegformer_tiny_ms3', 'random', 'cpu')
    weights = model.state_dict()
    path = tmp_path / 'w.pth'
    torch.save({f'theirs.{k}': v for k, v in weights.items()}, path)
    files.bodies['/w.pth'] = path.read_bytes()
    return weights


def equal(model, weights):
    found = model.state_dict()
    assert found.keys() == weights.keys()
    return all(torch.equal(found[key], weights[key]) for key in weights)


def test_a_name_brings_its_weights(files, theirs):
    assert equal(init_model('small', device='cpu'), theirs)
    assert len(files.requests) == 1
    files.bodies.clear()  # no net any more
    inferencer = AVSInferencer('small', device='cpu')
    tuned = tune_for_inference(init_model('small', device='cpu'))
    assert equal(inferencer.model, tuned.state_dict())
    assert inferencer.weights == files.address_of_weights
    # and only where nothing else was asked for
    torch.manual_seed(1)
    assert not equal(init_model('small', 'random', 'cpu'), theirs)
    assert not equal(
        init_model(resource_root() / CONFIG, device='cpu'), theirs
    )
    assert len(files.requests) == 1


def test_a_test_takes_weights_by_name(files, theirs, monkeypatch):
    tool = load_tool('test')
    monkeypatch.setattr(sys, 'argv', ['test.py', 'small'])
    args = tool.parse_args()
    config = read_config('small')
    config.work_dir, config.test_dataloader = str(home()), None
    config.test_evaluator = config.test_cfg = None
    runner = tool.build_runner(args, config)
    assert equal(runner.model, theirs)


def test_an_encoder_goes_where_configs_look(files, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    files.bodies['/e-0badc0de.pth'] = files.bodies['/e.pth'] = b'weights'
    listed = {
        name: dict(Weights=f'{files.address}/{name}')
        for name in ('e.pth', 'e-0badc0de.pth')
    }
    monkeypatch.setattr(command, 'encoders', lambda: listed)
    path = command.fetch_encoder('e.pth')
    assert str(path) == 'pretrained/e.pth' and path.read_bytes() == b'weights'
    # without hard links too
    path.unlink()
    monkeypatch.setattr(os, 'link', Mock(side_effect=OSError))
    assert command.fetch_encoder('e.pth').read_bytes() == b'weights'
    assert command.fetch_encoder('e.pth') == path
    assert len(files.requests) == 1
    # the publisher's digits are compared at the first use
    with pytest.raises(RuntimeError, match='not the file that was expected'):
        command.fetch_encoder('e-0badc0de.pth')


def test_what_cannot_be_had_is_said(files, theirs):
    files.bodies.clear()
    with pytest.raises(RuntimeError, match='w.pth cannot be downloaded.*Fix'):
        init_model('small', device='cpu')
    with pytest.raises(ValueError, match='none are published.*mmavs weights'):
        published_weights('tpavi_pvt_s4')


@pytest.fixture
def two_files(files, monkeypatch, tmp_path):
    """A small model whose weights lie in two files of the hub."""
    pytest.importorskip('huggingface_hub')
    monkeypatch.setenv('HF_ENDPOINT', files.address)
    files.extra = lambda path: {'X-Repo-Commit': '1' * 40}
    hub = 'https://huggingface.co/some/{}/resolve/main/{}.pth'.format
    entry = dict(
        Config='configs/synthetic/auralsam2_tiny_ms3.py',
        Weights=hub('fuser', 'f'),
        Released=dict(
            Converter='auralsam2',
            Beside=[dict(Address=hub('sam2', 's'), Converter='sam2')],
        ),
    )
    entries = dict(model_entries(), small=entry)
    monkeypatch.setattr(model_index, 'model_entries', lambda: entries)
    weights = init_model('auralsam2_tiny_ms3', 'random', 'cpu').state_dict()
    parts = ('backbone.', 'neck.0.', 'decode_head.')
    for name, kind, ours in (
        ('/some/sam2/resolve/main/s.pth', sam2, True),
        ('/some/fuser/resolve/main/f.pth', auralsam2, False),
    ):
        monkeypatch.setattr(kind, 'convert', dict)
        held = {
            k: v for k, v in weights.items() if k.startswith(parts) == ours
        }
        path = tmp_path / 'w.pth'
        torch.save(held, path)
        files.bodies[name] = path.read_bytes()
    monkeypatch.setitem(PARTS, 'auralsam2', ('neck.1.',))
    return weights


def test_weights_of_two_files(files, two_files, capsys):
    assert equal(init_model('small', device='cpu'), two_files)
    assert {path for path, _ in files.requests} == set(files.bodies)
    files.bodies.clear()  # no net any more, and pinned
    inferencer = AVSInferencer('small', device='cpu')
    tuned = tune_for_inference(init_model('small', device='cpu'))
    assert equal(inferencer.model, tuned.state_dict())
    fuser, sam = released('small'), released('small')['Beside'][0]
    assert inferencer.weights == f'{fuser["Address"]} and {sam["Address"]}'
    pins = json.loads((home() / 'pins.json').read_text())
    assert set(pins) == {fuser['Address'], sam['Address']}
    capsys.readouterr()
    command.main(['small'])
    assert capsys.readouterr().out.split() == [
        str(stored(fuser['Address'])),
        str(stored(sam['Address'])),
    ]


def test_a_second_file_that_cannot_be_had(files, two_files):
    del files.bodies['/some/sam2/resolve/main/s.pth']
    with pytest.raises(RuntimeError, match='s.pth cannot be downloaded.*Fix'):
        init_model('small', device='cpu')


def test_every_released_model_names_its_terms():
    found = {name: released(name) for name in model_entries()}
    found = {name: entry for name, entry in found.items() if entry}
    assert len(found) == 12
    assert len({entry['Address'] for entry in found.values()}) == 12
    assert Path(found.pop('film_tiny_ms3_96px')['Address']).is_file()
    for name, entry in found.items():
        for file in files_of(entry):
            assert file['Address'].startswith('https://'), name
            assert file['Converter'] in METHODS
        for field in ('License', 'Source', 'Size (MB)'):
            assert entry[field], (name, field)
        if 'Metrics' in entry:
            assert set(entry['Metrics']) == {'mIoU', 'mFscore'}
            assert entry['Protocol']
    for setting in ('s4', 'ms3', 'avss'):  # the fuser stands on SAM 2
        (beside,) = found[f'auralsam2_hiera-l_{setting}']['Beside']
        assert (
            beside['Address'] == encoders()['sam2_hiera_large.pt']['Weights']
        )
    assert released('tpavi_pvt_s4') is None
    assert released(resource_root()) is None
