"""prepare_clips makes AVSDataset's layout from a folder of videos."""

import importlib.util
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmavs.audio import read_wav
from mmavs.datasets import AVSDataset
from mmavs.testing import tiny_avsbench
from mmavs.testing.media import cut_off, last_forever, write_test_video

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    return tiny_avsbench(
        tmp_path_factory.mktemp('world'), 'ms3', dict(train=2), video=True
    )


@pytest.fixture
def prepare(monkeypatch):
    path = ROOT / 'tools' / 'dataset_converters' / 'prepare_clips.py'
    spec = importlib.util.spec_from_file_location('prepare_clips', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*words):
        arguments = ['prepare_clips', *map(str, words), '--workers', '1']
        monkeypatch.setattr(sys, 'argv', arguments)
        return module.main()

    return run


def test_clips_come_out_of_videos(prepare, world, tmp_path, capsys):
    words = world, '--out', tmp_path, '--split', 'fit'
    assert prepare(*words) == 0
    dataset = AVSDataset(str(tmp_path), 'fit')
    assert len(dataset) == 2
    info = dataset.get_data_info(1)
    assert info['clip_id'] == 'ms3_train_00001' and info['num_frames'] == 5
    wave, rate = read_wav(info['audio_path'])
    assert rate == 16000 and abs(wave.shape[-1] - 80000) < 1600
    truth = world / 'ms3_data' / 'visual_frames' / 'ms3_train_00001'
    for t, frame in enumerate(info['frames']):
        expected = cv2.imread(str(truth / f'ms3_train_00001.mp4_{t + 1}.png'))
        image = cv2.imread(frame['img_path'])
        assert np.abs(image.astype(int) - expected).mean() < 8
    assert '2 clips made, 0 were there already, 0 failed' in (
        capsys.readouterr().out
    )
    assert prepare(*words) == 0
    assert '0 clips made, 2 were there already' in capsys.readouterr().out


def test_first_seconds_at_a_size(prepare, world, tmp_path):
    options = '--seconds', 2, '--size', 24, 32
    assert prepare(world, '--out', tmp_path, *options) == 0
    info = AVSDataset(str(tmp_path), None).get_data_info(0)
    assert info['num_frames'] == 2
    assert cv2.imread(info['frames'][0]['img_path']).shape == (24, 32, 3)


@pytest.mark.parametrize('first, then', [(2, 4), (4, 2)])
def test_a_clip_of_another_length_is_left_alone(
    prepare, world, tmp_path, capsys, first, then
):
    assert prepare(world, '--out', tmp_path, '--seconds', first) == 0
    assert prepare(world, '--out', tmp_path, '--seconds', then) == 1
    message = f'hold {first} seconds, {then} are asked for now.*Fix: remove'
    assert re.search(message, capsys.readouterr().out)
    info = AVSDataset(str(tmp_path), None).get_data_info(0)
    wave, rate = read_wav(info['audio_path'])
    assert info['num_frames'] == wave.shape[-1] / rate == first


def test_a_stopped_run_goes_on(prepare, world, tmp_path):
    assert prepare(world, '--out', tmp_path, '--seconds', 3) == 0
    info = AVSDataset(str(tmp_path), None).get_data_info(0)
    for path in (info['frames'][2]['img_path'], info['audio_path']):
        Path(path).unlink()
    assert prepare(world, '--out', tmp_path, '--seconds', 3) == 0
    assert AVSDataset(str(tmp_path), None).get_data_info(0)['num_frames'] == 3


def test_bad_videos_are_named_and_do_not_stop_the_others(
    prepare, world, tmp_path, capsys
):
    videos = tmp_path / 'videos'
    videos.mkdir()
    source = next(world.rglob('*.mp4'))
    (videos / 'good.mp4').write_bytes(source.read_bytes())
    (videos / 'bad.mp4').write_text('no video')
    assert prepare(videos, '--out', tmp_path / 'out') == 1
    printed = capsys.readouterr().out
    assert 'bad.mp4 is not a video or sound file' in printed
    assert '1 clips made, 0 were there already, 1 failed' in printed


def test_a_cut_off_video_is_named(prepare, world, tmp_path, capsys):
    videos = tmp_path / 'videos'
    videos.mkdir()
    cut_off(next(world.rglob('*.mp4')), videos / 'cut.mp4')
    assert prepare(videos, '--out', tmp_path / 'out') == 1
    printed = capsys.readouterr().out
    assert 'cut.mp4 is cut off: its pictures end at ' in printed
    assert 's of 5.00 s. Fix: ' in printed
    # what is there may be asked for
    assert prepare(videos, '--out', tmp_path / 'out', '--seconds', 2) == 0


def test_seconds_are_those_of_the_pictures(prepare, world, tmp_path):
    """Not those that a file states while its last picture stays forever."""
    videos = tmp_path / 'videos'
    videos.mkdir()
    last_forever(
        write_test_video(
            videos / 'a.mp4',
            np.zeros((4, 32, 32, 3), np.uint8),
            times_ms=[0, 500, 1000, 2500],
            sound=np.zeros((1, 54000)),
        )
    )
    assert prepare(videos, '--out', tmp_path / 'out') == 0
    info = AVSDataset(str(tmp_path / 'out'), None).get_data_info(0)
    assert info['num_frames'] == 3  # of 2.5 s and the mean stay


def test_hidden_files_are_not_videos(prepare, world, tmp_path, capsys):
    videos = tmp_path / 'videos'
    (videos / '__MACOSX').mkdir(parents=True)
    (videos / '.trash').mkdir()
    source = next(world.rglob('*.mp4')).read_bytes()
    for name in ('good.MP4', '.trash/old.mp4'):
        (videos / name).write_bytes(source)
    for name in ('._good.MP4', '__MACOSX/._good.MP4'):
        (videos / name).write_bytes(b'\0\5\26\7junk')  # as macOS leaves it
    assert prepare(videos, '--out', tmp_path / 'out') == 0
    printed = capsys.readouterr().out
    assert '1 clips made, 0 were there already, 0 failed' in printed
    assert len(AVSDataset(str(tmp_path / 'out'), None)) == 1


def test_nothing_to_do_is_named(prepare, world, tmp_path):
    with pytest.raises(FileNotFoundError, match=f'no video in {tmp_path}'):
        prepare(tmp_path, '--out', tmp_path / 'out')
    for folder in ('a', 'b'):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'same.mp4').write_text('')
    with pytest.raises(ValueError, match=r"several videos called \['same'\]"):
        prepare(tmp_path, '--out', tmp_path / 'out')
