"""Models that are built and loaded."""

from pathlib import Path

import pytest
import torch

from mmavs.apis import init_model

ROOT = Path(__file__).resolve().parents[2]


def test_init_model_by_name_of_a_config():
    model = init_model('film_tiny_ms3', device='cpu')
    assert not model.training
    assert model.dataset_meta['classes'] == ('background', 'sounding')
    assert len(model.dataset_meta['palette']) == 2
    path = Path(model.cfg.filename).resolve()
    assert path == ROOT / 'configs/synthetic/film_tiny_ms3.py'


def test_semantic_model_knows_its_classes(semantic_model):
    assert len(semantic_model.dataset_meta['classes']) == 71


def test_checkpoint_is_loaded_whole(config, binary_weights, tmp_path):
    meta = dict(
        dataset_meta=dict(classes=['no', 'yes'], palette=[[0] * 3] * 2)
    )
    path = tmp_path / 'w.pth'
    torch.save(dict(state_dict=binary_weights, meta=meta), path)
    model = init_model(config, path, device='cpu')
    assert model.dataset_meta['classes'] == ['no', 'yes']
    for key, value in model.state_dict().items():
        assert torch.equal(value, binary_weights[key]), key
    partial = dict(list(binary_weights.items())[:-1])
    torch.save(dict(state_dict=partial), path)
    with pytest.raises(RuntimeError, match='w.pth is of another model'):
        init_model(config, path, device='cpu')
    with pytest.raises(FileNotFoundError, match='absent.pth'):
        init_model(config, tmp_path / 'absent.pth', device='cpu')


def test_spoilt_weights_and_parts_of_configs_are_refused(
    config, binary_weights, tmp_path
):
    weights = dict(binary_weights)
    name = next(iter(weights))
    weights[name] = weights[name].clone()
    weights[name].view(-1)[0] = float('nan')
    torch.save(dict(state_dict=weights), tmp_path / 'w.pth')
    with pytest.raises(RuntimeError, match=f'w.pth: NaN.*1 of .* {name}'):
        init_model(config, tmp_path / 'w.pth', device='cpu')
    (tmp_path / 'part.json').write_text('{"dataset_type": "AVSBench"}')
    with pytest.raises(ValueError, match='part.json describes no model'):
        init_model(tmp_path / 'part.json', device='cpu')


def test_options_override_the_config(config):
    options = {'model.decode_head.threshold': 0.25}
    model = init_model(config, device='cpu', cfg_options=options)
    assert model.decode_head.threshold == 0.25


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_absent_device_is_said(config):
    with pytest.raises(RuntimeError, match="take device='cpu'"):
        init_model(config, device='cuda:0')
    model = init_model(config)
    assert next(model.parameters()).device.type == 'cpu'
