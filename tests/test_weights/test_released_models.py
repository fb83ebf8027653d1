"""``init_model(NAME)`` and what was released for it."""

import json

import pytest
import torch

from mmavs import model_index
from mmavs.__main__ import _weights
from mmavs.apis import AVSInferencer, init_model
from mmavs.apis.inferencer import published_weights
from mmavs.model_index import (
    files_of,
    model_entries,
    released,
    resource_root,
)
from mmavs.weights.addresses import WEIGHTS
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
    assert equal(inferencer.model, theirs)
    assert inferencer.weights == files.address_of_weights
    # and only where nothing else was asked for
    torch.manual_seed(1)
    assert not equal(init_model('small', 'random', 'cpu'), theirs)
    assert not equal(
        init_model(resource_root() / CONFIG, device='cpu'), theirs
    )
    assert len(files.requests) == 1


def test_what_cannot_be_had_is_said(files, theirs):
    files.bodies.clear()
    with pytest.raises(RuntimeError, match='w.pth cannot be downloaded.*Fix'):
        init_model('small', device='cpu')
    with pytest.raises(ValueError, match='none are published.*mmavs weights'):
        published_weights('film_tiny_ms3')


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
    assert equal(inferencer.model, two_files)
    fuser, sam = released('small'), released('small')['Beside'][0]
    assert inferencer.weights == f'{fuser["Address"]} and {sam["Address"]}'
    pins = json.loads((home() / 'pins.json').read_text())
    assert set(pins) == {fuser['Address'], sam['Address']}
    capsys.readouterr()
    _weights(['small'])
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
    assert len(found) == 9
    assert len({entry['Address'] for entry in found.values()}) == 9
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
        assert beside['Address'] == WEIGHTS['sam2_hiera_large.pt']
    assert released('film_tiny_ms3') is None
    assert released(resource_root()) is None
