"""Any mmseg backbone, any stock head."""

import pytest
import torch
from mmengine.model import BaseModule

from mmavs.registry import MODELS
from mmavs.structures import AVSDataSample, FramePixelData


@MODELS.register_module(force=True)
class _LevelOfSound(BaseModule):
    out_channels = 1

    def forward(self, audio):
        return audio.flatten(1).mean(1, keepdim=True)


def clip_of_two(size):
    """Give a clip of two black frames, the second labelled."""
    sample = AVSDataSample(
        metainfo=dict(
            clip_id='c',
            num_frames=2,
            img_path=['p'] * 2,
            labeled_frames=[1],
            img_shape=size,
            ori_shape=size,
        )
    )
    labels = torch.zeros(2, 1, *size, dtype=torch.long)
    sample.gt_sem_seg = FramePixelData(data=labels)
    audio = torch.tensor([1.0, 2.0]).view(1, 2, 1)
    return dict(imgs=torch.zeros(1, 2, 3, *size), audio=audio), [sample]


BACKBONES = {
    'ResNet': (
        dict(type='ResNetV1c', depth=18, base_channels=8),
        [8, 16, 32, 64],
    ),
    'Swin': (
        dict(
            type='SwinTransformer',
            embed_dims=12,
            depths=(1, 1, 1, 1),
            num_heads=(1, 2, 3, 4),
            window_size=2,
        ),
        [12, 24, 48, 96],
    ),
    'MixVisionTransformer': (
        dict(
            type='MixVisionTransformer',
            embed_dims=8,
            num_layers=[1, 1, 1, 1],
            num_heads=[1, 2, 4, 8],
        ),
        [8, 16, 32, 64],
    ),
    'ConvNeXt': (
        dict(
            type='mmpretrain.ConvNeXt',
            arch=dict(depths=[1, 1, 1, 1], channels=[8, 16, 24, 32]),
            out_indices=(0, 1, 2, 3),
            gap_before_final_norm=False,
        ),
        [8, 16, 24, 32],
    ),
    'timm': (
        dict(
            type='TIMMBackbone',
            model_name='resnet10t',
            features_only=True,
            pretrained=False,
            out_indices=(1, 2, 3, 4),
        ),
        [64, 128, 256, 512],
    ),
}


@pytest.mark.parametrize('name', BACKBONES)
@pytest.mark.parametrize('head', ['FCNHead', 'SegformerHead'])
def test_any_backbone_and_any_stock_head(name, head):
    """Foreign parts by config; the sound reaches a stock head's logits."""
    backbone, channels = BACKBONES[name]
    if head == 'FCNHead':
        head = dict(type=head, in_channels=16, in_index=3, num_convs=1)
    else:
        head = dict(type=head, in_channels=[16] * 4, in_index=[0, 1, 2, 3])
    head.update(
        channels=8,
        num_classes=2,
        out_channels=1,
        threshold=0.5,
        loss_decode=dict(
            type='CrossEntropyLoss', use_sigmoid=True, avg_non_ignore=True
        ),
    )
    model = MODELS.build(
        dict(
            type='AVSegmentor',
            backbone=backbone,
            audio_encoder=dict(type='_LevelOfSound'),
            neck=[
                dict(
                    type='ChannelAlign', in_channels=channels, out_channels=16
                ),
                dict(type='AddAudio', in_channels=[16] * 4, audio_channels=1),
            ],
            decode_head=head,
            test_cfg=dict(eval_size='original'),
        )
    )
    data, samples = clip_of_two((64, 64))
    losses = model.loss(data, samples)
    losses['decode.loss_ce'].backward()
    assert losses['decode.loss_ce'] > 0
    model.eval()
    loud = dict(data, audio=data['audio'] + 5)
    with torch.no_grad():
        assert not torch.allclose(model(data), model(loud))
        assert model.predict(data, samples)[0].pred_sem_seg.data.shape == (
            2,
            1,
            64,
            64,
        )
