"""The quick start's floor and what it says when a tool fails."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location(
    'quickstart', ROOT / 'tools/quickstart.py'
)
quickstart = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(quickstart)


def results(heard, deaf):
    figures = dict(mFscore=50.0, mIoU_constant=60.0, mIoU_switching=40.25)
    return {
        'with sound': dict(mIoU=heard, **figures),
        'without sound': dict(mIoU=deaf, **figures),
    }


@pytest.mark.parametrize('heard, deaf', [(64.9, 20.0), (75.0, 60.1)])
def test_floor_fails_a_model_that_does_not_listen(heard, deaf):
    with pytest.raises(SystemExit, match=f'got {heard:.2f} and {deaf:.2f}'):
        quickstart.check(results(heard, deaf))


def test_floor_is_met_exactly():
    quickstart.check(results(65.0, 50.0))


def test_table():
    head, first, second = quickstart.table(results(70.0, 50.0)).splitlines()
    assert head.split() == ['test', *quickstart.COLUMNS]
    assert first.split()[2:] == ['70.00', '50.00', '60.00', '40.25']
    assert second.split()[:3] == ['without', 'sound', '50.00']


def test_failure_shows_the_end_of_the_log(tmp_path):
    log = tmp_path / 'new' / 'train.log'
    with pytest.raises(SystemExit, match='train failed, see') as error:
        quickstart.run('train', 'no_such_config.py', log=log, show=print)
    assert str(log) in str(error.value)
    assert 'no_such_config.py' in str(error.value).split(str(log))[1]


TRAIN = 'x - mmengine - INFO - Epoch(train) [3][ 50/125]  lr: 1e-3\n'
VAL = 'x - mmengine - INFO - Epoch(val) [2][5/5]    mIoU: 75.4\n'
TEST = 'x - mmengine - INFO - Epoch(test) [10/25]    eta: 0:00:10\n'


@pytest.mark.parametrize(
    'log, share',
    [('', 0), (TRAIN, 0.6), (TRAIN + VAL, 0.6), (TEST, 0.4)],
)
def test_progress_is_read_from_the_log(log, share):
    assert quickstart.share_done(log, 4) == pytest.approx(share)
