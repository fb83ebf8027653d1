"""``init_model(NAME)`` and what was released for it."""

import pytest
import torch

from mmavs import model_index
from mmavs.apis import AVSInferencer, init_model
from mmavs.apis.inferencer import published_weights
from mmavs.model_index import model_entries, released, resource_root
from mmavs.weights.conversion import METHODS
from mmavs.weights.released import avsegformer

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


def test_every_released_model_names_its_terms():
    found = {name: released(name) for name in model_entries()}
    found = {name: entry for name, entry in found.items() if entry}
    assert len(found) == 6
    assert len({entry['Address'] for entry in found.values()}) == 6
    for name, entry in found.items():
        assert entry['Address'].startswith('https://'), name
        assert entry['Converter'] in METHODS
        assert set(entry['Metrics']) == {'mIoU', 'mFscore'}
        for field in ('License', 'Protocol', 'Source', 'Size (MB)'):
            assert entry[field], (name, field)
    assert released('film_tiny_ms3') is None
    assert released(resource_root()) is None
