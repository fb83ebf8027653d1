"""Every method leaves PyTorch in every format, at every size it allows."""

import pytest
import torch

from mmavs.apis import init_model
from mmavs.compat.exporters import no_compiler
from mmavs.deployment import export_model, exporting
from mmavs.deployment.checking import difference, load
from mmavs.testing import wake

pytestmark = pytest.mark.slow
ONE_SIZE = ('auralsam2_tiny_ms3',)
METHODS = (
    *('tpavi_tiny_ms3', 'avsbg_tiny_ms3', 'avsegformer_tiny_ms3'),
    *('avsac_tiny_ms3', 'avis_tiny_ms3', 'avis_tiny_ms3_stage1'),
    *('catr_tiny_ms3', 'film_tiny_ms3', 'add_tiny_ms3'),
    *('nosound_tiny_ms3', 'tpavi_tiny_avss', *ONE_SIZE),
)


@pytest.fixture
def traced_once(monkeypatch):
    """Let several formats share one trace of one model."""
    trace, traced = exporting.trace, []

    def remember(*arguments):
        if not traced:
            traced.append(trace(*arguments))
        return traced[0]

    monkeypatch.setattr(exporting, 'trace', remember)


def check(model, path, **options):
    """Export, and compare 1, 2 and 3 clips, of another size if it is free."""
    facts = export_model(model, path, **options)
    run = load(path, facts)
    for size in [None, (96, 128)][: 1 + bool(facts['size_step'])]:
        for num_clips in (1, 2, 3):
            apart = difference(
                model, run, facts, num_clips=num_clips, size=size
            )
            assert apart < 1e-4, (path.name, num_clips, size)


def build(name):
    torch.manual_seed(0)
    return wake(init_model(name, 'random', 'cpu'))


@pytest.mark.parametrize('name', METHODS)
def test_onnx_and_torch_export(name, tmp_path, traced_once):
    pytest.importorskip('onnxscript')
    model, free = build(name), name not in ONE_SIZE
    check(model, tmp_path / 'model.pt2', to='torch-export', any_size=free)
    check(model, tmp_path / 'model.onnx', any_size=free)


@pytest.mark.skipif(no_compiler() is not None, reason='no C++ compiler')
@pytest.mark.parametrize('name', METHODS)
def test_aoti(name, tmp_path):
    check(build(name), tmp_path / 'model.aoti.pt2', to='aoti')


@pytest.mark.parametrize('name', ONE_SIZE)
def test_a_size_that_cannot_be_free_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match='size of the frames cannot be left'):
        export_model(build(name), tmp_path / 'model.onnx', any_size=True)
