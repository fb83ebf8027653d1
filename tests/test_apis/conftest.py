"""A small model of every kind of output."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.apis import init_model

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def tiny_config() -> Config:
    """The quick start's model, for pictures of 32 x 32."""
    config = Config.fromfile(CONFIGS / 'synthetic/film_tiny_ms3.py')
    steps = config.test_dataloader.dataset.pipeline
    steps[1].cache_dir = None
    for step in steps[-2].transforms:
        if step['type'] == 'Resize':
            step['scale'] = (32, 32)
    return config


@pytest.fixture
def config():
    return tiny_config()


@pytest.fixture(scope='session')
def binary_weights():
    """Weights whose masks are neither empty nor full."""
    torch.manual_seed(3)
    model = init_model(tiny_config(), device='cpu')
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    return model.state_dict()


@pytest.fixture
def binary_model(config, binary_weights):
    model = init_model(config, device='cpu')
    model.load_state_dict(binary_weights)
    return model


@pytest.fixture
def deaf_model(config):
    config.model.audio_encoder = None
    config.model.neck = config.model.neck[:1]
    return init_model(config, device='cpu')


@pytest.fixture
def semantic_model(config):
    torch.manual_seed(0)
    config.model.decode_head.update(
        num_classes=71,
        prior_prob=None,
        loss_decode=dict(type='FrameCrossEntropyLoss'),
    )
    config.model.data_preprocessor.num_frames = 10
    for name in ('train', 'val', 'test'):
        dataset = config[f'{name}_dataloader'].dataset
        dataset.type = 'AVSBenchSemanticDataset'
    return init_model(config, device='cpu')
