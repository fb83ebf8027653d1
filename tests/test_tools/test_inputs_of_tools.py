"""No tool writes over, or into, what it reads."""

import runpy
import sys
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmavs.engine.run_config import load_config
from mmavs.weights.work_dir import set_work_dir

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/synthetic/film_tiny_ms3.py'
ANALYSIS = 'tools/analysis_tools'
# words of a command line that writes over one of its inputs
COMMANDS = (
    f'{ANALYSIS}/analyze_logs.py run.json --out run.json',
    f'{ANALYSIS}/benchmark.py c.py --out c.py',
    f'{ANALYSIS}/browse_dataset.py c.py --out . --overwrite',
    f'{ANALYSIS}/compare.py c.py --out c.py',
    f'{ANALYSIS}/confusion_matrix.py masks masks --gt gt --overwrite',
    f'{ANALYSIS}/confusion_matrix.py masks gt --gt gt --overwrite',
    f'{ANALYSIS}/confusion_matrix.py masks masks/a --gt gt',
    f'{ANALYSIS}/draw_attention.py c.py w.pth --out . --overwrite',
    f'{ANALYSIS}/draw_queries.py c.py a=w.png --out w.png',
    f'{ANALYSIS}/draw_tsne.py c.py w.png --out w.png',
    f'{ANALYSIS}/evaluate_dump.py d.pkl --json d.pkl',
    f'{ANALYSIS}/evaluate_dump.py masks --gt gt --json gt/0.png',
    f'{ANALYSIS}/evaluate_dump.py masks --gt gt --report masks --overwrite',
    f'{ANALYSIS}/modality_share.py --model c.json --out c.png',
    f'{ANALYSIS}/swap_sound.py c.py w.png --out w.png',
    'tools/model_converters/convert_released.py vggish w.pth w.pth '
    '--overwrite',
    'tools/model_converters/convert_released.py avsbench w.pth a.pth '
    '--audio-encoder a.pth --overwrite',
    f'tools/test.py {CONFIG} d.pkl --synthetic --dump d.pkl --overwrite',
    f'tools/test.py {CONFIG} w.pth --synthetic --out . --overwrite',
)


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('masks', 'gt'):
        (tmp_path / name).mkdir()
        (tmp_path / name / '0.png').write_text('mask')
    for name in ('c.py', 'c.json', 'w.pth', 'a.pth', 'w.png', 'd.pkl'):
        (tmp_path / name).write_text('input')
    (tmp_path / 'run.json').write_text('')
    return tmp_path


def content(folder):
    return {
        path: path.is_file() and path.read_bytes()
        for path in folder.rglob('*')
    }


@pytest.mark.parametrize('command', COMMANDS)
def test_an_output_that_is_an_input_is_refused(
    command, inputs, monkeypatch, capsys
):
    script, *words = command.split()
    # the synthetic set is not made for this
    monkeypatch.setattr('mmavs.engine.run_config.use_synthetic', print)
    monkeypatch.setattr('mmavs.engine.run_config.check_inputs', print)
    monkeypatch.setattr(sys, 'argv', [str(ROOT / script), *words])
    before = content(inputs)
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / script), run_name='__main__')
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert 'input of this run' in said and 'Fix: name another output' in said
    assert content(inputs) == before


def copy_of(config, folder):
    """Let a runner write its copy of a config, and nothing else."""
    runner = Runner.__new__(Runner)
    runner.cfg, runner._work_dir, runner._timestamp = config, folder, 'now'
    runner.dump_config()


@pytest.mark.parametrize('link', [False, True])
def test_a_run_keeps_the_config_that_lies_in_its_work_dir(tmp_path, link):
    folder = tmp_path / 'film'
    folder.mkdir()
    path = folder / 'film.py'
    path.write_text(Config.fromfile(CONFIG).pretty_text)
    before = path.read_text()
    if link:
        path = tmp_path / 'film.py'
        path.symlink_to(folder / 'film.py')
    config = load_config(str(path), {'load_from': 'other.pth'})
    set_work_dir(config, str(folder))
    copy_of(config, str(folder))
    assert (folder / 'film.py').read_text() == before
    assert Config.fromfile(folder / 'now.py').load_from == 'other.pth'


def test_a_config_from_elsewhere_is_copied_under_its_name(
    tmp_path, monkeypatch
):
    config = load_config('film_tiny_ms3')
    monkeypatch.chdir(tmp_path)
    set_work_dir(config)
    assert config.work_dir == 'work_dirs/film_tiny_ms3'
    Path(config.work_dir).mkdir(parents=True)
    copy_of(config, config.work_dir)
    assert Path(config.work_dir, 'film_tiny_ms3.py').is_file()
    set_work_dir(config, 'other')
    assert config.work_dir == 'other'
