"""A small SoundingInstanceHead, and instances for it."""

import torch

from mmavs.models.layers.avsc import Instances
from mmavs.registry import MODELS

CHANNELS = [8, 16, 24, 32]


CATEGORIES = ('dog', 'cat', 'guitar')


AVSC_CONFIG = dict(type='AVSC', audio_channels=12, hidden_channels=(16,))


STAGE_2 = dict(
    avsc=AVSC_CONFIG,
    loss_decode=dict(type='FrameBCELoss', loss_name='loss_avc'),
)


def build(**options):
    options = dict(
        dict(
            type='SoundingInstanceHead',
            in_channels=CHANNELS,
            categories=CATEGORIES,
            num_queries=6,
            embed_dims=32,
            num_heads=4,
            dropout=0.0,
            decoder=dict(num_layers=2, ffn_channels=64),
            loss_silent=dict(type='SilentObjectLoss'),
        ),
        **options,
    )
    return MODELS.build(options)


def instances(scores):
    """A dog on the left half, a guitar on the right half."""
    masks = torch.full((1, 2, 4, 4), -9.0)
    masks[:, 0, :, :2] = 9.0
    masks[:, 1, :, 2:] = 9.0
    return Instances(
        torch.tensor([[0, 2]]),
        torch.tensor([scores]),
        masks,
        torch.ones(1, 2).bool(),
    )
