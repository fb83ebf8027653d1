"""A wrong model or video on the command line: one line, and code 2."""

import hashlib
import json
import shutil
import sys

import numpy as np
import pytest
from run_tool import load_tool

from mmavs.command_line import run_script
from mmavs.model_index import example_video


@pytest.fixture
def model(exported, tmp_path):
    """A copy of the exported model, to be spoilt."""
    for suffix in ('', '.json'):
        shutil.copy(
            f'{exported.path}{suffix}', tmp_path / f'film.onnx{suffix}'
        )
    return tmp_path / 'film.onnx'


@pytest.fixture
def ended(monkeypatch, capfd, tmp_path):
    """Run ``mmavs video`` to its end; give what it said."""

    def run(video, model):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, 'argv', ['video', str(video), str(model)])
        with pytest.raises(SystemExit) as end:
            run_script(load_tool('demo/video_demo').main)
        said = capfd.readouterr().err.strip()
        assert end.value.code == 2
        assert len(said.splitlines()) == 1 and 'Fix: ' in said, said
        return said

    return run


def describe(model, data=None, **fields):
    """Change a description, and the file that it describes."""
    if data is not None:
        model.write_bytes(data)
        fields['sha256'] = hashlib.sha256(data).hexdigest()
    beside = model.with_name('film.onnx.json')
    facts = json.loads(beside.read_text())
    beside.write_text(json.dumps(dict(facts, **fields)))


def network(opset=18, outside=None):
    """Write imgs + 1 as an ONNX model, the 1 perhaps in another file."""
    onnx = pytest.importorskip('onnx')
    from onnx import helper

    one = helper.make_tensor('one', onnx.TensorProto.FLOAT, [1], [1.0])
    if outside is not None:
        one.ClearField('float_data')
        one.data_location = onnx.TensorProto.EXTERNAL
        for key, value in dict(location=outside, length='4').items():
            one.external_data.add(key=key, value=value)
    imgs, logits = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1])
        for name in ('imgs', 'logits')
    )
    add = helper.make_node('Add', ['imgs', 'one'], ['logits'])
    graph = helper.make_graph([add], 'add', [imgs], [logits], [one])
    imports = [helper.make_opsetid('', opset)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    return model.SerializeToString()


def test_half_a_description(model, ended):
    beside = model.with_name('film.onnx.json')
    beside.write_text(beside.read_text()[:300])
    assert f'{beside} is damaged' in ended(example_video(), model)


@pytest.mark.parametrize(
    'fields, wrong',
    [
        (dict(format=0), 'format'),
        (dict(threshold='high'), 'threshold'),
        (dict(frames=dict(resize=None)), 'mean'),
        (dict(front_end=dict(kind='log_mel')), 'sample_rate'),
    ],
)
def test_a_description_of_something_else(model, ended, fields, wrong):
    describe(model, **fields)
    assert f'its {wrong} is missing' in ended(example_video(), model)


def test_a_description_of_other_inputs(model, ended):
    describe(model, inputs=['imgs'])
    assert "has the inputs ['imgs', 'audio']" in ended(example_video(), model)


def test_a_model_of_which_a_part_is_missing(model, ended):
    model.write_bytes(model.read_bytes()[:-1000])
    assert 'its SHA-256 is another' in ended(example_video(), model)
    describe(model, data=model.read_bytes())
    assert 'not a model that ONNX Runtime' in ended(example_video(), model)


def test_a_model_of_a_newer_opset(model, ended):
    describe(model, data=network(opset=99))
    said = ended(example_video(), model)
    assert 'ONNX Runtime' in said and 'pip install --upgrade' in said


@pytest.mark.parametrize(
    'where', ['weights.bin', '../weights.bin', '/dev/zero']
)
def test_weights_in_another_file_are_not_read(model, ended, tmp_path, where):
    np.ones(1, np.float32).tofile(tmp_path / 'weights.bin')
    describe(model, data=network(outside=where))
    assert 'not a model that ONNX Runtime' in ended(example_video(), model)


def test_a_video_that_is_not_there_or_silent(model, ended, tmp_path):
    from mmavs.testing.media import write_test_video

    assert 'no.mp4' in ended(tmp_path / 'no.mp4', model)
    path = tmp_path / 'silent.mp4'
    write_test_video(path, np.zeros((60, 48, 64, 3), np.uint8))
    assert 'sound' in ended(path, model)
