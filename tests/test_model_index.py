"""Models by name, in a source tree as in an installed package."""

import pytest
from fresh_python import run_python
from mmengine.config import Config

from mmavs import model_index
from mmavs.model_index import (
    find_config,
    list_models,
    model_entries,
    read_config,
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
    with pytest.raises(FileNotFoundError, match='no model of that name. Fix'):
        find_config('configs/zzz/zzz.py')


def test_every_listed_model_has_its_config():
    root = resource_root()
    entries = model_entries()
    assert list_models() == list(entries)
    for name, entry in entries.items():
        assert (root / entry['Config']).is_file(), name


def test_yaml_configs_run_no_code(tmp_path):
    trap = tmp_path / 'trap'
    path = tmp_path / 'c.yaml'
    for tag in ('apply:os.mkdir', 'apply:subprocess.getoutput'):
        path.write_text(f'model: !!python/object/{tag} ["{trap}"]\n')
        with pytest.raises(ValueError, match='c.yaml is not a config.*Fix'):
            read_config(path)
    path.write_text('_base_: [base.yaml]\nmodel: {type: A}\n')
    path.with_name('base.yaml').write_text(
        f'x: !!python/object/new:os.mkdir ["{trap}"]\n'
    )
    with pytest.raises(ValueError, match='c.yaml is not a config'):
        read_config(path)
    assert not trap.exists()


def test_upstream_still_runs_the_tags_of_yaml():
    """Fails once mmengine reads YAML by a safe loader."""
    result = run_python(
        'import mmengine; print(mmengine.load('
        "__import__('io').StringIO('!!python/name:os.mkdir'), "
        "file_format='yaml'))"
    )
    assert 'mkdir' in result.stdout


def test_dumped_configs_are_read_again(tmp_path):
    config = Config(dict(model=dict(type='A'), size=(224, 224), n=[1, 0.5]))
    for name in ('c.yaml', 'c.yml'):
        config.dump(tmp_path / name)
        again = read_config(tmp_path / name)
        assert again.to_dict() == config.to_dict()
        assert again.size == (224, 224)


@pytest.mark.parametrize(
    'name, text',
    [
        ('c.json', '{"model": {'),
        ('c.json', '[1, 2]'),
        ('c.yaml', 'model: [1'),
        ('c.yaml', ''),
        ('c.py', 'model = dict('),
        ('c.py', 'model = dict(type=unknown)'),
        ('c.txt', 'model = 1'),
    ],
)
def test_what_is_not_a_config_is_named(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match=f'{name} .*is not (a config|Python)'):
        read_config(path)


def test_what_a_config_asks_for_is_named(tmp_path):
    path = tmp_path / 'c.yaml'
    for name, text, message in (
        ('c.yaml', '_base_: absent.yaml\n', 'absent.yaml'),
        ('c.py', "_base_ = 'absent.py'\n", 'absent.py'),
    ):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(FileNotFoundError, match=f'{name} asks.*{message}'):
            read_config(path)
    path.write_text("custom_imports = dict(imports=['no_such_package'])\n")
    with pytest.raises(ImportError, match='c.py asks.*no_such_package.*Fix'):
        read_config(path)
    path.write_text('raise ImportError\n')  # and says nothing
    with pytest.raises(ImportError, match='c.py asks.*: ImportError. Fix'):
        read_config(path)


def test_aliases_of_yaml_may_not_multiply(tmp_path):
    path = tmp_path / 'c.yaml'
    path.write_text('size: &s [2, 3]\nmodel: {a: *s, b: *s}\n')
    assert read_config(path).model.b == [2, 3]
    lines = ['a0: &a0 [1, 1]']
    lines += [f'a{i}: &a{i} [*a{i - 1}, *a{i - 1}]' for i in range(1, 30)]
    path.write_text('\n'.join(lines))
    with pytest.raises(ValueError, match='unfolds to more than 100000 values'):
        read_config(path)
    path.write_text('model: &m\n  inner: *m\n')
    with pytest.raises(ValueError, match='unfolds to more than'):
        read_config(path)
