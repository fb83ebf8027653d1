"""The clip and the model that are part of the package."""

import importlib.util

import av
import numpy as np

from mmavs.model_index import example_video, resource_root


def decoded(path):
    with av.open(str(path)) as file:
        frames = [f.to_ndarray(format='rgb24') for f in file.decode(video=0)]
    with av.open(str(path)) as file:
        sound = [f.to_ndarray() for f in file.decode(audio=0)]
    return np.stack(frames).astype(int), np.concatenate(sound, 1)


def test_the_clip_is_what_its_tool_makes(tmp_path, monkeypatch):
    path = resource_root() / 'tools/misc/make_example.py'
    spec = importlib.util.spec_from_file_location('make_example', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr('sys.argv', ['tool', str(tmp_path / 'made.mp4')])
    tool.main()
    made, sound = decoded(tmp_path / 'made.mp4')
    frames, own = decoded(example_video())
    assert frames.shape == made.shape == (40, 224, 224, 3)
    # whichever version of the encoders is here
    assert np.abs(frames - made).mean() < 1
    assert own.shape == sound.shape and np.abs(own - sound).max() < 0.01
    assert 0.01 < own.std() < 0.5
    assert example_video().stat().st_size <= 300_000
