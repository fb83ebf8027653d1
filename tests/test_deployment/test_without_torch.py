"""An exported model segments a video where there is no torch."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from run_tool import load_tool

from mmavs.apis import AVSInferencer
from mmavs.deployment.onnx_clips import OnnxClips
from mmavs.deployment.onnx_model import OnnxModel
from mmavs.deployment.onnx_video import OnnxInferencer
from mmavs.model_index import EXAMPLE_MODEL, example_video, resource_root

# not even to be found, as where they are not installed
BLOCKED = """
import sys
from importlib import util

blocked = {blocked!r}
found = util.find_spec


def find_spec(name, *rest):
    return None if name.split('.')[0] in blocked else found(name, *rest)


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in blocked:
            text = 'No module named ' + repr(name)
            raise ModuleNotFoundError(text, name=name)


util.find_spec = find_spec
sys.meta_path.insert(0, Finder())
sys.argv = ['mmavs', *sys.argv[1:]]
from mmavs.__main__ import main

main()
"""
ABSENT = (
    *('torch', 'torchaudio', 'torchvision', 'mmcv', 'mmengine', 'mmseg'),
    *('mmpretrain', 'cv2', 'pycocotools', 'rich', 'safetensors', 'yaml'),
)


def without_torch(folder, *words):
    """Run a command where nothing of ABSENT is installed."""
    return subprocess.run(
        [sys.executable, '-c', BLOCKED.format(blocked=ABSENT), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env=dict(os.environ, OMP_NUM_THREADS='1'),
    )


@pytest.fixture(scope='module')
def run(exported, tmp_path_factory):
    """What the command wrote, and said."""
    folder = tmp_path_factory.mktemp('without')
    words = ['video', '--example', str(exported.path), '--out', 'masks']
    words += ['--json', 'found.json', '--out-video', 'overlay.mp4']
    done = without_torch(folder, *words)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, done


@pytest.fixture(scope='module')
def by_torch(tmp_path_factory):
    """The masks and the summary of the same model in PyTorch."""
    folder = tmp_path_factory.mktemp('with') / 'masks'
    weights = next((resource_root() / 'demo').glob('*.safetensors'))
    inferencer = AVSInferencer(EXAMPLE_MODEL, weights, 'cpu')
    return folder, inferencer(example_video(), out_dir=folder, progress=False)


def read(path):
    return np.asarray(Image.open(path)) > 0


def test_the_masks_are_those_of_pytorch(run, by_torch):
    folder, _ = run
    wanted_folder, wanted = by_torch
    found = json.loads((folder / 'found.json').read_text())
    assert len(found['masks']) == len(wanted['masks']) > 3
    sounding = 0
    for mine, theirs in zip(found['masks'], wanted['masks']):
        name = theirs['files'][0]
        one, other = read(folder / 'masks' / name), read(wanted_folder / name)
        # resizing may round a grey level to the other side
        assert (one != other).mean() < 2e-3
        assert [o['name'] for o in mine['objects']] == [
            o['name'] for o in theirs['objects']
        ]
        sounding += len(mine['objects'])
        for a, b in zip(mine['objects'], theirs['objects']):
            assert abs(a['score'] - b['score']) < 0.01
            assert abs(a['area'] - b['area']) < 2e-3
    assert sounding > 0
    for field in ('video', 'width', 'height', 'classes', 'fps', 'missing'):
        assert found[field] == wanted[field]


def test_the_overlay_has_pictures_and_sound(run):
    import av

    folder, _ = run
    with av.open(str(folder / 'overlay.mp4')) as video:
        assert {stream.type for stream in video.streams} == {'video', 'audio'}
        frame = next(video.decode(video=0))
        assert (frame.height, frame.width) == _size_of_example()


def _size_of_example():
    import av

    with av.open(str(example_video())) as video:
        stream = video.streams.video[0]
        return stream.height, stream.width


@pytest.mark.parametrize(
    'words, package',
    [
        (('export', 'film_tiny_ms3'), 'mmengine'),
        (('score', '--help'), 'torch'),
        (('models',), 'yaml'),
    ],
)
def test_what_needs_torch_says_so_in_a_line(tmp_path, words, package):
    done = without_torch(tmp_path, *words)
    said = done.stderr.strip()
    assert done.returncode == 2 and len(said.splitlines()) == 1, said
    assert package in said and 'Fix: pip install' in said


def test_what_was_not_exported_is_refused_in_words(exported):
    model = OnnxModel(exported.path)
    model.facts['unsupported'] = ['the front end BEATsFbank']
    with pytest.raises(ValueError, match='without the front end BEATsFbank'):
        OnnxClips(model)


def test_a_video_shorter_than_a_clip_is_refused(exported, tmp_path):
    from mmavs.testing.media import write_test_video

    path = tmp_path / 'short.mp4'
    pictures = np.zeros((30, 48, 64, 3), np.uint8)
    write_test_video(path, pictures, sound=np.zeros((1, 48000), np.float32))
    inferencer = OnnxInferencer(exported.path, threads=1)
    with pytest.raises(ValueError, match='lasts for 3 s, .*takes clips of 5'):
        list(inferencer.stream(path))


def test_what_an_exported_model_has_is_not_asked_for(monkeypatch, capsys):
    words = ['video_demo.py', 'a.mp4', 'm.onnx', '--device', 'cpu']
    monkeypatch.setattr(sys, 'argv', words)
    with pytest.raises(SystemExit) as ended:
        load_tool('demo/video_demo').main()
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith('m.onnx has its device in itself: leave that out')
