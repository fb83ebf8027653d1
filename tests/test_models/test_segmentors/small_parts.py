"""Small parts of models, and clips, to train a step on."""

import torch
from mmengine.model import BaseModule

from mmavs.registry import MODELS
from mmavs.testing.random_clips import random_clips

FRAMES = 3
BACKBONE = dict(
    type='ResNet',
    depth=18,
    base_channels=4,
    stem_channels=4,
    norm_cfg=dict(type='GN', num_groups=2),
)
CHANNELS = [4, 8, 16, 32]
FPN_HEAD = dict(
    type='AVSFPNHead',
    in_channels=[16] * 4,
    channels=(8, 8),
    num_upsamples=0,
    loss_decode=dict(type='FrameBCELoss'),
)
TO_16 = dict(type='ChannelAlign', in_channels=CHANNELS, out_channels=16)
TPAVI = dict(type='TPAVI', in_channels=[16] * 4, zero_init=False)
FILM = dict(type='AudioFiLM', in_channels=[16] * 4)


def build(**parts):
    torch.manual_seed(0)
    config = dict(
        type='AVSegmentor',
        backbone=BACKBONE,
        audio_encoder=dict(type='_Sound'),
        decode_head=FPN_HEAD,
    )
    return MODELS.build(dict(config, **parts)).double()


@MODELS.register_module(force=True)
class _Sound(BaseModule):
    out_channels = 128

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(128))

    def forward(self, audio):
        return audio.flatten(1) * self.scale


def batch(model, labelled=(0,)):
    inputs, samples = random_clips(model, 2, FRAMES, 64, (128,))
    for sample in samples:
        sample.set_metainfo(dict(labeled_frames=list(labelled)))
    return {key: value.double() for key, value in inputs.items()}, samples
