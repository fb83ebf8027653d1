"""One test per touch of mmavs.compat, each failing once it is needless."""

import importlib.util
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import torch
import torchvision
from fresh_python import run_python
from packaging.version import Version

from mmavs import compat
from mmavs.compat.av_files import open_media
from mmavs.compat.versions import check_stack, check_version
from mmavs.testing.media import write_test_video

own = pytest.mark.skipif(
    'onedl-mmcv' in compat.installed_mmcv(), reason='of OpenMMLab alone'
)


# ------------------------------------------------------------------ versions


@pytest.mark.parametrize(
    'version, fits',
    [
        ('1.9.9', False),
        ('2.0.0', True),
        ('2.1.0', True),
        ('2.2.0', False),
        ('2.1.0+cu121', True),
    ],
)
def test_version_bounds(version, fits):
    if fits:
        check_version('mmcv', version, '2.0.0', '2.2.0', 'repair it')
    else:
        with pytest.raises(ImportError, match=f'mmcv {version}.*repair it'):
            check_version('mmcv', version, '2.0.0', '2.2.0', 'repair it')


def test_two_mmcv_are_named(monkeypatch):
    monkeypatch.setattr(
        compat.versions,
        'installed_mmcv',
        lambda: {'mmcv': '2.1.0', 'mmcv-lite': '2.1.0'},
    )
    with pytest.raises(
        ImportError,
        match='mmcv 2.1.0, mmcv-lite 2.1.0 are '
        'installed together.*pip uninstall -y mmcv mmcv-lite',
    ):
        check_stack()


def test_two_mmengines_are_named(monkeypatch):
    """The maintained forks install the same import names."""
    real = compat.versions._installed

    def installed(names):
        if 'mmengine' in names:
            return {'mmengine': '0.10.7', 'onedl-mmengine': '0.10.12'}
        return real(names)

    monkeypatch.setattr(compat.versions, '_installed', installed)
    with pytest.raises(
        ImportError,
        match='mmengine 0.10.7, onedl-mmengine 0.10.12 are installed together'
        '.*"mmengine".*pip uninstall -y mmengine onedl-mmengine, then pip '
        'install mmengine',
    ):
        check_stack()


@pytest.mark.parametrize('version, fits', [('2.3.6', True), ('2.4.0', False)])
def test_the_fork_of_mmcv_has_bounds_of_its_own(monkeypatch, version, fits):
    monkeypatch.setattr(
        compat.versions, 'installed_mmcv', lambda: {'onedl-mmcv': version}
    )
    if fits:
        check_stack()
    else:
        with pytest.raises(ImportError, match='mmcv 2.4.0.*>=2.3.0,<2.4.0'):
            check_stack()


def test_missing_mmcv_says_which_to_install(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        'find_spec',
        lambda name, *a: None if name == 'mmcv' else real(name, *a),
    )
    with pytest.raises(ImportError, match=r'\"mmcv-lite>=.*\"mmcv>='):
        check_stack()


# ------------------------------------------------------------------ mmcv.ops


@own
@pytest.mark.skipif(compat.has_compiled_ops(), reason='full mmcv is here')
def test_mmseg_alone_cannot_import_on_mmcv_lite():
    """Fails once mmseg imports without mmcv.ops: drop the stand-in then."""
    result = run_python('import mmseg.models')
    assert 'mmcv._ext' in result.stderr


@pytest.mark.skipif(compat.has_compiled_ops(), reason='full mmcv is here')
def test_stand_in_names_the_operator_and_leaves_no_trace():
    from mmcv.ops import nms
    from mmengine.utils.dl_utils import mmcv_full_available

    assert 'mmcv._ext' not in sys.modules
    assert not mmcv_full_available()
    with pytest.raises(RuntimeError, match=r'"nms".*"mmcv==2.1.0"'):
        nms(torch.rand(2, 4), torch.rand(2), iou_threshold=0.5)


def test_python_level_ops_work():
    from mmcv.ops import point_sample

    image = torch.arange(4.0).view(1, 1, 2, 2)
    centre = torch.full((1, 1, 2), 0.5)
    assert point_sample(image, centre).item() == pytest.approx(1.5)


# ------------------------------------------------------------ CPU ranks, mim


def test_upstream_launcher_still_needs_a_gpu():
    """Fails once mmengine's launcher runs on CPU by itself."""
    code = (
        'import inspect, mmengine.dist.utils as u;'
        'print("torch.cuda.set_device(local_rank)" in '
        'inspect.getsource(u._init_dist_pytorch))'
    )
    assert run_python(code).stdout.strip() == 'True'


def test_upstream_package_table_is_still_closed():
    """Fails once mmengine learns of packages by itself."""
    code = (
        'from mmengine.config.utils import MODULE2PACKAGE;'
        'print("mmavs" in MODULE2PACKAGE)'
    )
    assert run_python(code).stdout.strip() == 'False'
    from mmengine.config.utils import MODULE2PACKAGE

    assert MODULE2PACKAGE['mmavs'] == 'mmavs'


@own
def test_upstream_path_of_an_editable_install_is_still_wrong(
    monkeypatch, tmp_path
):
    """Fails once mmengine finds packages that lie elsewhere by itself."""
    import pkg_resources
    from mmengine.config import config
    from mmengine.hub import hub

    import mmavs

    class Distribution:
        location = str(tmp_path)

        @staticmethod
        def has_metadata(name):
            return False

    monkeypatch.setattr(
        pkg_resources, 'get_distribution', lambda name: Distribution
    )
    upstream = config.get_installed_path.__wrapped__
    try:
        assert not Path(upstream('mmavs')).exists()
    except ValueError:
        pass  # no top_level.txt, and no idea
    package = str(Path(mmavs.__file__).parent)
    assert config.get_installed_path('mmavs') == package
    assert hub.get_installed_path('mmavs') == package


def test_configs_are_found_by_package_name(tmp_path):
    from mmengine.config import Config
    from mmengine.hub import get_config

    name = 'mmavs::synthetic/film_tiny_ms3.py'
    assert get_config(name).model.type == 'AVSegmentor'
    child = tmp_path / 'child.py'
    child.write_text(f"_base_ = '{name}'\nmodel = dict(neck=None)\n")
    config = Config.fromfile(child)
    assert config.model.neck is None
    assert config.model.audio_encoder.type == 'LogMelCNN'


@pytest.mark.skipif(
    Version(torchvision.__version__) >= Version('0.26'),
    reason='of older torchvision',
)
def test_upstream_still_lets_ffmpeg_log_through_python():
    code = 'import torchvision.io, av; print(av.logging.get_level())'
    assert run_python(code).stdout.strip() != 'None'


def test_ffmpeg_does_not_log_through_python(tmp_path):
    path = write_test_video(tmp_path / 'v.mp4', np.zeros((9, 32, 32, 3), 'u1'))
    av.logging.set_level(av.logging.ERROR)  # as torchvision does
    with open_media(path):
        assert av.logging.get_level() is None


def test_collect_env_names_the_flavour():
    from mmavs.utils.collect_env import collect_env

    info = collect_env()
    assert any(
        name in info['mmcv distribution'] for name in compat.MMCV_DISTRIBUTIONS
    )
    assert info['mmavs'].startswith('0.')


@pytest.mark.parametrize('kind', [OSError, RuntimeError])
def test_collect_env_goes_on_where_a_package_does_not_load(monkeypatch, kind):
    from mmavs.utils import collect_env

    load = importlib.import_module

    def refuse(name):
        if name == 'torchaudio':
            raise kind('other CUDA')
        return load(name)

    monkeypatch.setattr(importlib, 'import_module', refuse)
    info = collect_env.collect_env()
    assert info['torchaudio'] == (
        'installed, but cannot be loaded (other CUDA)'
    )
    assert info['av'] == av.__version__
