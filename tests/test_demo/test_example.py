"""The clip and the model that are part of the package."""

import json
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from run_tool import load_tool

from mmavs.apis import inference_model, init_model
from mmavs.compat import load_checkpoint
from mmavs.compat.av_pictures import converted
from mmavs.compat.downloads import check_digits
from mmavs.datasets import AVSBenchMS3Dataset
from mmavs.datasets.synthetic import ensure_synthetic
from mmavs.datasets.synthetic.script import write_script
from mmavs.evaluation import jaccard
from mmavs.model_index import (
    EXAMPLE_MODEL,
    example_video,
    released,
    resource_root,
)

MEASURED = 76.2  # percent, on the first ten test clips


def decoded(path):
    with av.open(str(path)) as file:
        frames = [
            converted(f, format='rgb24').to_ndarray()
            for f in file.decode(video=0)
        ]
    with av.open(str(path)) as file:
        sound = [f.to_ndarray() for f in file.decode(audio=0)]
    return np.stack(frames).astype(int), np.concatenate(sound, 1)


def test_the_clip_is_what_its_tool_makes(tmp_path, monkeypatch):
    tool = load_tool('misc/make_example')
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


@pytest.fixture(scope='module')
def model():
    return init_model(EXAMPLE_MODEL, device='cpu')


def test_the_model_is_small_and_says_how_it_was_made(model):
    path = Path(released(EXAMPLE_MODEL)['Address'])
    assert path.parent == resource_root() / 'demo'
    assert path.stat().st_size <= 3_000_000
    check_digits(path)
    found = load_checkpoint(path)
    weights, meta = found['state_dict'], found['meta']
    assert {v.dtype for v in weights.values()} == {torch.half, torch.int64}
    for key, value in model.state_dict().items():
        assert torch.equal(value, weights[key].to(value.dtype)), key
    assert meta['train'].startswith(f'mmavs train {EXAMPLE_MODEL} ')
    metrics = released(EXAMPLE_MODEL)['Metrics']
    assert meta['mIoU'].startswith(f'{metrics["mIoU"]} ')
    assert meta['mFscore'] == f'{metrics["mFscore"]}'


def test_its_j_is_as_stated_give_or_take_few_clips(model, tmp_path):
    """Ten of the test clips on which the stated J, 79.4, was measured."""
    root = ensure_synthetic(
        tmp_path,
        'ms3',
        clips=dict(test=10),
        size=96,
        workers=1,
        progress=False,
    )
    clips = AVSBenchMS3Dataset(data_root=str(root), split='test', pipeline=[])
    found = []
    for index in range(10):
        info = clips.get_data_info(index)
        frames = [frame['img_path'] for frame in info['frames']]
        logits = inference_model(model, frames, info['audio_path']).seg_logits
        masks = [
            cv2.imread(str(frame['seg_map_path']), cv2.IMREAD_GRAYSCALE) > 0
            for frame in info['frames']
        ]
        target = torch.from_numpy(np.stack(masks))
        found.append(jaccard(logits.data[:, 0], target).mean())
    assert 100 * float(np.mean(found)) == pytest.approx(MEASURED, abs=1)


def test_the_example_runs_at_once(tmp_path, monkeypatch, capsys):
    """The clip's seconds: two sound, two, none, two others, one of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys,
        'argv',
        ['video_demo.py', '--example', '--device', 'cpu', '--json', 's.json'],
    )
    demo = load_tool('demo/video_demo')
    assert demo.main() == 0
    said = capsys.readouterr().out
    assert f'5 masks by {EXAMPLE_MODEL}, 4 of them not empty' in said
    assert 'example_mmavs.mp4' in said
    frames, _ = decoded(tmp_path / 'example_mmavs.mp4')
    assert frames.shape == (40, 224, 224, 3)
    summary = json.loads((tmp_path / 's.json').read_text())
    areas = [
        sum(o['area'] for o in row['objects']) for row in summary['masks']
    ]
    assert areas == pytest.approx([0.089, 0.093, 0, 0.143, 0.079], abs=0.01)
    script = write_script('ms3', 'test', 11, 0)
    heard = [len(second) for second in script.sounding]
    assert heard == [2, 2, 0, 2, 1]
