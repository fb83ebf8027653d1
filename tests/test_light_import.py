"""``import mmavs`` is light, and readies the stack for whoever comes next."""

import pytest
from fresh_python import run_python

HEAVY = "{'torch', 'numpy', 'mmcv', 'mmengine', 'mmseg'} & set(sys.modules)"
# what the touches of mmavs.compat change
READY = (
    'import torch, sys\n'
    'from mmengine.config.utils import MODULE2PACKAGE\n'
    'from mmengine.runner import Runner\n'
    "assert MODULE2PACKAGE['mmavs'] == 'mmavs'\n"
    'assert Runner.build_dataloader._mmavs\n'
    "assert 'mmcv.ops' in sys.modules\n"
)


def run(code, **environment):
    done = run_python(code, **environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_import_of_mmavs_loads_no_torch():
    code = f'import sys, mmavs, mmavs.compat, mmavs.utils; print({HEAVY})'
    assert run(code) == 'set()'


def test_names_of_configs_are_found_before_anything_is_imported():
    """Where a package imports its modules late, a registry finds none."""
    run(
        'import mmavs\n'
        'from mmavs.registry import INFERENCERS, VISUALIZERS\n'
        "assert VISUALIZERS.get('AVSLocalVisualizer')\n"
        "assert INFERENCERS.get('AVSInferencer')\n"
    )


@pytest.mark.parametrize(
    'lines',
    [
        'import mmavs; import mmseg.models',
        'import mmavs; from mmengine.config import Config',
        'import mmengine; import mmavs; import mmseg.models',
    ],
)
def test_the_stack_is_ready_whatever_comes_first(lines):
    trace = (
        'import mmengine\n'
        'assert type(mmengine.__loader__).__name__ == "SourceFileLoader"\n'
        'assert mmengine.__spec__.loader is mmengine.__loader__\n'
        'assert not any("StackFinder" in type(f).__name__ '
        'for f in sys.meta_path)\n'
    )
    run(f'{lines}\n{READY}{trace}')


MISSING = """
from importlib import util
real = util.find_spec
util.find_spec = lambda name, *a: None if name == 'mmcv' else real(name, *a)
import mmavs
for name in ('mmcv', 'mmcv', 'mmengine', 'mmseg'):
    try:
        __import__(name)
    except ImportError as error:
        print(error)
"""


def test_a_missing_mmcv_is_named_by_every_import():
    lines = run(MISSING).splitlines()
    assert len(lines) == 4
    for line in lines:
        assert line.startswith('mmavs needs mmcv >=2.0.0,<2.2.0')
        assert 'Fix: install exactly one: pip install "mmcv-lite>=' in line


def test_a_checkpoint_of_mmengine_is_read_before_anything_else(tmp_path):
    path = tmp_path / 'x.pth'
    code = (
        'import mmavs, torch\n'
        'from mmengine.logging import HistoryBuffer\n'
        "torch.save(dict(state_dict={'a': torch.ones(2)}, "
        f'message_hub=dict(b=HistoryBuffer([1.0], [1]))), {str(path)!r})'
    )
    run(code)
    code = (
        'from mmavs.compat import load_checkpoint\n'
        f'print(load_checkpoint({str(path)!r})["state_dict"]["a"].sum())'
    )
    assert run(code) == 'tensor(2.)'
