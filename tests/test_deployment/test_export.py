"""An exported model gives what PyTorch gives, of any number of clips."""

import json

import numpy as np
import pytest
import torch

from mmavs.apis import init_model
from mmavs.audio import vggish_log_mel
from mmavs.audio.log_mel import EXAMPLE_LENGTH
from mmavs.deployment import OnnxModel, export_model
from mmavs.deployment.checking import difference, load
from mmavs.deployment.network import LogMelExamples

METHODS = (
    *('tpavi_tiny_ms3', 'avsbg_tiny_ms3', 'avsegformer_tiny_ms3'),
    *('avsac_tiny_ms3', 'avis_tiny_ms3', 'avis_tiny_ms3_stage1'),
    *('catr_tiny_ms3', 'auralsam2_tiny_ms3', 'film_tiny_ms3'),
    *('add_tiny_ms3', 'nosound_tiny_ms3', 'tpavi_tiny_avss'),
)


@pytest.mark.parametrize('num_clips', [1, 2, 3])
def test_any_number_of_clips(exported, num_clips):
    model, path, facts = exported
    run = load(path, facts)
    assert difference(model, run, facts, num_clips=num_clips) < 1e-4


def test_the_log_mel_of_the_graph_is_that_of_the_pipeline():
    draw = torch.Generator().manual_seed(0)
    loud = torch.rand(2, 3, EXAMPLE_LENGTH, generator=draw) * 2 - 1
    quiet = 1e-3 * loud
    for waveform in (loud, quiet, torch.zeros_like(loud)):
        wanted = torch.stack(
            [
                torch.cat([vggish_log_mel(second, 16000) for second in clip])
                for clip in waveform
            ]
        )
        found = LogMelExamples()(waveform)
        assert found.shape == (2, 3, 1, 96, 64)
        assert (found - wanted).abs().max() < 1e-5


def test_the_description_says_what_a_runtime_needs(exported):
    _, path, facts = exported
    assert facts == json.loads((path.parent / 'film.onnx.json').read_text())
    assert facts['size'] == [96, 96] and facts['clip_frames'] == 5
    assert facts['frames'] == dict(
        resize=dict(size=[96, 96], backend='cv2', interpolation='bilinear'),
        mean=[120.0] * 3,
        std=[60.0] * 3,
        order='RGB',
        size_divisor=1,
    )
    assert facts['front_end'] == dict(
        kind='log_mel',
        sample_rate=16000,
        channels=1,
        in_graph=True,
        hop=15360,
        length=15600,
    )
    assert facts['binary'] and facts['threshold'] == 0.5
    assert facts['unsupported'] == []
    assert facts['inputs'] == ['imgs', 'audio']
    assert facts['outputs'] == ['logits']


def test_clips_of_another_length_are_refused(exported):
    model = OnnxModel(exported.path)
    imgs = np.zeros((1, 4, 3, 96, 96), np.float32)
    audio = np.zeros((1, 4, EXAMPLE_LENGTH), np.float32)
    with pytest.raises(ValueError, match='clips of 5 frames of 96 x 96, got'):
        model.run(imgs=imgs, audio=audio)


def test_files_that_do_not_belong_together_are_refused(exported, tmp_path):
    path = tmp_path / 'other.onnx'
    with pytest.raises(FileNotFoundError, match='an exported model is two'):
        OnnxModel(path)
    path.write_bytes(exported.path.read_bytes() + b'0')
    with pytest.raises(FileNotFoundError, match='other.onnx.json'):
        OnnxModel(path)
    beside = tmp_path / 'other.onnx.json'
    beside.write_text((exported.path.parent / 'film.onnx.json').read_text())
    with pytest.raises(ValueError, match='its SHA-256 is another one'):
        OnnxModel(path)
    beside.write_text('{"format": 0}')
    with pytest.raises(ValueError, match='export the model again'):
        OnnxModel(path)


def test_a_wish_that_cannot_be_met_is_refused(exported, tmp_path):
    model = exported.model
    with pytest.raises(ValueError, match="to must be one of .'onnx'"):
        export_model(model, tmp_path / 'a', to='tflite')
    deaf = init_model('nosound_tiny_ms3', 'random', 'cpu')
    with pytest.raises(ValueError, match='front end of the model is none'):
        export_model(deaf, tmp_path / 'a.onnx', log_mel=True)


def test_without_a_compiler_aoti_says_so(exported, tmp_path, monkeypatch):
    monkeypatch.setenv('CXX', '/no/such/compiler')
    with pytest.raises(RuntimeError, match='CXX=/no/such/compiler is not'):
        export_model(exported.model, tmp_path / 'a.aoti.pt2', to='aoti')


@pytest.mark.slow
@pytest.mark.parametrize('to', ['onnx', 'torch-export'])
@pytest.mark.parametrize('name', METHODS)
def test_every_method(name, to, tmp_path):
    model = init_model(name, 'random', 'cpu')
    path = tmp_path / 'model'
    facts = export_model(model, path, to=to)
    run = load(path, facts)
    for num_clips in (1, 2, 3):
        assert difference(model, run, facts, num_clips=num_clips) < 1e-4


@pytest.mark.slow
def test_any_size(tmp_path):
    model = init_model('tpavi_tiny_ms3', 'random', 'cpu')
    path = tmp_path / 'model.onnx'
    facts = export_model(model, path, any_size=True)
    run = load(path, facts)
    for size in (None, (96, 128)):
        assert difference(model, run, facts, num_clips=2, size=size) < 1e-4


@pytest.mark.slow
def test_aoti(exported, tmp_path):
    from mmavs.compat.exporters import no_compiler

    if no_compiler():
        pytest.skip(no_compiler())
    path = tmp_path / 'model.aoti.pt2'
    facts = export_model(exported.model, path, to='aoti')
    run = load(path, facts)
    for num_clips in (1, 2, 3):
        apart = difference(exported.model, run, facts, num_clips=num_clips)
        assert apart < 1e-4
