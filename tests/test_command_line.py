"""A user's mistake is one line and exit code 2; a bug keeps its traceback."""

import concurrent.futures
import multiprocessing
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import mmavs
from mmavs.audio.wav import read_wav
from mmavs.command_line import mistake, run_script
from mmavs.engine.run_config import load_config
from mmavs.models.task_modules.hungarian_matcher import assign
from mmavs.registry import MODELS

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for folder in ('tools', 'demo')
    for path in (ROOT / folder).rglob('*.py')
)
CONFIG = 'configs/synthetic/film_tiny_ms3.py'
# script -> what its user got wrong, and what must stand in the line
MISTAKES = {
    'demo/video_demo.py': (['none.mp4', 'no_model', 'none.pth'], 'none.mp4'),
    'demo/web_demo.py': (['no_model'], 'MODEL=WEIGHTS'),
    'tools/photo.py': (['--epohcs'], '--epohcs'),
    'tools/quickstart.py': (['--agian'], '--agian'),
    'tools/test.py': (['none.py', 'x.pth'], 'none.py'),
    'tools/train.py': (['none.py'], 'none.py'),
    'tools/analysis_tools/analyze_logs.py': (['none'], 'no log in none'),
    'tools/analysis_tools/benchmark.py': (['none.py'], 'none.py'),
    'tools/analysis_tools/browse_dataset.py': (['none.py'], 'none.py'),
    'tools/analysis_tools/check_dataset.py': (['none.py'], 'none.py'),
    'tools/analysis_tools/compare.py': (['none.py'], 'none.py'),
    'tools/analysis_tools/compare_costs.py': (['none.py'], 'none.py'),
    'tools/analysis_tools/compare_protocols.py': (['--x'], '--x'),
    'tools/analysis_tools/confusion_matrix.py': (
        ['none.pkl', 'DIR'],
        'none.pkl',
    ),
    'tools/analysis_tools/draw_attention.py': (['none.py'], 'none.py'),
    'tools/analysis_tools/draw_queries.py': (['none.py'], 'none.py'),
    'tools/analysis_tools/draw_tsne.py': (['none.py'], 'none.py'),
    'tools/analysis_tools/evaluate_dump.py': (['none.pkl'], 'none.pkl'),
    'tools/analysis_tools/get_flops.py': (['none.py'], 'none.py'),
    'tools/analysis_tools/modality_share.py': (
        ['--model', 'none.py'],
        'none.py',
    ),
    'tools/analysis_tools/results.py': (['none'], 'none'),
    'tools/analysis_tools/swap_sound.py': (['none.py', 'x.pth'], 'none.py'),
    'tools/dataset_converters/compose_clips.py': (
        ['--out', 'DIR/out', '--objects', 'none'],
        'no picture in none',
    ),
    'tools/dataset_converters/ms3_categories.py': (
        ['--data-root', 'none', '--avss', 'none'],
        'none',
    ),
    'tools/dataset_converters/prepare_avsbench.py': (['ms3', 'none'], 'none'),
    'tools/dataset_converters/prepare_clips.py': (
        ['none', '--out', 'DIR'],
        'no video in none',
    ),
    'tools/dataset_converters/synthesize_avsbench.py': (
        ['--out', 'DIR', '--size', '8'],
        'at least 32 pixels, got 8',
    ),
    'tools/misc/make_model_zoo.py': (['--x'], '--x'),
    'tools/misc/print_config.py': (
        [CONFIG, '--key', 'model.nek'],
        "no 'nek' in model",
    ),
    'tools/model_converters/convert_released.py': (
        ['vggish', 'none.pth', 'DIR/out.pth'],
        'none.pth',
    ),
    'tools/model_converters/publish_model.py': (
        ['none.pth', 'DIR/out'],
        'none.pth',
    ),
}


UNKNOWN = ['--no-such-option'], ''  # of any other


@pytest.mark.parametrize('script', sorted({*SCRIPTS, *MISTAKES}))
def test_a_mistake_is_said_without_a_traceback(
    script, tmp_path, monkeypatch, capsys
):
    words, message = MISTAKES.get(script, UNKNOWN)
    words = [word.replace('DIR', str(tmp_path)) for word in words]
    monkeypatch.setattr(sys, 'argv', [str(ROOT / script), *words])
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / script), run_name='__main__')
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert f'{Path(script).name}: error: ' in said and message in said
    assert 'Traceback' not in said
    assert not list(tmp_path.iterdir())


def code_of(main) -> int:
    with pytest.raises(SystemExit) as stop:
        run_script(main)
    return stop.value.code


def test_codes():
    assert run_script(lambda: None) is None
    assert run_script(lambda: 0) is None
    assert code_of(lambda: 1) == 1


def fail_in_numpy():
    np.zeros(3).reshape(2)


def fail_in_torch():
    torch.cat([torch.zeros(1, 2), torch.zeros(1, 3)])


def fail_in_own_code():
    int('three')


@pytest.mark.parametrize(
    'main', [fail_in_numpy, fail_in_torch, fail_in_own_code]
)
def test_a_bug_keeps_its_traceback(main):
    with pytest.raises((ValueError, RuntimeError)):
        run_script(main)


def test_numbers_that_diverged_are_a_failure_in_one_line(capsys):
    cost = torch.full((2, 2), float('nan'))
    assert code_of(lambda: assign(cost, cost.device)) == 1
    assert capsys.readouterr().err.count('\n') == 1


def error_of(call) -> Exception:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError('nothing was raised')


def test_what_mmengine_says_of_a_config_is_a_mistake(tmp_path):
    broken = tmp_path / 'broken.py'
    broken.write_text('model = dict(\n')
    assert 'broken.py' in mistake(error_of(lambda: load_config(str(broken))))
    unknown = error_of(lambda: MODELS.build(dict(type='NoSuchNeck')))
    assert mistake(unknown).startswith('NoSuchNeck is not in the mmavs::model')
    typo = error_of(
        lambda: MODELS.build(dict(type='TPAVI', in_channels=3, chanels=3))
    )
    assert "unexpected keyword argument 'chanels'" in mistake(typo)


def test_a_path_that_the_system_refuses_is_a_mistake(tmp_path):
    error = error_of(lambda: (tmp_path / 'none' / 'x').write_text(''))
    assert mistake(error) == f'{tmp_path}/none/x: No such file or directory'
    assert mistake(error_of(tmp_path.read_bytes)).endswith('Is a directory')
    (tmp_path / 'loop').symlink_to('loop')
    for name, words in (('loop', 'symbolic links'), ('a' * 300, 'too long')):
        error = error_of((tmp_path / name).read_bytes)
        assert mistake(error).startswith(f'{tmp_path / name}: ')
        assert words in mistake(error)
    # a full disk is not the fault of what was given
    assert mistake(error_of(fill_the_disk)) is None


def fill_the_disk():
    raise OSError(28, 'No space left on device')


class Wavs:
    """A data set of one sound file that is not there, or of a bug."""

    def __init__(self, call):
        self.call = call

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.call()


def read_none():
    return read_wav('none.wav')


def test_a_mistake_in_a_worker_is_said_like_any_other():
    plain = mistake(error_of(read_none))
    assert 'none.wav' in plain
    loader = DataLoader(Wavs(read_none), num_workers=1)
    assert mistake(error_of(lambda: list(loader))) == plain
    loader = DataLoader(Wavs(fail_in_own_code), num_workers=1)
    assert mistake(error_of(lambda: list(loader))) is None
    context = multiprocessing.get_context('fork')
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
        error = error_of(pool.submit(read_none).result)
        assert mistake(error) == plain
        error = error_of(pool.submit(fail_in_own_code).result)
        assert mistake(error) is None


def test_a_package_beside_ours_is_not_ours():
    """What it raises in a worker is a bug, and keeps its traceback."""
    report = (
        'Original Traceback (most recent call last):\n'
        '  File "{}", line 9, in work\n    raise ValueError\nValueError: no'
    )
    package = Path(mmavs.__file__).parent
    ours = ValueError(report.format(package / 'audio' / 'wav.py'))
    assert mistake(ours) == 'no'
    beside = package.parent / 'other' / 'wav.py'
    assert mistake(error_of(lambda: fail_with(report.format(beside)))) is None


def fail_with(report):
    exec('raise ValueError(report)', {'report': report, '__name__': 'other'})
