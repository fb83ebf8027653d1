"""SoundingInstanceHead equals mmdet 3.3.0's heads at equal weights.

Runs where mmdet is installed (mmavs does not need it), else it is skipped.
"""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures
from mmavs.testing import labels_of

mmdet_heads = pytest.importorskip(
    'mmdet.models.dense_heads', reason='mmdet is not installed'
)

CHANNELS = [32, 48, 64, 96]
CATEGORIES = ['dog', 'cat', 'car', 'guitar']
ATTENTION = dict(embed_dims=64, num_heads=8, dropout=0.0, batch_first=True)
GROUP_NORM = dict(type='GN', num_groups=32)


def feed_forward(channels):
    return dict(
        embed_dims=64,
        feedforward_channels=channels,
        num_fcs=2,
        ffn_drop=0.0,
        act_cfg=dict(type='ReLU', inplace=True),
    )


def mmdet_head(kind, pixel_decoder, losses, train_cfg):
    """Build mmdet's head with 64 channels, 10 queries and 3 layers."""
    options = dict(
        in_channels=CHANNELS,
        feat_channels=64,
        out_channels=64,
        num_things_classes=len(CATEGORIES),
        num_stuff_classes=0,
        num_queries=10,
        pixel_decoder=pixel_decoder,
        enforce_decoder_input_project=pixel_decoder['type']
        == 'mmdet.PixelDecoder',
        positional_encoding=dict(num_feats=32, normalize=True),
        transformer_decoder=dict(
            num_layers=3,
            return_intermediate=True,
            layer_cfg=dict(
                self_attn_cfg=ATTENTION,
                cross_attn_cfg=ATTENTION,
                ffn_cfg=feed_forward(128),
            ),
        ),
        train_cfg=train_cfg,
        **losses,
    )
    if kind == 'Mask2FormerHead':
        options.update(strides=[4, 8, 16, 32], num_transformer_feat_level=3)
    return getattr(mmdet_heads, kind)(**ConfigDict(options))


def loss_configs(cls_weight, mask_loss, dice_weight):
    return dict(
        loss_cls=dict(
            type='mmdet.CrossEntropyLoss',
            loss_weight=cls_weight,
            class_weight=[1.0] * len(CATEGORIES) + [0.1],
        ),
        loss_mask=mask_loss,
        loss_dice=dict(
            type='mmdet.DiceLoss',
            naive_dice=True,
            eps=1.0,
            loss_weight=dice_weight,
        ),
    )


def matching(cls_weight, mask_cost, dice_weight):
    return dict(
        assigner=dict(
            type='mmdet.HungarianAssigner',
            match_costs=[
                dict(type='mmdet.ClassificationCost', weight=cls_weight),
                mask_cost,
                dict(
                    type='mmdet.DiceCost',
                    weight=dice_weight,
                    pred_act=True,
                    eps=1.0,
                ),
            ],
        ),
        sampler=dict(type='mmdet.MaskPseudoSampler'),
    )


def maskformer(encoder_layers):
    """Give both MaskFormers: (theirs, ours)."""
    pixel_decoder = dict(type='mmdet.PixelDecoder', norm_cfg=GROUP_NORM)
    if encoder_layers:
        pixel_decoder.update(
            type='mmdet.TransformerEncoderPixelDecoder',
            encoder=dict(
                num_layers=encoder_layers,
                layer_cfg=dict(
                    self_attn_cfg=ATTENTION, ffn_cfg=feed_forward(2048)
                ),
            ),
            positional_encoding=dict(num_feats=32, normalize=True),
        )
    focal = dict(type='mmdet.FocalLoss', use_sigmoid=True, loss_weight=20.0)
    cost = dict(type='mmdet.FocalLossCost', weight=20.0, binary_input=True)
    theirs = mmdet_head(
        'MaskFormerHead',
        pixel_decoder,
        loss_configs(1.0, focal, 1.0),
        matching(1.0, cost, 1.0),
    )
    return theirs, dict(pixel_decoder=dict(num_layers=encoder_layers))


def mask2former():
    """Give both Mask2Formers: (theirs, ours)."""
    pixel_decoder = dict(
        type='mmdet.MSDeformAttnPixelDecoder',
        num_outs=3,
        norm_cfg=GROUP_NORM,
        encoder=dict(
            num_layers=2,
            layer_cfg=dict(
                self_attn_cfg=dict(ATTENTION, num_levels=3, num_points=4),
                ffn_cfg=feed_forward(1024),
            ),
        ),
        positional_encoding=dict(num_feats=32, normalize=True),
    )
    bce = dict(
        type='mmdet.CrossEntropyLoss', use_sigmoid=True, loss_weight=5.0
    )
    cost = dict(
        type='mmdet.CrossEntropyLossCost', weight=5.0, use_sigmoid=True
    )
    train_cfg = dict(
        matching(2.0, cost, 5.0),
        num_points=200,
        oversample_ratio=3.0,
        importance_sample_ratio=0.75,
    )
    theirs = mmdet_head(
        'Mask2FormerHead',
        pixel_decoder,
        loss_configs(2.0, bce, 5.0),
        train_cfg,
    )
    ours = dict(
        pixel_decoder=dict(kind='msdeform', num_layers=2),
        decoder=dict(masked_attention=True),
        loss_instances=dict(
            cls_weight=2.0,
            mask_weight=5.0,
            dice_weight=5.0,
            mask_loss='bce',
            num_points=200,
        ),
    )
    return theirs, ours


def build_pair(kind):
    theirs, options = {
        'fpn': lambda: maskformer(0),
        'fpn with encoder': lambda: maskformer(2),
        'msdeform': mask2former,
    }[kind]()
    decoder = dict(
        num_layers=3, ffn_channels=128, **options.get('decoder', {})
    )
    ours = MODELS.build(
        dict(
            type='SoundingInstanceHead',
            in_channels=CHANNELS,
            categories=CATEGORIES,
            num_queries=10,
            embed_dims=64,
            dropout=0.0,
            deep_supervision=True,
            **{**options, 'decoder': decoder},
        )
    )
    with torch.no_grad():
        # fresh deformable attention reads exactly at pixel centres, where
        # bilinear sampling has two derivatives
        for parameter in theirs.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    report = ours.load_state_dict(theirs.state_dict(), strict=False)
    assert report.missing_keys == ['category_names.names']
    assert report.unexpected_keys == []
    return theirs, ours


def frames():
    """Two frames: a dog and a car, and a cat. (mmdet's, ours)."""
    maps = torch.zeros(2, 64, 64, dtype=torch.long)
    maps[0, 5:30, 4:40] = 1
    maps[0, 40:60, 20:64] = 3
    maps[1, 10:50, 10:50] = 2
    theirs, ours = [], []
    for category_map in maps:
        present = category_map.unique()[1:]
        theirs.append(
            InstanceData(
                labels=present - 1,
                masks=(category_map == present[:, None, None]).long(),
            )
        )
        frame = SegDataSample(
            gt_sem_seg=PixelData(data=(category_map[None] > 0).long())
        )
        frame.gt_category_map = PixelData(data=category_map[None])
        ours.append(frame)
    return theirs, ours


@pytest.mark.parametrize('kind', ['fpn', 'fpn with encoder', 'msdeform'])
def test_forward_losses_and_gradients(kind):
    theirs, ours = build_pair(kind)
    visual = [
        torch.randn(2, channels, 64 // stride, 64 // stride)
        for channels, stride in zip(CHANNELS, (4, 8, 16, 32))
    ]
    samples = [
        SegDataSample(
            metainfo=dict(img_shape=(64, 64), batch_input_shape=(64, 64))
        )
    ] * 2
    their_classes, their_masks = theirs(visual, samples)
    output = ours.train()(AVFeatures(tuple(visual)))
    predictions = output.extras['predictions']
    assert len(predictions) == len(their_classes)
    for prediction, classes, masks in zip(
        predictions, their_classes, their_masks
    ):
        torch.testing.assert_close(
            prediction.class_logits, classes, rtol=1e-4, atol=2e-5
        )
        torch.testing.assert_close(
            prediction.mask_logits, masks, rtol=1e-4, atol=5e-5
        )
    instances, labeled_frames = frames()
    torch.manual_seed(3)  # the points of both draws
    expected = theirs.loss_by_feat(
        their_classes, their_masks, instances, [{}, {}]
    )
    torch.manual_seed(3)
    # mmdet goes through the layers in order, so do we
    losses = ours.loss(output, labels_of(labeled_frames, range(2)))
    assert set(losses) == set(expected)
    for name, value in expected.items():
        assert float(losses[name]) == pytest.approx(float(value), rel=1e-4)
    sum(expected.values()).backward()
    sum(losses.values()).backward()
    gradients = dict(ours.named_parameters())
    for name, parameter in theirs.named_parameters():
        ours_norm = gradients[name].grad.norm()
        assert float(ours_norm) == pytest.approx(
            float(parameter.grad.norm()), rel=2e-3, abs=1e-5
        ), name
