"""Models by name."""

from pathlib import Path

import pytest
import torch

from mmavs.apis import init_model, list_models, models
from mmavs.apis.models import find_config, model_entries, resource_root

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A package of two models and a third config."""
    for name in ('one/one_r50_s4', 'one/one_pvt_ms3', 'two/two_pvt_ms3'):
        path = tmp_path / 'configs' / f'{name}.py'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'name = "{name}"')
    (tmp_path / 'model-index.yml').write_text(
        'Import:\n- configs/one/metafile.yaml\n'
    )
    (tmp_path / 'configs/one/metafile.yaml').write_text(
        'Models:\n'
        '- {Name: first, Config: configs/one/one_r50_s4.py, Weights: null}\n'
        '- {Name: one_pvt_ms3, Config: configs/one/one_pvt_ms3.py,'
        ' Weights: "https://example.org/w.pth"}\n'
    )
    monkeypatch.setattr(models, 'resource_root', lambda: tmp_path)
    return tmp_path / 'configs'


def test_models_of_the_metafiles_are_listed(shelf):
    assert list_models() == ['first', 'one_pvt_ms3']
    assert list_models('*_ms3') == ['one_pvt_ms3']
    assert list_models('pvt') == ['one_pvt_ms3']
    assert list_models('nothing') == []
    assert model_entries()['first']['Weights'] is None


def test_configs_are_found_by_any_name(shelf):
    assert find_config('first') == shelf / 'one/one_r50_s4.py'
    for name in ('two_pvt_ms3', 'two/two_pvt_ms3', 'two/two_pvt_ms3.py'):
        assert find_config(name) == shelf / 'two/two_pvt_ms3.py'
    path = shelf / 'one/one_pvt_ms3.py'
    assert find_config(str(path)) == path
    with pytest.raises(FileNotFoundError, match='mean one_pvt_ms3'):
        find_config('one_pvt_ms4')
    with pytest.raises(FileNotFoundError, match='no model named'):
        find_config('configs/zzz/zzz.py')


def test_every_listed_model_has_its_config():
    root = resource_root()
    entries = model_entries()
    assert list_models() == list(entries)
    for name, entry in entries.items():
        assert (root / entry['Config']).is_file(), name


def test_init_model_by_name_of_a_config():
    model = init_model('film_tiny_ms3', device='cpu')
    assert not model.training
    assert model.dataset_meta['classes'] == ('background', 'sounding')
    assert len(model.dataset_meta['palette']) == 2
    path = Path(model.cfg.filename).resolve()
    assert path == ROOT / 'configs/synthetic/film_tiny_ms3.py'


def test_semantic_model_knows_its_classes(semantic_model):
    assert len(semantic_model.dataset_meta['classes']) == 71


def test_checkpoint_is_loaded_whole(config, binary_weights, tmp_path):
    meta = dict(
        dataset_meta=dict(classes=['no', 'yes'], palette=[[0] * 3] * 2)
    )
    path = tmp_path / 'w.pth'
    torch.save(dict(state_dict=binary_weights, meta=meta), path)
    model = init_model(config, path, device='cpu')
    assert model.dataset_meta['classes'] == ['no', 'yes']
    for key, value in model.state_dict().items():
        assert torch.equal(value, binary_weights[key]), key
    partial = dict(list(binary_weights.items())[:-1])
    torch.save(dict(state_dict=partial), path)
    with pytest.raises(RuntimeError, match='w.pth is of another model'):
        init_model(config, path, device='cpu')
    with pytest.raises(FileNotFoundError, match='absent.pth'):
        init_model(config, tmp_path / 'absent.pth', device='cpu')


def test_options_override_the_config(config):
    options = {'model.decode_head.threshold': 0.25}
    model = init_model(config, device='cpu', cfg_options=options)
    assert model.decode_head.threshold == 0.25


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_absent_device_is_said(config):
    with pytest.raises(RuntimeError, match="take device='cpu'"):
        init_model(config, device='cuda:0')
    model = init_model(config)
    assert next(model.parameters()).device.type == 'cpu'
