"""An exported model gives what PyTorch gives, of any number of clips."""

import json

import numpy as np
import pytest
import torch

from mmavs.apis import init_model
from mmavs.audio import vggish_log_mel
from mmavs.audio.log_mel import EXAMPLE_LENGTH
from mmavs.deployment import OnnxModel, export_model, exporting
from mmavs.deployment.checking import difference, load
from mmavs.deployment.network import LogMelExamples


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
    with pytest.raises(ValueError, match='of 5 frames of 96 x 96, got .1, 4'):
        model.run(imgs=imgs, audio=audio)


@pytest.mark.parametrize(
    'audio, said',
    [
        (None, 'takes imgs and audio, and got no audio'),
        (
            np.zeros((1, 5, 16000), np.float32),
            r'5, 15600\), .* got \(1, 5, 16',
        ),
        (np.zeros((1, 5, EXAMPLE_LENGTH)), 'float32, got .* float64'),
    ],
)
def test_other_sound_is_refused(exported, audio, said):
    imgs = np.zeros((1, 5, 3, 96, 96), np.float32)
    with pytest.raises(ValueError, match=said):
        OnnxModel(exported.path).run(imgs=imgs, audio=audio)


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
    with pytest.raises(ValueError, match='Fix: name it FILE.aoti.pt2'):
        export_model(model, tmp_path / 'a.pt2', to='aoti')
    with pytest.raises(ValueError, match='in steps of 32 pixels, got 80 x 96'):
        options = dict(size=(96, 80), any_size=True)
        export_model(model, tmp_path / 'a.onnx', **options)
    deaf = init_model('nosound_tiny_ms3', 'random', 'cpu')
    with pytest.raises(ValueError, match='front end of the model is none'):
        export_model(deaf, tmp_path / 'a.onnx', log_mel=True)


def test_without_a_compiler_aoti_says_so(exported, tmp_path, monkeypatch):
    monkeypatch.setenv('CXX', '/no/such/compiler')
    with pytest.raises(RuntimeError, match='CXX=/no/such/compiler is not'):
        export_model(exported.model, tmp_path / 'a.aoti.pt2', to='aoti')


def test_an_opset_that_pytorch_does_not_reach_is_refused(
    exported, tmp_path, monkeypatch
):
    class Left:  # as it was: PyTorch says nothing when it cannot convert
        class model:
            opset_imports = {'': 18}

    monkeypatch.setattr(torch.onnx, 'export', lambda *_, **__: Left)
    monkeypatch.setattr(exporting, 'trace', lambda *_: None)
    path = tmp_path / 'film.onnx'
    with pytest.raises(ValueError, match='as opset 18, not 25. Fix: opset=18'):
        export_model(exported.model, path, opset=25)
    assert not list(tmp_path.iterdir())
