"""Models by name, in a source tree as in an installed package."""

import pytest

from mmavs.utils import model_index
from mmavs.utils.model_index import (
    find_config,
    list_models,
    model_entries,
    resource_root,
)


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
    monkeypatch.setattr(model_index, 'resource_root', lambda: tmp_path)
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
    with pytest.raises(FileNotFoundError, match='mean configs.one.one_pvt'):
        find_config('one_pvt_ms4')
    with pytest.raises(FileNotFoundError, match='no model of that name. Mend'):
        find_config('configs/zzz/zzz.py')


def test_every_listed_model_has_its_config():
    root = resource_root()
    entries = model_entries()
    assert list_models() == list(entries)
    for name, entry in entries.items():
        assert (root / entry['Config']).is_file(), name
