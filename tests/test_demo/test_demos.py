"""The demos, end to end on a synthetic video."""

import argparse
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmavs.apis import init_model
from mmavs.command_line import run_script
from mmavs.media.sources import find_media
from mmavs.testing.media import cut_off, write_test_video

ROOT = Path(__file__).resolve().parents[2]


def load(name):
    spec = importlib.util.spec_from_file_location(
        name, ROOT / 'demo' / f'{name}.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    generator = np.random.default_rng(0)
    return write_test_video(
        tmp_path_factory.mktemp('demo') / 'in.mp4',
        generator.integers(0, 255, (18, 40, 56, 3), np.uint8),
        fps=6,
        sound=generator.uniform(-0.5, 0.5, (1, 48000)),
    )


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'film.pth'
    torch.manual_seed(0)
    model = init_model('film_tiny_ms3', 'random', 'cpu')
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


def run_video_demo(monkeypatch, *arguments):
    words = ['video_demo.py', *(str(a) for a in arguments)]
    monkeypatch.setattr(sys, 'argv', words)
    return load('video_demo').main()


def test_a_part_of_a_video_ends_in_exit_code_1(
    video, weights, tmp_path, monkeypatch
):
    cut = cut_off(video, tmp_path / 'cut.mp4', 0.7)
    words = (cut, 'film_tiny_ms3', weights, '--device', 'cpu', '--no-video')
    assert run_video_demo(monkeypatch, *words, '--json', tmp_path / 's') == 1
    summary = json.loads((tmp_path / 's').read_text())
    assert summary['missing'][0]['what'] == 'pictures'
    assert len(summary['masks']) == 2
    words = (video, *words[1:])
    assert run_video_demo(monkeypatch, *words) == 0


def test_video_demo(video, weights, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = ('--device', 'cpu', '--fps', 2, '--out', 'masks')
    run_video_demo(
        monkeypatch,
        *(video, 'film_tiny_ms3', weights),
        *options,
        *('--json', 'summary.json'),
    )
    assert (tmp_path / 'in_mmavs.mp4').stat().st_size > 1000
    assert len(list((tmp_path / 'masks').glob('*.png'))) == 6
    summary = json.loads((tmp_path / 'summary.json').read_text())
    assert summary['weights'] == str(weights)
    printed = capsys.readouterr().out
    assert '6 masks' in printed and 'in_mmavs.mp4' in printed


def test_video_demo_carries_a_memory_where_there_is_one(
    video, weights, monkeypatch
):
    words = (video, 'film_tiny_ms3', weights, '--no-video', '--carry-memory')
    with pytest.raises(ValueError, match='AVSFPNHead keeps no memory'):
        run_video_demo(monkeypatch, *words)


def test_video_demo_without_weights(video, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match='no weights were given'):
        run_video_demo(monkeypatch, video, 'add_tiny_ms3')
    run_video_demo(
        monkeypatch, video, 'add_tiny_ms3', '--random-weights', '--no-video'
    )
    assert list(tmp_path.iterdir()) == []


def code_of_video_demo(monkeypatch, *arguments) -> int:
    monkeypatch.setattr(sys, 'argv', ['video_demo.py', *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        run_script(load('video_demo').main)
    return stop.value.code


@pytest.mark.parametrize(
    'given, options, said',
    [
        ('none.mp4', [], 'media file not found: none.mp4'),
        ('zero.mp4', [], 'zero.mp4 is not a video or sound file'),
        ('folder', [], 'no picture in folder'),
        ('in.mp4', ['--audio', 'none.wav'], 'file not found: none.wav'),
        ('in.mp4', ['--out', '.', '--overwrite'], '. holds an input'),
        ('in.mp4', ['--json', 'in.mp4'], 'in.mp4 is an input of this run'),
        (
            'in.mp4',
            ['--overwrite', '--out-video', 'in.mp4'],
            'in.mp4 is an input of this run',
        ),
        ('in.mp4', ['--json', 'zero.mp4'], 'zero.mp4 exists already'),
        ('in.mp4', ['--out', 'full'], 'full is not empty (it holds a.txt)'),
        ('in.mp4', ['--json', 'in.mp4/a'], 'in.mp4 is not a folder'),
        ('in.mp4', ['--out-video', 'a.avi'], 'an mp4 file, got a.avi'),
        ('in.mp4', ['--opacity', '5'], '5 is not in 0..1'),
        ('in.mp4', ['--no-video', '--out-video', 'a.mp4'], 'not allowed with'),
    ],
)
def test_mistakes_are_said_before_the_model_is_built(
    video, tmp_path, monkeypatch, capsys, given, options, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'in.mp4').symlink_to(video)
    (tmp_path / 'zero.mp4').write_bytes(b'')
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'full').mkdir()
    (tmp_path / 'full' / 'a.txt').write_text('mine')
    before = sorted(tmp_path.rglob('*')), video.read_bytes()
    code = code_of_video_demo(monkeypatch, given, 'no_model', *options)
    error = capsys.readouterr().err.splitlines()[-1]
    assert code == 2
    assert error.startswith('video_demo.py: error: ') and said in error
    assert (sorted(tmp_path.rglob('*')), video.read_bytes()) == before


def test_a_camera_stands_in_place_of_a_video(
    video, weights, tmp_path, monkeypatch, capsys
):
    """Its model and weights are given without one; here it is a file."""

    def moments(index, stopped):
        assert index == 1 and not stopped()
        sound = find_media(video).sound.open().read(0, 3).numpy()
        for i, picture in enumerate(find_media(video).pictures):
            piece = sound[i * 2600 : (i + 1) * 2600]
            yield picture.read(), (piece, 16000)

    monkeypatch.chdir(tmp_path)
    demo = load('video_demo')
    monkeypatch.setattr('mmavs.media.camera.camera', moments)
    words = ('film_tiny_ms3', weights, '--device', 'cpu', '--camera', 1)
    monkeypatch.setattr(sys, 'argv', ['video_demo.py', *map(str, words)])
    assert demo.main() == 0
    assert '3 masks' in capsys.readouterr().out
    assert (tmp_path / 'camera_mmavs.mp4').stat().st_size > 1000


@pytest.mark.parametrize(
    'words, said',
    [
        (['no_model', '--camera', '7'], 'there is no camera 7 here'),
        (['--camera', 'no_model'], 'no_model is not the number of a camera'),
    ],
)
def test_no_camera_is_a_mistake(monkeypatch, capsys, words, said):
    monkeypatch.setattr('cv2.VideoCapture.isOpened', lambda self: False)
    assert code_of_video_demo(monkeypatch, *words) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_what_a_model_hears_is_a_word_of_the_command_line(
    video, weights, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    words = (video, 'film_tiny_ms3', weights, '--device', 'cpu')
    options = ('--no-video', '--json', 's.json', '--alpha', 'a.mov')
    run_video_demo(monkeypatch, *words, '--audio', 'mute', *options)
    summary = json.loads((tmp_path / 's.json').read_text())
    assert summary['sound'] == 'mute' and summary['alpha'] == 'a.mov'
    assert (tmp_path / 'a.mov').stat().st_size > 1000


def test_a_folder_names_its_overlay(tmp_path, monkeypatch):
    (tmp_path / 'clip.v2').mkdir()
    monkeypatch.chdir(tmp_path / 'clip.v2')
    name = load('video_demo').default_overlay
    assert name('.') == name('../clip.v2/') == 'clip.v2_mmavs.mp4'
    assert name('a/b.mp4') == 'b_mmavs.mp4'


def test_web_demo_arguments(weights, tmp_path, monkeypatch, capsys):
    parse = load('web_demo').model_and_weights
    name = 'film_tiny_ms3'
    assert parse(f'{name}={weights}') == (name, str(weights))
    with pytest.raises(argparse.ArgumentTypeError, match='MODEL=WEIGHTS'):
        parse('name')
    with pytest.raises(argparse.ArgumentTypeError, match='not found'):
        parse(f'{name}={tmp_path / "absent.pth"}')
    with pytest.raises(argparse.ArgumentTypeError, match='Did you mean .*fil'):
        parse(f'film_tiny_ms4={weights}')
    words = ['web_demo.py', f'{name}={weights}', '--max-seconds', '0']
    monkeypatch.setattr(sys, 'argv', words)
    with pytest.raises(SystemExit, match='2'):
        load('web_demo').parse_args()
    assert '0 is not a whole number of at least 1' in capsys.readouterr().err
    words = ['web_demo.py', *[f'{name}={weights}'] * 2]
    monkeypatch.setattr(sys, 'argv', words)
    with pytest.raises(SystemExit, match='2'):
        load('web_demo').parse_args()
    assert 'a model is given twice' in capsys.readouterr().err


def test_web_demo_without_gradio(monkeypatch):
    monkeypatch.setitem(sys.modules, 'gradio', None)
    with pytest.raises(ImportError, match='Fix: pip install "gradio'):
        load('web_demo').import_gradio()
