"""COCO checkpoints of MaskFormer and Mask2Former find their places."""

import pytest
import torch

from mmavs.registry import MODELS
from mmavs.testing.golden import load_json
from mmavs.weights.released.maskformer import convert

CHANNELS = [256, 512, 1024, 2048]


def head(**options):
    with torch.device('meta'):
        return MODELS.build(
            dict(type='SoundingInstanceHead', in_channels=CHANNELS, **options)
        )


def test_every_key_of_the_released_mask2former():
    golden = load_json('keys_mask2former_head_r50')
    released = {
        f'sem_seg_head.{place}.{key}': torch.empty(shape, device='meta')
        for part, place in (
            ('pixel_decoder', 'pixel_decoder'),
            ('transformer_decoder', 'predictor'),
        )
        for key, shape in golden[part].items()
    }
    converted = convert(released, keep_classes=True)
    own = head(
        categories=[str(i) for i in range(71)],
        pixel_decoder=dict(kind='msdeform'),
        decoder=dict(num_layers=9, masked_attention=True),
    ).state_dict()
    own.pop('category_names.names')
    assert {k: tuple(v.shape) for k, v in converted.items()} == {
        f'decode_head.{k}': tuple(v.shape) for k, v in own.items()
    }
    counted = golden['pixel_decoder_params']
    counted += golden['transformer_decoder_params']
    assert sum(v.numel() for v in own.values()) == counted
    kept = {k for k in converted if 'cls_embed' not in k}
    assert set(convert(released)) == kept  # COCO's classifier is left out


def test_mmdets_names_are_ours():
    own = head().state_dict()
    own.pop('category_names.names')
    released = {f'panoptic_head.{k}': v for k, v in own.items()}
    released['backbone.stages.0.blocks.0.norm1.weight'] = torch.ones(1)
    converted = convert(released)
    lost = {k for k in own if f'decode_head.{k}' not in converted}
    assert lost == {'cls_embed.weight', 'cls_embed.bias'}
    assert 'backbone.stages.0.blocks.0.norm1.weight' in converted


def test_coco_weights_by_config_alone(tmp_path):
    """init_cfg loads backbone and head straight from mmdet's file."""
    model = dict(
        type='AVSegmentor',
        backbone=dict(
            type='SwinTransformer',
            embed_dims=16,
            depths=(1, 1, 1, 1),
            num_heads=(1, 1, 2, 2),
            window_size=4,
        ),
        decode_head=dict(
            type='SoundingInstanceHead',
            in_channels=[16, 32, 64, 128],
            categories=['dog', 'cat'],
            num_queries=4,
            embed_dims=32,
            decoder=dict(num_layers=1, ffn_channels=32),
        ),
    )
    trained = MODELS.build(model)
    path = str(tmp_path / 'maskformer_coco.pth')
    weights = {
        k.replace('decode_head.', 'panoptic_head.'): torch.randn_like(v)
        if v.is_floating_point()
        else v
        for k, v in trained.state_dict().items()
        if 'category_names' not in k
    }
    weights['panoptic_head.cls_embed.weight'] = torch.randn(134, 32)
    weights['panoptic_head.cls_embed.bias'] = torch.randn(134)
    torch.save({'state_dict': weights}, path)
    model['backbone']['init_cfg'] = dict(type='Pretrained', checkpoint=path)
    model['decode_head']['init_cfg'] = dict(
        type='Pretrained', checkpoint=path, prefix='panoptic_head.'
    )
    fresh = MODELS.build(model)
    fresh.init_weights()
    for key, value in fresh.state_dict().items():
        stored = weights.get(key.replace('decode_head.', 'panoptic_head.'))
        if 'cls_embed' in key or stored is None:
            continue
        torch.testing.assert_close(value, stored, msg=key)
    assert fresh.decode_head.cls_embed.weight.shape == (3, 32)


def test_keys_of_another_model():
    with pytest.raises(ValueError, match=r'backbone.layers.0.*1 in all'):
        convert({'backbone.layers.0.blocks.0.norm1.weight': torch.ones(1)})
    with pytest.raises(ValueError, match='tpavi_b1'):
        convert({'tpavi_b1.g.weight': torch.ones(1)})
