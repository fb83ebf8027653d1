"""What a built wheel holds, and that it works where no source tree is."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = (
    'LICENSE',
    'MANIFEST.in',
    'README.md',
    'configs',
    'demo',
    'mmavs',
    'model-index.yml',
    'requirements',
    'setup.py',
    'tools',
)


def copy_sources(target):
    """Copy what a build reads, so that it leaves this tree alone."""
    import shutil

    unwanted = shutil.ignore_patterns('.mim', '__pycache__')
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=unwanted)
        else:
            shutil.copyfile(ROOT / name, target / name)
    return target


def build(source, command, *options):
    subprocess.run(
        [sys.executable, 'setup.py', '-q', command, *options],
        cwd=source,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (made,) = (source / 'dist').iterdir()
    return made


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    pytest.importorskip('wheel')
    source = copy_sources(tmp_path_factory.mktemp('source'))
    made = build(source, 'bdist_wheel')
    # nothing is left that could stand in for edited configs
    assert not (source / 'mmavs' / '.mim').exists()
    return made


@pytest.fixture(scope='module')
def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def below(folder, pattern):
    return {
        str(path.relative_to(ROOT))
        for path in (ROOT / folder).rglob(pattern)
        if '.mim' not in path.parts
    }


def test_wheel_installs_nothing_but_mmavs(names):
    top = {name.split('/')[0] for name in names}
    assert {name for name in top if not name.endswith('.dist-info')} == {
        'mmavs'
    }
    assert not any('__pycache__' in name for name in names)


def test_wheel_holds_every_module(names):
    modules = below('mmavs', '*.py')
    assert len(modules) > 100 and modules <= names
    assert 'mmavs/py.typed' in names


def test_wheel_holds_configs_and_tools(names):
    wanted = below('configs', '*.py') | below('configs', '*.yaml')
    wanted |= below('tools', '*.py') | below('tools', '*.sh')
    wanted |= {str(path.relative_to(ROOT)) for path in ROOT.glob('demo/*.*')}
    assert 'demo/example.mp4' in wanted
    assert [name for name in wanted if name.endswith('.safetensors')]
    wanted.add('model-index.yml')
    assert len(wanted) > 50
    assert {f'mmavs/.mim/{name}' for name in wanted} <= names


def test_wheel_brings_the_command(wheel, names):
    (points,) = [n for n in names if n.endswith('/entry_points.txt')]
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(points).decode()
    assert 'mmavs = mmavs.__main__:main' in text


def test_source_distribution_can_be_built_from(tmp_path):
    import tarfile

    source = copy_sources(tmp_path)
    with tarfile.open(build(source, 'sdist')) as archive:
        names = {name.split('/', 1)[-1] for name in archive.getnames()}
    assert {'setup.py', 'model-index.yml', 'requirements/lite.txt'} <= names
    for folder in ('configs', 'demo', 'tools'):
        assert below(folder, '*.py') <= names
    assert below('demo', '*.mp4') | below('demo', '*.safetensors') <= names
    assert not any('.mim' in name for name in names)


def test_pictures_made_of_stamps_stay_out_and_say_their_licence(
    names, tmp_path
):
    """They are under the GPL, which is not that of what is packaged."""
    import tarfile

    folder = ROOT / 'docs/en/_static/photo'
    pictures = {path.name for path in folder.iterdir()} - {'LICENSE'}
    assert pictures
    licence = (folder / 'LICENSE').read_text()
    assert 'GNU GENERAL PUBLIC LICENSE' in licence and 'Tux Paint' in licence
    for name in pictures:
        assert name in licence
    source = copy_sources(tmp_path)
    with tarfile.open(build(source, 'sdist')) as archive:
        packed = names | set(archive.getnames())
    assert not pictures & {name.rsplit('/', 1)[-1] for name in packed}


CODE = """
import mmavs, sys
from pathlib import Path
from mmengine.config import Config
from mmavs.model_index import find_config, list_models, resource_root
assert Path(mmavs.__file__).is_relative_to(sys.argv[1]), mmavs.__file__
assert resource_root() == Path(sys.argv[1]) / 'mmavs' / '.mim'
Path('child.py').write_text("_base_ = 'mmavs::synthetic/film_tiny_ms3.py'")
config = Config.fromfile('child.py')
assert config.model.type == 'AVSegmentor'
found = Config.fromfile(find_config('film_tiny_ms3'))
assert found.model.neck[1].type == 'AudioFiLM'
list_models()
from mmavs.__main__ import main
sys.argv = ['mmavs', 'video', 'none.mp4', 'film_tiny_ms3']
main()
"""


def test_unpacked_wheel_finds_its_configs(wheel, tmp_path):
    site = tmp_path / 'site'
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (tmp_path / 'work').mkdir()
    # the wheel's folder before the one of an editable install
    code = f'import sys; sys.path.insert(0, {str(site)!r})\n' + CODE
    done = subprocess.run(
        [sys.executable, '-c', code, str(site)],
        cwd=tmp_path / 'work',
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = 'mmavs video: error: media file not found: none.mp4'
    assert done.stderr.splitlines()[-1].startswith(said), done.stderr[-2000:]
    assert done.returncode == 2
