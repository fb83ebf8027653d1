"""Arguments of the wrong kind: one clear error each."""

import numpy as np
import pytest
import torch

from mmavs.apis import AVSInferencer, inference_model, init_model

BGR = np.zeros((8, 8, 3), np.uint8)
TONE = torch.sin(torch.arange(48000) / 20) / 2
ADDRESS = 'https://a.b/c.mp4'


@pytest.mark.parametrize(
    'call, kind, message',
    [
        (lambda m: inference_model(m, ADDRESS), ValueError, 'is an address'),
        (lambda m: inference_model(m, [ADDRESS]), ValueError, 'is an address'),
        (lambda m: AVSInferencer(m)(ADDRESS), ValueError, 'Fix: download it'),
        (lambda m: AVSInferencer(m)([ADDRESS]), ValueError, 'is an address'),
        (
            lambda m: AVSInferencer(m)([BGR], ADDRESS),
            ValueError,
            'sound is re',
        ),
        (lambda m: AVSInferencer(m)(None), TypeError, 'got NoneType'),
        (lambda m: AVSInferencer(m)([3]), TypeError, 'picture 0 .* type int'),
        (
            lambda m: AVSInferencer(m)([BGR], TONE),
            ValueError,
            'the waveform comes without its sample rate',
        ),
        (
            lambda m: init_model(ADDRESS),
            FileNotFoundError,
            'no config at http',
        ),
        (lambda m: init_model(None), TypeError, 'or a name, got NoneType'),
        (lambda m: init_model({}), TypeError, 'got dict. Fix: mmengine.Conf'),
        (lambda m: AVSInferencer(3), TypeError, 'or a name, got int'),
        (
            lambda m: init_model(m.cfg, m.state_dict()),
            TypeError,
            'weights are the path .* got OrderedDict. Fix: save',
        ),
        (
            lambda m: init_model(m.cfg, cfg_options='a=1'),
            TypeError,
            'cfg_options is a dict, got str',
        ),
        (
            lambda m: init_model(m.cfg, device='gpu'),
            RuntimeError,
            "no device gpu here .* Fix: take device='cpu'",
        ),
        (
            lambda m: inference_model(m.backbone, [BGR]),
            TypeError,
            'does not know its config.* Fix: build the model with',
        ),
        (
            lambda m: AVSInferencer(m.backbone),
            TypeError,
            'does not know its config',
        ),
        (lambda m: AVSInferencer(m, fps='2'), ValueError, "fps .* got '2'"),
        (lambda m: AVSInferencer(m, fps=None), ValueError, 'fps .* got None'),
        (
            lambda m: AVSInferencer(m, batch_size=float('inf')),
            ValueError,
            'batch_size must be a whole number of at least 1, got inf',
        ),
    ],
)
def test_arguments_of_the_wrong_kind(deaf_model, call, kind, message):
    with pytest.raises(kind, match=message):
        call(deaf_model)


def test_options_leave_the_config_as_it_is(config):
    model = init_model(
        config, None, 'cpu', {'model.decode_head.threshold': 0.25}
    )
    assert model.decode_head.threshold == 0.25
    assert config.model.decode_head.get('threshold') != 0.25
    assert model.cfg.model.decode_head.threshold == 0.25


def test_a_model_in_training_is_put_into_evaluation(binary_model):
    frames = [np.full((40, 56, 3), v, np.uint8) for v in (0, 99, 200)]
    sound = TONE, 16000
    expected = inference_model(binary_model, frames, sound)
    binary_model.train()
    found = inference_model(binary_model, frames, sound)
    assert torch.equal(found.seg_logits.data, expected.seg_logits.data)
